"""The face's sliders for the viewer: how each changes the planes of the analytic backend.

A slider is a straight line from rest over its middle to its end, and sliders add up. The planes hold
addresses and distances, which move almost linearly, so the picture is close to what Motion Adapter makes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..arkit import ARKIT_INDEX
from ..image_to_plane.avatar import AnalyticAvatar
from ..image_to_plane.layout import PATCH_CHANNELS
from ..motion_adapter.analytic import AnalyticAdapter
from ..wires import Motion, ResidualPlanes, TriPlane
from .compact import FREE, CompactField, Floats
from .view import SHAPES

KNOTS = (0.5, 1.0)
"""Amounts at which an expression is computed; between them it is a straight line."""

EXACT = frozenset({7, 8})
"""Channels of signed distances: an eighth bit of their range is half a pixel of a lip."""

TINY = 2e-3
"""Change of a stored value that nobody sees: a tenth of a pixel of the photo."""


@dataclass(frozen=True)
class DeltaPart:
    """Changes of some layers in a box; values [L, h, w, 4] as written: uint8, or float16.

    scale, offset   [L, 4] of uint8 values: change = value * scale + offset; None for float16.
    """

    layers: tuple[int, ...]
    values: NDArray[np.uint8] | NDArray[np.float16]
    scale: Floats | None = None
    offset: Floats | None = None

    def decoded(self) -> Floats:
        """[L, h, w, 4] the changes themselves."""
        if self.scale is None or self.offset is None:
            return self.values.astype(np.float32)
        return self.values * self.scale[:, None, None] + self.offset[:, None, None]


@dataclass(frozen=True)
class Delta:
    """An expression, a name of SHAPES, at an amount.

    box     (first column, first row, width, height) in texels.
    """

    name: str
    amount: float
    box: tuple[int, int, int, int]
    parts: tuple[DeltaPart, ...]


def expression_planes(triplane: TriPlane) -> ResidualPlanes | None:
    """The change of each expression of SHAPES at each of KNOTS, in this order; None for other backends."""
    avatar = triplane.avatar
    if not isinstance(avatar, AnalyticAvatar):
        return None
    r0, r1, c0, c1 = avatar.fields.box
    base = triplane.planes[0, 0, : len(PATCH_CHANNELS), r0:r1, c0:c1]
    motion = Motion.still(len(SHAPES) * len(KNOTS)).to(triplane.planes.device)
    weights = motion.blendshapes
    rows = ((weights_of, amount) for weights_of in SHAPES.values() for amount in KNOTS)
    for row, (shape, amount) in enumerate(rows):
        for name, weight in shape.items():
            weights[row, ARKIT_INDEX[name]] = amount * weight
    return AnalyticAdapter(avatar, base)(motion)


def deltas_of(changes: ResidualPlanes, field: CompactField) -> tuple[Delta, ...]:
    """The changes as they are written."""
    frames = iter(changes.values.cpu())
    return tuple(
        _delta(name, amount, next(frames)[0].numpy(), changes, field) for name in SHAPES for amount in KNOTS
    )


def _delta(name: str, amount: float, change: Floats, of: ResidualPlanes, field: CompactField) -> Delta:
    """change [C, h, w] of plane 0."""
    plane = of.planes[0]
    layers = [number for number, (one, _) in enumerate(field.layers) if one == plane]
    change = np.where(np.abs(change) < TINY, 0, change).astype(np.float32)
    texels = np.zeros((len(layers), *change.shape[1:], 4), np.float32)
    exact = np.zeros(len(layers), bool)
    for i, layer in enumerate(layers):
        for place, channel in enumerate(field.groups[field.layers[layer][1]]):
            if channel != FREE and channel in of.channels:
                texels[i, ..., place] = change[of.channels.index(channel)]
                exact[i] |= channel in EXACT
    moved = np.abs(texels).max(-1) > 0
    some = moved.any((1, 2))
    rows, cols = (np.flatnonzero(moved.any((0, axis))) for axis in (2, 1))
    if not some.any():
        rows = cols = np.zeros(1, int)
    box = (int(cols[0]), int(rows[0]), int(cols[-1] - cols[0]) + 1, int(rows[-1] - rows[0]) + 1)
    texels = texels[:, box[1] : box[1] + box[3], box[0] : box[0] + box[2]]
    parts = [
        _part(tuple(layers[i] for i in np.flatnonzero(which)), texels[which], half)
        for which, half in ((some & exact, True), (some & ~exact, False))
        if which.any()
    ]
    return Delta(name, amount, (of.box[2] + box[0], of.box[0] + box[1], *box[2:]), tuple(parts))


def _part(layers: tuple[int, ...], texels: Floats, half: bool) -> DeltaPart:
    if half:
        return DeltaPart(layers, texels.astype(np.float16))
    low, high = texels.min((1, 2)), texels.max((1, 2))
    # 0 is a step, so that what does not move stays where it is.
    scale = np.maximum((high - low) / 254, 1e-12)
    offset = np.floor(low / scale) * scale
    values = np.clip(np.round((texels - offset[:, None, None]) / scale[:, None, None]), 0, 255)
    return DeltaPart(layers, values.astype(np.uint8), scale.astype(np.float32), offset.astype(np.float32))


def amount_weights(amount: float) -> torch.Tensor:
    """[K] what each of KNOTS counts at an amount from 0 to 1, as the viewer mixes them."""
    eye = np.eye(len(KNOTS) + 1)[:, 1:]
    return torch.tensor([np.interp(amount, (0.0, *KNOTS), eye[:, k]) for k in range(len(KNOTS))])
