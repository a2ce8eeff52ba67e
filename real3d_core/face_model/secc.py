"""SECC maps: the face mesh drawn frontally, coloured by position on the mean face.

Camera: in front at z = 10, focal length 1015 on a picture of 224, head pose zero. Colours are -1..1 with -1
where there is no face; the eyes are holes, and so is the mouth. See docs/model.md, "Face model and SECC
maps".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import MotionError
from .bfm import EXPRESSION_SIZE, IDENTITY_SIZE, FaceModel
from .poses import CAMERA_DISTANCE, FIT_FOCAL, FIT_SIZE
from .rasterizer import Raster, rasterise

SECC_SIZE = 512
FOCAL = FIT_FOCAL / (FIT_SIZE / 2)
"""Focal length in half pictures."""


def _frames_at_once(device: torch.device) -> int:
    """A GPU draws several frames together, so that its small steps are fewer. A CPU is faster with one, whose
    lists stay in its cache.
    """
    return 1 if device.type == "cpu" else 8


def draw_secc(vertices: Tensor, triangles: Tensor, colours: Tensor, size: int = SECC_SIZE) -> Raster:
    """Draws meshes.

    vertices   [n, v, 3] float32: x to the image's right, y up, z towards the camera at z = 10
    triangles  [t, 3] int64; colours [v, 3] float32 0..1
    returns    colours [n, 3, size, size] -1..1, -1 where no triangle is seen
    Everything lies on one device. MPS lacks 64-bit atomic operations: there the mesh is drawn on the CPU.
    """
    device = vertices.device
    if device.type == "mps":
        drawn = draw_secc(vertices.cpu(), triangles.cpu(), colours.cpu(), size)
        return Raster(drawn.colours.to(device), drawn.triangle.to(device))
    x, y, z = vertices.float().unbind(-1)
    inverse_depth = 1 / (CAMERA_DISTANCE - z)
    half = size / 2
    scale = half * FOCAL * inverse_depth
    pixels = torch.stack([half + scale * x, half - scale * y], -1)
    raster = rasterise(pixels, inverse_depth, triangles, colours, size)
    # Where nothing is seen, colours are 0: that becomes the -1 of the ground.
    return Raster(raster.colours.mul_(2).sub_(1), raster.triangle)


@dataclass(frozen=True)
class _Neutral:
    """One identity [80] and its vertices without expression [v, 3]."""

    identity: Tensor
    vertices: Tensor


class SeccRenderer:
    """Draws the SECC maps of expressions.

    The shape of the identity drawn last is kept, so that a clip pays for it once. May be used from several
    threads. Lies where the face model lies; `.to` gives one on another device.
    """

    def __init__(self, face_model: FaceModel, size: int = SECC_SIZE) -> None:
        self._model = face_model
        self._size = size
        self._kept: _Neutral | None = None

    def to(self, device: torch.device | str) -> SeccRenderer:
        """This renderer on a device; itself if it is there."""
        if self._model.mean.device == torch.device(device):
            return self
        return SeccRenderer(self._model.to(device), self._size)

    def render(self, identity: Tensor, expression: Tensor) -> Tensor:
        """identity [80] or [1, 80], expression [64] or [n, 64] float32 -> [n, 3, 512, 512] float32 -1..1.

        A frame's map depends on its own expression alone, never on the frames beside it.
        Raises MotionError for coefficients of another shape or that are not finite.
        """
        expression = torch.atleast_2d(expression)
        _check("identity", identity, 1, IDENTITY_SIZE)
        _check("expression", expression, len(expression), EXPRESSION_SIZE)
        model = self._model
        neutral = self._neutral(identity.reshape(-1).to(model.mean))
        maps, at_once = [], _frames_at_once(model.mean.device)
        for start in range(0, len(expression), at_once):
            rows = expression[start : start + at_once].to(model.mean)
            # A product per frame: a matrix product rounds differently with the number of its rows.
            moved = torch.stack([neutral + (model.expression_base @ row).view(-1, 3) for row in rows])
            maps.append(draw_secc(moved, model.visible_triangles, model.colours, self._size).colours)
        return torch.cat(maps) if maps else model.mean.new_zeros(0, 3, self._size, self._size)

    def _neutral(self, identity: Tensor) -> Tensor:
        kept = self._kept
        if kept is None or not torch.equal(kept.identity, identity):
            offset = (self._model.identity_base @ identity).view(-1, 3)
            kept = _Neutral(identity.clone(), self._model.mean + offset)
            self._kept = kept
        return kept.vertices


def _check(name: str, coefficients: Tensor, rows: int, columns: int) -> None:
    """Raises MotionError."""
    if (
        coefficients.ndim > 2
        or coefficients.shape[-1:] != (columns,)
        or coefficients.numel() != rows * columns
    ):
        raise MotionError(
            f"The {name} coefficients have the shape {list(coefficients.shape)}, where rows of {columns} are "
            "needed; use coefficients of the Basel Face Model 2009."
        )
    if not bool(torch.isfinite(coefficients).all()):
        raise MotionError(
            f"The {name} coefficients hold numbers that are not finite; fit or make them again."
        )
