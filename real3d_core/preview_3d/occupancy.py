"""Where in the box there is anything to see: a coarse grid by which the viewer skips empty space."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..render_triplane.field import Field, FieldSource
from ..wires import ResidualPlanes, TriPlane

CELLS = 64
"""Cells per side of the box."""

FAINT = 0.1
"""Density per box side below which a place counts as empty: a whole box of it hides a tenth."""

REACH = 2
"""Cells by which what is seen is widened: more than a step of the ray at 48 samples."""

POINTS_AT_ONCE = 1 << 18


def occupancy(triplane: TriPlane, expressions: ResidualPlanes | None) -> NDArray[np.uint8]:
    """[64 (z), 64 (y), 64 (x)] 255 where the head at rest or with any of the expressions is, else 0."""
    source = FieldSource(triplane)
    dense = _dense(source.frame(None, 0), triplane.planes.device)
    if expressions is not None:
        for number in range(len(expressions.values)):
            dense |= _dense(source.frame(expressions, number), triplane.planes.device, expressions.box)
    cells = functional.max_pool3d(dense.float()[None], 2)
    cells = functional.max_pool3d(cells, 2 * REACH + 1, stride=1, padding=REACH)
    return cells[0].mul(255).byte().cpu().numpy()


def _dense(field: Field, device: torch.device, box: tuple[int, int, int, int] | None = None) -> Tensor:
    """[128, 128, 128] bool, looked at in the middle of each eighth of a cell; only over a box of plane 0."""
    side = 2 * CELLS
    centre = (torch.arange(side, device=device) + 0.5) / CELLS - 1
    rows = cols = slice(0, side)
    if box is not None:
        rows, cols = (slice(box[i] // 2, -(-box[i + 1] // 2)) for i in (0, 2))
    out = torch.zeros(side, side, side, dtype=torch.bool, device=device)
    y, x = torch.meshgrid(centre[rows], centre[cols], indexing="ij")
    slabs = max(1, POINTS_AT_ONCE // y.numel())
    for z in torch.arange(side, device=device).split(slabs):
        shape = (len(z), *y.shape)
        across = x.expand(shape).flatten(1)
        points = torch.stack([across, y.expand(shape).flatten(1), centre[z, None].expand_as(across), across])
        density = functional.softplus(field.density(points) - 1)
        out[z, rows, cols] = (density > FAINT).view(shape)
    return out
