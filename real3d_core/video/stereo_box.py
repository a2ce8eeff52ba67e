"""Says in an mp4 or mov file that its frames hold the pictures of two eyes: the box `st3d`.

ffmpeg writes that box only when asked in a way that PyAV lacks, so it is put in afterwards. The index of the
file grows by it; where the index lies before the pictures, their places in it are moved on.

Convention (ISO 14496-12): a box is its size (4 bytes), its kind (4 bytes), then its content; numbers are
big-endian. `st3d` (Spherical Video V2) stands in the sample entry: version and flags (4 bytes), layout (1).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .format_files import SIDE_BY_SIDE

CONTAINERS = ("mp4", "mov")
TOP_BOTTOM_MODE, LEFT_RIGHT_MODE = 1, 2
PARENTS = (b"trak", b"mdia", b"minf", b"stbl")  # from the index down to the tables
PICTURES = (b"avc1", b"avc3", b"hvc1", b"hev1", b"av01", b"vp09", b"mp4v", b"ap4h", b"ap4x", b"apch", b"apcn")
MOST_INDEX = 2**28  # bytes; a larger one is not touched
BLOCK = 2**22  # bytes moved together


@dataclass(frozen=True)
class _Place:
    """A box in a file: its kind, where it starts, and its whole size."""

    kind: bytes
    start: int
    size: int


def add_stereo_box(path: Path, layout: str) -> bool:
    """Adds the box for one of STEREO_LAYOUTS to a finished file, in place: for files under temporary names.

    False, and the file as it was, where it is not made as expected.
    """
    mode = LEFT_RIGHT_MODE if layout == SIDE_BY_SIDE else TOP_BOTTOM_MODE
    box = _box(b"st3d", bytes(4) + bytes([mode]))
    with open(path, "r+b") as file:
        places = list(_places(file))
        index = next((place for place in places if place.kind == b"moov"), None)
        if index is None or index.size > MOST_INDEX:
            return False
        file.seek(index.start + 8)
        old = file.read(index.size - 8)
        is_first = any(place.kind == b"mdat" and place.start > index.start for place in places)
        try:
            new = _rebuilt(b"moov", old, box, len(box) if is_first else 0)
        except (ValueError, struct.error):
            return False
        if len(new) != len(old) + len(box):  # no track of pictures, or several
            return False
        _move_on(file, index.start + index.size, len(box))
        file.seek(index.start)
        file.write(_box(b"moov", new))
    return True


def _move_on(file: BinaryIO, start: int, by: int) -> None:
    """Makes room of `by` bytes at `start`."""
    at = file.seek(0, os.SEEK_END)
    while at > start:
        size = min(BLOCK, at - start)
        at -= size
        file.seek(at)
        block = file.read(size)
        file.seek(at + by)
        file.write(block)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def _places(file: BinaryIO) -> Iterator[_Place]:
    """The boxes of a file, from its first to its last."""
    end, at = file.seek(0, os.SEEK_END), 0
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0]
        size = size or end - at
        if size < 8:
            return
        yield _Place(kind, at, size)
        at += size


def _children(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each box in a box. Raises ValueError for what is none."""
    at = 0
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if size < 8 or at + size > len(content):
            raise ValueError("a box of a size that cannot be")
        yield kind, content[at + 8 : at + size]
        at += size


def _rebuilt(kind: bytes, content: bytes, box: bytes, shift: int) -> bytes:
    """The content of a box of the index with `box` in the sample entry of pictures, places moved on."""
    if kind == b"moov" or kind in PARENTS:
        return b"".join(_box(one, _rebuilt(one, inner, box, shift)) for one, inner in _children(content))
    if kind == b"stsd":
        entries = _children(content[8:])
        marked = (_box(one, inner + box if one in PICTURES else inner) for one, inner in entries)
        return content[:8] + b"".join(marked)
    if kind in (b"stco", b"co64"):
        width = ">u4" if kind == b"stco" else ">u8"
        places = np.frombuffer(content, width, offset=8).astype(np.uint64) + np.uint64(shift)
        if kind == b"stco" and places.size and int(places.max()) >= 2**32:
            raise ValueError("a place that does not fit into 32 bits")
        return content[:8] + places.astype(width).tobytes()
    return content
