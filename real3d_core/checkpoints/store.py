"""Converted files: safetensors with a header that says what they hold.

Their metadata are all text: `format`, `kind`, `config` (JSON), `source` (the name of the original file) and
`sha256` (of that file). See docs/model.md, "Converted files".
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ..errors import CheckpointError, OutputError
from ..part_files import whole_file
from ..streaming import no_check

FORMAT = "real3d-portrait/1"
ENDING = ".safetensors"

Kind = Literal["talking-head", "audio-to-motion", "face-model", "hubert"]

_TYPES = {torch.float32: "F32", torch.int64: "I64", torch.float16: "F16", torch.uint8: "U8"}

HEADER_LIMIT = 16 * 2**20
"""bytes; the largest real header has 0.15 MB. Headers of all files in a folder are read to list them."""


@dataclass(frozen=True)
class Header:
    """What a safetensors file says about itself.

    shapes      shape of each entry.
    metadata    the texts beside them.
    """

    shapes: dict[str, tuple[int, ...]]
    metadata: dict[str, str]

    @property
    def kind(self) -> Kind | None:
        """What a converted file holds; None for any other file."""
        kind = self.metadata.get("kind")
        return kind if self.metadata.get("format") == FORMAT and kind in get_args(Kind) else None

    @property
    def config(self) -> dict[str, Any]:
        """The settings stored beside the weights; empty where there are none that can be read."""
        try:
            config = json.loads(self.metadata.get("config", "{}"))
        except (ValueError, RecursionError):
            return {}
        return config if isinstance(config, dict) else {}


@dataclass(frozen=True)
class Origin:
    """Where the content of a converted file comes from: name and sha256 of the original file."""

    source: str
    sha256: str


def read_header(path: Path) -> Header:
    """The header of a safetensors file, which is read alone and once for each state of the file.

    Raises CheckpointError if the file cannot be read or is no whole safetensors file.
    """
    try:
        state = path.stat()
        return _read_header(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}); check the file and its permissions."
        ) from error


@lru_cache(maxsize=256)
def _read_header(path: Path, changed: int, size: int) -> Header:
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))[0]
        if not 2 <= length <= min(HEADER_LIMIT, size - 8):
            raise _damaged(path)
        text = file.read(length)
    try:
        entries = json.loads(text)
        metadata = {str(key): str(value) for key, value in entries.pop("__metadata__", {}).items()}
        shapes = {name: tuple(int(side) for side in entry["shape"]) for name, entry in entries.items()}
        ends = [int(entry["data_offsets"][1]) for entry in entries.values()]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise _damaged(path) from error
    if max(ends, default=0) != size - 8 - length or any(side < 0 for one in shapes.values() for side in one):
        raise _damaged(path)
    return Header(shapes, metadata)


def read_entries(path: Path, names: Iterable[str]) -> dict[str, Tensor]:
    """Some entries of a safetensors file, in their own types, on the CPU.

    They may be views of the file: copy them before the file can change. Raises CheckpointError if one cannot
    be read.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError, RuntimeError, MemoryError) as error:
        raise _damaged(path) from error


def write(
    path: Path,
    entries: Mapping[str, Tensor],
    kind: Kind,
    config: Mapping[str, Any],
    origin: Origin,
    check: Callable[[], None] = no_check,
) -> None:
    """Writes a converted file; it appears whole or not at all.

    entries     float32 and int64.
    check       called for each entry; whatever it raises ends the work.

    Raises OutputError if it cannot be written, CheckpointError if it would take the place of another kind of
    file.
    """
    if path.exists() and _kind_of(path) != kind:
        raise CheckpointError(f"{path} is there already and holds something else; choose another name.")
    metadata = {
        "format": FORMAT,
        "kind": kind,
        "config": json.dumps(dict(config)),
        "source": origin.source,
        "sha256": origin.sha256,
    }
    write_entries(path, entries, metadata, check)


def write_entries(
    path: Path,
    entries: Mapping[str, Tensor],
    metadata: dict[str, str],
    check: Callable[[], None] = no_check,
) -> None:
    """Writes a safetensors file; it appears whole or not at all.

    entries     float32, float16, int64 and uint8, on the CPU.
    check       called for each entry; whatever it raises ends the work.

    Raises OutputError if it cannot be written.
    """
    # The larger type first keeps every entry aligned.
    ordered = sorted(entries.items(), key=lambda entry: -entry[1].element_size())
    with whole_file(path) as part:
        try:
            # Not by safetensors' save_file, which needs all entries in memory at once and puts another file,
            # readable by its owner alone, in the place of the one that `whole_file` holds.
            with part.open("wb") as file:
                file.write(_header_bytes(ordered, metadata))
                for _, value in ordered:
                    check()
                    file.write(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
        except OSError as error:
            megabytes = math.ceil(sum(value.nbytes for _, value in ordered) / 1e6)
            raise OutputError(
                f"{path} cannot be written ({error.strerror or error}); check that {megabytes} MB are"
                " free there."
            ) from error


def _header_bytes(entries: list[tuple[str, Tensor]], metadata: dict[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, value in entries:
        start, end = end, end + value.nbytes
        kind = _TYPES[value.dtype]
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _kind_of(path: Path) -> Kind | None:
    try:
        return read_header(path).kind
    except CheckpointError:
        return None


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(f"{path} is damaged or no safetensors file; copy, download or convert it again.")
