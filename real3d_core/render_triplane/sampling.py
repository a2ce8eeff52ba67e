"""Sampling: features at world points, and the depths at which a ray is sampled.

Convention
    Planes      [3, C, H, W]; world -0.5..0.5 covers the plane from outer edge to outer edge
                (align_corners=False), bilinear, zero outside. Columns, then rows, of the planes run along (x,
                y), (x, z), (z, x): rows grow with the second coordinate, so a plane seen as a picture is
                upside down. There is no (y, z) plane; the third one is what the released networks were
                trained with.
See docs/model.md, "Tri-plane sampling" and "Importance sampling".
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

PLANE_AXES = ((0, 1), (0, 2), (2, 0))
"""World axes of the columns and the rows of each plane."""


def sample_planes(planes: Tensor, points: Tensor) -> Tensor:
    """Mean of the three planes at world points: planes [3, C, H, W], points [P, 3] -> [P, C]."""
    grid = torch.stack([points[:, axes] for axes in PLANE_AXES])[:, None] * 2
    values = functional.grid_sample(planes, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return values[:, :, 0].mean(0).T


def stratified_depths(near: Tensor, far: Tensor, count: int) -> Tensor:
    """[R, count] depths in the middles of strata (far - near)/(count - 1) wide, the first beginning at near.

    The last stratum lies beyond far; that too is how the released networks were trained. The middle, rather
    than a random place, makes the same graph give the same picture and keeps a clip from flickering.
    """
    span = (far - near)[:, None]
    place = torch.arange(count, device=near.device) / (count - 1)
    return near[:, None] + place * span + 0.5 * (span / (count - 1))


def importance_depths(depths: Tensor, weights: Tensor, count: int) -> Tensor:
    """Depths where a first pass found weight: depths [R, N], weights [R, N - 1] -> [R, count], ascending.

    The weights are blurred (a maximum of neighbours, then their mean) and raised by 0.01, so that a thin
    surface is caught even if it lies just beside the bin that saw it; then the quantiles (i + 0.5)/count are
    looked up.
    """
    blurred = functional.max_pool1d(weights[:, None], 2, stride=1, padding=1)
    blurred = functional.avg_pool1d(blurred, 2, stride=1)[:, 0] + 0.01
    middles = (depths[:, 1:] + depths[:, :-1]) / 2
    return inverse_cdf(middles, blurred[:, 1:-1] + 1e-5, count)


def inverse_cdf(edges: Tensor, mass: Tensor, count: int) -> Tensor:
    """Quantiles of a histogram: edges [R, B + 1], mass [R, B] (need not sum to 1) -> [R, count],
    ascending."""
    cdf = functional.pad((mass / mass.sum(1, keepdim=True)).cumsum(1), (1, 0))
    wanted = (torch.arange(count, device=mass.device, dtype=mass.dtype) + 0.5) / count
    above = torch.searchsorted(cdf, wanted.expand(len(mass), count).contiguous(), right=True)
    below = (above - 1).clamp(min=0)
    above = above.clamp(max=mass.shape[1])
    low, high = cdf.gather(1, below), cdf.gather(1, above)
    span = torch.where(high - low < 1e-5, torch.ones_like(low), high - low)
    left = edges.gather(1, below)
    return left + (wanted - low) / span * (edges.gather(1, above) - left)
