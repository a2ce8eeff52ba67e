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
    quantiles = (torch.arange(count, device=depths.device) + 0.5) / count
    return inverse_cdf(middles, blurred[:, 1:-1] + 1e-5, quantiles)


def inverse_cdf(edges: Tensor, mass: Tensor, wanted: Tensor) -> Tensor:
    """Quantiles of histograms: edges [R, >= B + 1], mass [R, B] (need not sum to 1), wanted [n] -> [R, n].

    `wanted` lies in 0..0.9999: rounding may leave the end of the cumulated mass a little short of 1.
    """
    cdf = functional.pad((mass / mass.sum(1, keepdim=True)).cumsum(1), (1, 0))
    found = torch.searchsorted(cdf, wanted.expand(len(mass), len(wanted)).contiguous(), right=True)
    bin_ = found.sub_(1).clamp_(0, mass.shape[1] - 1)
    share = cdf.diff()
    slope = edges[:, : mass.shape[1] + 1].diff() / torch.where(share < 1e-5, 1.0, share)
    return edges.gather(1, bin_) + (wanted - cdf.gather(1, bin_)) * slope.gather(1, bin_)
