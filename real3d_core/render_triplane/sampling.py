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

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..wires import RenderSettings

PLANE_AXES = ((0, 1), (0, 2), (2, 0))
"""World axes of the columns and the rows of each plane."""


def sample_each(planes: Tensor, points: Tensor) -> Tensor:
    """Each plane at world points: planes [n, 3, C, H, W], points [n, P, 3] -> [n, 3, C, P]."""
    grid = torch.stack([points[..., axes] for axes in PLANE_AXES], 1) * 2
    values = functional.grid_sample(
        planes.flatten(0, 1),
        grid.flatten(0, 1)[:, None],
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )
    return values[:, :, 0].unflatten(0, (-1, 3))


def sample_planes(planes: Tensor, points: Tensor) -> Tensor:
    """Mean of the three planes at world points: planes [n, 3, C, H, W], points [n, P, 3] -> [n, C, P]."""
    return sample_each(planes, points).mean(1)


def stratum_depth(
    near: Tensor, far: Tensor, count: int, number: Tensor | int, place: Tensor | float
) -> Tensor:
    """Depth at `place` (0..1) in stratum `number` of `count`; all broadcast.

    Strata are (far - near)/(count - 1) wide, and the first begins at near: the last lies beyond far. That
    too is how the released networks were trained.
    """
    span = far - near
    return near + number / (count - 1) * span + place * (span / (count - 1))


def stratified_depths(near: Tensor, far: Tensor, count: int, place: Tensor | float = 0.5) -> Tensor:
    """[..., count] depths, one in each stratum of rays near [...], far [...]; ascending.

    place   where in its stratum, 0..1: [..., count], or one for all. The middle, rather than a random place,
            makes the same graph give the same picture and keeps a clip from flickering.
    """
    number = torch.arange(count, device=near.device)
    return stratum_depth(near[..., None], far[..., None], count, number, place)


def importance_depths(depths: Tensor, weights: Tensor, quantiles: Tensor) -> Tensor:
    """Depths where a first pass found weight: depths [..., N], weights [..., N - 1] -> [..., n].

    quantiles   [..., n] 0..1, ascending: so are the depths.

    The weights are blurred (a maximum of neighbours, then their mean) and raised by 0.01, so that a thin
    surface is caught even if it lies just beside the bin that saw it.
    """
    blurred = functional.max_pool1d(weights.flatten(0, -2)[:, None], 2, stride=1, padding=1)
    blurred = functional.avg_pool1d(blurred, 2, stride=1)[:, 0] + 0.01
    middles = (depths[..., 1:] + depths[..., :-1]) / 2
    found = inverse_cdf(middles.flatten(0, -2), blurred[:, 1:-1] + 1e-5, quantiles.flatten(0, -2))
    return found.reshape(quantiles.shape)


def even_quantiles(count: int, device: torch.device) -> Tensor:
    """[count] (i + 0.5)/count: what random quantiles are in the mean."""
    return (torch.arange(count, device=device) + 0.5) / count


@dataclass(frozen=True)
class Jitter:
    """The random numbers of one frame of R rays, as the released code draws them.

    place       [R, coarse] where in its stratum each sample of the first pass lies, 0..1.
    quantiles   [R, fine] of the second pass, 0..1, ascending.
    """

    place: Tensor
    quantiles: Tensor

    @staticmethod
    def of_frame(seed: int, frame: int, rays: int, settings: RenderSettings) -> Jitter:
        """The same numbers for the same seed and frame, on every device and however a clip is cut up."""
        numbers = np.random.default_rng([seed, frame])
        place = numbers.random((rays, settings.coarse), dtype=np.float32)
        quantiles = np.sort(numbers.random((rays, settings.fine), dtype=np.float32), axis=1)
        return Jitter(torch.from_numpy(place), torch.from_numpy(quantiles))

    def to(self, device: torch.device) -> Jitter:
        return Jitter(self.place.to(device), self.quantiles.to(device))


def merged_ranks(first: Tensor, second: Tensor) -> Tensor:
    """Where the entries of ascending lists come when they are merged: [..., N], [..., M] -> [..., N + M].

    Two sorted lists are merged by looking up each in the other; equal entries keep their order.
    """
    before = torch.searchsorted(second, first)
    after = torch.searchsorted(first, second, right=True)
    before += torch.arange(first.shape[-1], device=first.device)
    after += torch.arange(second.shape[-1], device=first.device)
    return torch.cat([before, after], -1)


def inverse_cdf(edges: Tensor, mass: Tensor, wanted: Tensor) -> Tensor:
    """Quantiles of histograms: edges [R, >= B + 1], mass [R, B] (need not sum to 1), wanted [n] or [R, n]
    -> [R, n].

    Rounding may leave the end of the cumulated mass a little short of 1; a quantile beyond it runs on at the
    slope of the last bin.
    """
    cdf = functional.pad((mass / mass.sum(1, keepdim=True)).cumsum(1), (1, 0))
    found = torch.searchsorted(cdf, wanted.expand(len(mass), -1).contiguous(), right=True)
    bin_ = found.sub_(1).clamp_(0, mass.shape[1] - 1)
    share = cdf.diff()
    slope = edges[:, : mass.shape[1] + 1].diff() / torch.where(share < 1e-5, 1.0, share)
    return edges.gather(1, bin_) + (wanted - cdf.gather(1, bin_)) * slope.gather(1, bin_)
