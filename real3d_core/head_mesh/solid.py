"""The volume of a tri-plane as a solid: how deep a point lies below the surface, about in box sides.

See docs/model.md, "Mesh".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..image_to_plane.layout import BETA, D0, SLOPE
from ..render_triplane.field import Field, FieldSource
from ..streaming import no_check
from ..wires import TriPlane
from .bust import Bust
from .surface_nets import Solid

NETWORK_DENSITY = (
    10.0  # where light is stopped within a tenth of a head: the level that such volumes are cut at
)
POINTS_AT_ONCE = 1 << 18
COARSE = 64  # points a side of the look that finds where the head is
MARGIN = 2  # coarse cells around it
STEP = 0.25  # of a cell: half the distance over which a slope is measured
NEWTON_STEPS = 2


class Deep(Protocol):
    """A solid that knows how deep points lie."""

    @property
    def device(self) -> torch.device: ...

    def depth(self, points: Tensor) -> Tensor:
        """points [n, 3] world -> [n] box sides, positive inside."""
        ...


@dataclass(frozen=True)
class HeadSolid:
    """One frame of a tri-plane.

    field       its volume
    density     raw density of the surface
    is_analytic whether the density is that of the built-in decoder, which can be turned into a distance
    device      of the tensors
    bust        where the head ends and what its neck is like, None for the volume alone
    """

    field: Field
    density: float
    is_analytic: bool
    device: torch.device
    bust: Bust | None = None

    def depth(self, points: Tensor) -> Tensor:
        """points [n, 3] world -> [n]: positive inside. Of a built-in head it is a distance in box sides.

        Its raw density is D0 + 1 - SLOPE / BETA * softplus(BETA * s), which tells the distance s outside; of
        a network's it is log-like already and is taken as it is.
        """
        xyzx = (points.T[[0, 1, 2, 0]] * 2)[:, None]
        raw = self.field.density(xyzx)[0]
        if not self.is_analytic:
            return raw - self.density
        depth = _distance(torch.full_like(raw, self.density)) - _distance(raw)
        return depth if self.bust is None else self.bust.solid(depth, points)


def _distance(raw: Tensor) -> Tensor:
    """Distance outside a built-in head (negative inside) from its raw density."""
    fallen = ((D0 + 1 - raw) * (BETA / SLOPE)).clamp(min=1e-6)
    return torch.where(fallen > 30, fallen, torch.log(torch.expm1(fallen.clamp(max=30)))) / BETA


def head_solid(triplane: TriPlane, frame: int, density: float = 0.0, bust: Bust | None = None) -> HeadSolid:
    """density: raw density of the surface; 0 = half of a built-in head's own, 10 for networks."""
    is_analytic = triplane.model.kind == "analytic"
    field = FieldSource(triplane).frame(triplane.residual(frame, frame + 1), 0)
    level = density or (D0 / 2 if is_analytic else NETWORK_DENSITY)
    return HeadSolid(field, level, is_analytic, triplane.planes.device, bust)


@dataclass(frozen=True)
class Sampled:
    """solid [n0, n1, n2] (x, y, z) depths in cells, outside on its outermost layer; its first point lies at
    `origin` [3] in the world, neighbours are `cell` apart.
    """

    solid: Solid
    origin: np.ndarray
    cell: float


def sampled(
    solid: HeadSolid,
    resolution: int,
    check: Callable[[], None] = no_check,
    progress: Callable[[float], None] | None = None,
) -> Sampled | None:
    """The depths on a grid of 1 / resolution, where the head is; None where there is none.

    check       called now and then; whatever it raises ends the work.
    progress    told the share that is done.
    """
    look = _grid(solid, np.full(3, -0.5 + 0.5 / COARSE), 1 / COARSE, (COARSE,) * 3, check, None)
    where = np.argwhere(look > 0)
    if len(where) == 0:
        return None
    cell = 1 / resolution
    low = (where.min(0) - MARGIN) / COARSE - 0.5
    high = (where.max(0) + 1 + MARGIN) / COARSE - 0.5
    low, high = np.maximum(low, -0.5), np.minimum(high, 0.5)
    counts = np.maximum(np.ceil((high - low) / cell - 1e-6).astype(int), 1)
    origin = low + cell / 2
    values = _grid(solid, origin, cell, tuple(int(n) for n in counts), check, progress)
    # A layer outside all round: what reaches the edge of the box is closed there.
    values = np.pad(values / cell if solid.is_analytic else values, 1, constant_values=-1.0)
    return Sampled(values.astype(np.float32), origin - cell, cell)


def _grid(
    solid: HeadSolid,
    origin: np.ndarray,
    cell: float,
    counts: tuple[int, int, int],
    check: Callable[[], None],
    progress: Callable[[float], None] | None,
) -> np.ndarray:
    axes = [
        torch.as_tensor(origin[i] + cell * np.arange(counts[i]), dtype=torch.float32, device=solid.device)
        for i in range(3)
    ]
    out = np.empty(counts, np.float32)
    rows = max(1, POINTS_AT_ONCE // (counts[1] * counts[2]))
    for start in range(0, counts[0], rows):
        check()
        stop = min(start + rows, counts[0])
        points = torch.cartesian_prod(axes[0][start:stop], axes[1], axes[2])
        out[start:stop] = solid.depth(points).reshape(stop - start, *counts[1:]).cpu().numpy()
        if progress is not None:
            progress(stop / counts[0])
    return out


def on_surface(solid: Deep, points: Tensor, cell: float) -> Tensor:
    """Moves points [n, 3] that are near the surface onto it, by at most half a cell."""
    moved = points
    for _ in range(NEWTON_STEPS):
        slope = gradient(solid, moved, cell)
        length = slope.square().sum(1, keepdim=True).clamp(min=1e-12)
        moved = moved - solid.depth(moved)[:, None] * slope / length
        shift = moved - points
        far = torch.linalg.vector_norm(shift, dim=1, keepdim=True) / (cell / 2)
        moved = points + shift / far.clamp(min=1)
    return moved


def gradient(solid: Deep, points: Tensor, cell: float) -> Tensor:
    """[n, 3] slope of the depth."""
    out = torch.empty_like(points)
    for axis in range(3):
        step = torch.zeros(3, device=points.device)
        step[axis] = STEP * cell
        out[:, axis] = (solid.depth(points + step) - solid.depth(points - step)) / (2 * STEP * cell)
    return out
