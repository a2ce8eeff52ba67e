"""The viewer's file.

Convention
    The bytes R3DV, the header's length (uint32), the header (JSON, ASCII, spaces at the end up to a multiple
    of 4), then the data; all little-endian, and the whole compressed by gzip. A span is (offset into the
    data, bytes); offsets are multiples of 4. The header's entries are written by `header_of`, and read by
    web/js/preview_3d/file.js.
"""

from __future__ import annotations

import gzip
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..render_triplane.cameras import split_camera
from ..render_triplane.decoder import OFFSET, SCALE
from ..wires import PLANE_SIZE, TriPlane
from .compact import CompactField, Floats
from .expressions import Delta, DeltaPart
from .looks import GROUND, TILE, Turntable
from .pictures import LookUps, encoded

MAGIC = b"R3DV"
VERSION = 1
LEVEL = 6
"""Of gzip: 9 takes three times as long and saves a hundredth."""

Span = tuple[int, int]


@dataclass
class Data:
    """The data of a file while it is written."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, content: bytes) -> Span:
        padded = content + b"\0" * (-len(content) % 4)
        self.parts.append(padded)
        self.size += len(padded)
        return self.size - len(padded), len(content)

    def floats(self, values: Floats) -> Span:
        return self.add(np.ascontiguousarray(values, "<f4").tobytes())


@dataclass(frozen=True)
class Preview:
    """What a file holds. pictures and deltas: None and () for the raw volume of a network."""

    triplane: TriPlane
    field: CompactField
    occupancy: np.ndarray
    turntable: Turntable
    pictures: LookUps | None = None
    deltas: tuple[Delta, ...] = ()

    def encoded(self) -> bytes:
        """The file's bytes."""
        data = Data()
        header = json.dumps(header_of(self, data), separators=(",", ":")).encode("ascii")
        header += b" " * (-len(header) % 4)
        raw = b"".join([MAGIC, struct.pack("<I", len(header)), header, *data.parts])
        return gzip.compress(raw, LEVEL, mtime=0)


def header_of(preview: Preview, data: Data) -> dict[str, Any]:
    """The header; puts what it points to into `data`."""
    triplane, compact = preview.triplane, preview.field
    return {
        "version": VERSION,
        "mode": "volume" if preview.pictures is None else "photo",
        "resolution": PLANE_SIZE,
        "occupancy": {"cells": len(preview.occupancy), "span": data.add(preview.occupancy.tobytes())},
        "camera": _camera(triplane),
        "ground": GROUND,
        "colour": {"scale": SCALE, "offset": OFFSET},
        "decoder": _decoder(compact, data),
        "planes": _planes(triplane, compact, data, preview.pictures is not None),
        "expressions": [_expression(one, data) for one in preview.deltas],
        "pictures": {} if preview.pictures is None else _pictures(preview.pictures, data),
        "photo": None if preview.pictures is None else _photo(preview.pictures),
        "turntable": _turntable(preview.turntable, data),
    }


def _camera(triplane: TriPlane) -> dict[str, Any]:
    camera = split_camera(triplane.camera.cpu().double())
    return {
        "c2w": camera.c2w.flatten().tolist(),
        "intrinsics": camera.intrinsics.flatten().tolist(),
        "pivot": triplane.pivot.cpu().double().tolist(),
    }


def _decoder(compact: CompactField, data: Data) -> dict[str, Any]:
    names = ("w1", "b1", "w2", "b2", "linear")
    return {
        "groups": len(compact.groups),
        "layers": compact.layers,
        "hidden": len(compact.b1),
        "outputs": len(compact.b2),
        "is_linear": bool(compact.linear.any()),
        "density": {"groups": compact.density_groups, "units": compact.density_units},
        "colours": {"groups": compact.colour_groups, "units": compact.colour_units},
        **{name: data.floats(getattr(compact, name)) for name in names},
    }


def _planes(triplane: TriPlane, compact: CompactField, data: Data, exact: bool) -> dict[str, Any]:
    """Addresses need half precision; the 24 layers of a network are quantised to stay small."""
    texels = compact.texels(triplane.planes[0])
    if exact:
        return _values(DeltaPart(tuple(range(len(texels))), texels.astype(np.float16)), data)
    low, high = texels.min((1, 2)), texels.max((1, 2))
    scale = np.maximum((high - low) / 255, 1e-12)
    values = np.round((texels - low[:, None, None]) / scale[:, None, None]).clip(0, 255).astype(np.uint8)
    return _values(DeltaPart(tuple(range(len(texels))), values, scale, low), data)


def _values(part: DeltaPart, data: Data) -> dict[str, Any]:
    if part.scale is None or part.offset is None:
        return {"format": "f16", "span": data.add(part.values.astype("<f2").tobytes())}
    return {
        "format": "u8",
        "span": data.add(part.values.tobytes()),
        "scale": data.floats(part.scale),
        "offset": data.floats(part.offset),
    }


def _expression(delta: Delta, data: Data) -> dict[str, Any]:
    parts = [{"layers": part.layers} | _values(part, data) for part in delta.parts]
    return {"name": delta.name, "amount": delta.amount, "box": delta.box, "parts": parts}


def _pictures(pictures: LookUps, data: Data) -> dict[str, Span]:
    return {name: data.add(content) for name, content in pictures.encoded().items()}


def _photo(pictures: LookUps) -> dict[str, Any]:
    return {"lip": pictures.lip, "iris_u": pictures.iris_u, "torso_depth": pictures.torso_depth}


def _turntable(table: Turntable, data: Data) -> dict[str, Any]:
    span = data.add(encoded(table.picture))
    return {"span": span, "tile": TILE, "yaws": table.yaws, "pitches": table.pitches}
