"""The 3D morphable face model (Basel Face Model 2009, front face): vertices from coefficients.

Model space: x to the image's right, y up, z towards the viewer; a head is about 2 units high and the mean
shape's vertices have the mean 0. See docs/model.md, "Face model and SECC maps".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import CheckpointError
from ..wires import _Movable

IDENTITY_SIZE, EXPRESSION_SIZE = 80, 64

NO_VERTEX = -999
"""Marks the landmarks of the 468 that have no vertex of the face model."""


@dataclass(frozen=True)
class LinearShape(_Movable):
    """Points that depend linearly on the coefficients: mean + identity + expression.

    mean             [n, 3] float32
    identity_base    [3n, 80] float32, rows x, y, z of point 0, then of point 1, ...
    expression_base  [3n, 64] float32, the same
    """

    mean: Tensor
    identity_base: Tensor
    expression_base: Tensor

    def shape(self, identity: Tensor, expression: Tensor) -> Tensor:
        """identity [80] or [f, 80], expression [64] or [f, 64] -> [f, n, 3] points in model space, no pose.

        One of the two may have a single row for all frames f.
        """
        return self.mean + self.offset(identity, expression)

    def offset(self, identity: Tensor, expression: Tensor) -> Tensor:
        """The same without the mean: how far the coefficients move each point, [f, n, 3]."""
        moved = torch.atleast_2d(identity) @ self.identity_base.T
        moved = moved + torch.atleast_2d(expression) @ self.expression_base.T
        return moved.unflatten(-1, (-1, 3))

    def at(self, points: Tensor) -> LinearShape:
        """The model of a few points alone: points [k] int64, 0-based. No other vertex is touched."""

        def rows(base: Tensor) -> Tensor:
            return base.unflatten(0, (-1, 3))[points].flatten(0, 1)

        return LinearShape(self.mean[points], rows(self.identity_base), rows(self.expression_base))


@dataclass(frozen=True)
class FaceModel(LinearShape):
    """The whole face model, n = 35709 vertices in the released one.

    triangles          [m, 3] int64, 0-based vertex indices, as in the file
    visible_triangles  [k, 3] int64: triangles without the two eyes, which are holes in SECC maps; same order
    keypoints          [68] int64: the vertices of the 68 landmarks
    trained_keypoints  [68] int64: the vertex after each of them (the networks were trained on these by
                       mistake, and driving the torso needs the same)
    index468           [468] int64: the vertices of the face mesh landmarks; vertex 0 where there is none
    unmatched468       [468] bool: the landmarks that have none
    colours            [n, 3] float32 0..1: normalised coordinates of the mean shape (NCC)
    """

    triangles: Tensor
    visible_triangles: Tensor
    keypoints: Tensor
    trained_keypoints: Tensor
    index468: Tensor
    unmatched468: Tensor
    colours: Tensor

    @staticmethod
    def from_tensors(tensors: Mapping[str, Tensor | np.ndarray]) -> FaceModel:
        """Builds the model from the entries of a converted file, which are those of the original files.

        meanshape [1, 3n], idBase [3n, 80], exBase [3n, 64], tri [m, 3] and keypoints [1, 68] (both count from
        1), index_mp468 [468] (from 0, -999 for none), ncc_code [3, n], eye_faces_left and eye_faces_right
        (triangles, from 1). Leading axes of length 1 do not matter, entries beyond these are not read.

        Raises CheckpointError that names the first entry that is missing, of a wrong shape, not finite, or an
        index out of range.
        """
        read = _Entries(tensors)
        mean = read.floats("meanshape", -1)
        if mean.numel() == 0 or mean.numel() % 3:
            raise read.wrong("meanshape", "three numbers for each vertex")
        mean = mean.reshape(-1, 3)
        count = len(mean)
        triangles = read.indices("tri", 1, count, -1, 3)
        keypoints = read.indices("keypoints", 1, count, 68)
        index468 = read.indices("index_mp468", 0, count, 468, none=NO_VERTEX)
        keep = torch.ones(len(triangles), dtype=torch.bool)
        for side in ("eye_faces_left", "eye_faces_right"):
            keep[read.indices(side, 1, len(triangles), -1)] = False
        return FaceModel(
            mean=mean - mean.mean(0),
            identity_base=read.floats("idBase", 3 * count, IDENTITY_SIZE),
            expression_base=read.floats("exBase", 3 * count, EXPRESSION_SIZE),
            triangles=triangles,
            visible_triangles=triangles[keep],
            keypoints=keypoints,
            trained_keypoints=(keypoints + 1).clamp(max=count - 1),
            index468=index468.clamp(min=0),
            unmatched468=index468 == NO_VERTEX,
            colours=read.floats("ncc_code", 3, count).T.contiguous(),
        )


class _Entries:
    """Reads the entries of a face model file with checks."""

    def __init__(self, tensors: Mapping[str, Tensor | np.ndarray]) -> None:
        self._tensors = tensors

    def wrong(self, name: str, needed: str) -> CheckpointError:
        return CheckpointError(
            f"The face model's entry '{name}' is not {needed}; convert the original face model files again."
        )

    def floats(self, name: str, *shape: int) -> Tensor:
        value = self._entry(name, shape).float()
        if not bool(torch.isfinite(value).all()):
            raise self.wrong(name, "finite throughout")
        return value

    def indices(self, name: str, first: int, count: int, *shape: int, none: int | None = None) -> Tensor:
        """int64, 0-based. The file counts from `first`; `none` marks an entry without index and is kept."""
        value = self._entry(name, shape).long()
        index = value - first
        outside = (index < 0) | (index >= count)
        if none is not None:
            outside &= value != none
            index = torch.where(value == none, value, index)
        if bool(outside.any()):
            raise self.wrong(name, f"an index of {count} elements, counted from {first}")
        return index

    def _entry(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """The entry without leading axes of length 1; -1 in `shape` stands for any length."""
        if name not in self._tensors:
            raise CheckpointError(
                f"The face model has no entry '{name}'; convert the original face model files again."
            )
        value = torch.as_tensor(self._tensors[name])
        while value.ndim > len(shape) and value.shape[0] == 1:
            value = value[0]
        fits = value.ndim == len(shape) and not value.is_complex()
        if not fits or any(need not in (-1, size) for need, size in zip(shape, value.shape, strict=True)):
            needed = " x ".join("any" if need < 0 else str(need) for need in shape)
            raise self.wrong(name, f"an array of {needed} numbers, but of shape {list(value.shape)}")
        return value
