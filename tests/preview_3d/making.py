"""Heads for the viewer's tests, and what its file says, read back in Python."""

from __future__ import annotations

import gzip
import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from real3d_core.model import Model
from real3d_core.preview_3d.compact import compacted
from real3d_core.preview_3d.file import Preview
from real3d_core.preview_3d.looks import PITCHES, TILE, YAWS, Turntable
from real3d_core.render_triplane.cameras import built_in_camera
from real3d_core.wires import PLANE_SIZE, DecoderWeights, TriPlane


def random_head(channels: int = 32, seed: int = 0) -> TriPlane:
    """A head as networks make them: smooth random planes of which the first `channels` are used."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(3, 32, 24, 24, generator=random) * 2
    planes = torch.nn.functional.interpolate(coarse, (PLANE_SIZE, PLANE_SIZE), mode="bicubic")
    planes[:, channels:] = 0
    weights = (torch.randn(*shape, generator=random) for shape in ((64, 32), (64,), (33, 64), (33,)))
    w1, b1, w2, b2 = (one * size for one, size in zip(weights, (0.3, 0.2, 0.4, 0.2), strict=True))
    w2[0] *= 6  # a body with a surface, not fog alone
    w2[0] -= w2[0].mean()
    return TriPlane(
        planes=planes[None],
        decoder=DecoderWeights(w1, b1, w2, b2),
        camera=built_in_camera(),
        pivot=torch.tensor([0.0, 0.02, -0.05]),
        model=Model("random", "network"),
    )


def plain_preview(triplane: TriPlane, cells: np.ndarray) -> Preview:
    """A head's file with a grey turntable, which takes the longest to make."""
    grey = np.full((TILE * len(PITCHES), TILE * len(YAWS), 3), 90, np.uint8)
    return Preview(triplane, compacted(triplane.planes[0], triplane.decoder, 3), cells, Turntable(grey))


@dataclass(frozen=True)
class ReadFile:
    """A viewer's file as the browser reads it."""

    header: dict[str, Any]
    data: bytes

    @staticmethod
    def of(content: bytes) -> ReadFile:
        raw = gzip.decompress(content)
        (length,) = struct.unpack("<I", raw[4:8])
        assert raw[:4] == b"R3DV" and length % 4 == 0
        return ReadFile(json.loads(raw[8 : 8 + length]), raw[8 + length :])

    def bytes(self, span: list[int]) -> bytes:
        offset, size = span
        assert offset % 4 == 0 and 0 <= offset <= offset + size <= len(self.data)
        return self.data[offset : offset + size]

    def floats(self, span: list[int]) -> np.ndarray:
        return np.frombuffer(self.bytes(span), "<f4")

    def values(self, part: dict[str, Any], layers: int, height: int, width: int) -> np.ndarray:
        """[layers, height, width, 4] as they were before they were packed."""
        shape = (layers, height, width, 4)
        if part["format"] == "f16":
            return np.frombuffer(self.bytes(part["span"]), "<f2").reshape(shape).astype(np.float32)
        scale, offset = (self.floats(part[name]).reshape(layers, 1, 1, 4) for name in ("scale", "offset"))
        return np.frombuffer(self.bytes(part["span"]), np.uint8).reshape(shape) * scale + offset

    def planes(self) -> np.ndarray:
        side, layers = self.header["resolution"], len(self.header["decoder"]["layers"])
        return self.values(self.header["planes"], layers, side, side)
