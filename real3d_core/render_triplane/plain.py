"""The plain sampler: every ray takes all its samples, as the released networks were trained.

It is the yardstick of the fast sampler and follows docs/model.md, "Ray marching" and "Importance sampling",
to the letter; randomness (the place of a sample in its stratum, the quantiles) is replaced by the mean unless
it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..wires import DecoderWeights, RenderSettings
from .decoder import decode
from .marching import March, march
from .rays import Rays, beside_planes
from .sampling import (
    Jitter,
    even_quantiles,
    importance_depths,
    merged_ranks,
    sample_planes,
    stratified_depths,
    stratum_depth,
)

POINTS_AT_ONCE = 1 << 15
"""Samples decoded at a time on a CPU: with 8 MB of hidden units twice as fast as with 32 MB (measured)."""

POINTS_AT_ONCE_ACCELERATOR = 1 << 21
"""The same on an accelerator, which wants work for all its cores: 1 GB, at 0.5 kB each (measured)."""


@dataclass(frozen=True)
class Rendered:
    """What R rays see.

    colour  [R, 32] composited features, premultiplied, 0..1.
    alpha   [R]
    depth   [R] clamped to the range of sampled depths.
    """

    colour: Tensor
    alpha: Tensor
    depth: Tensor


@dataclass(frozen=True)
class DepthRange:
    """The least and the greatest depth at which any ray of a picture is sampled (scalars [])."""

    least: Tensor
    greatest: Tensor

    def clamp(self, depth: Tensor) -> Tensor:
        """A ray that saw nothing has infinite depth and so gets the greatest."""
        return depth.clamp(self.least, self.greatest)


def depth_range(rays: Rays, settings: RenderSettings, jitter: Jitter | None = None) -> DepthRange:
    """The range is that of the first pass: the importance pass stays inside it."""
    first, last = (0.5, 0.5) if jitter is None else (jitter.place[:, 0], jitter.place[:, -1])
    count = settings.coarse
    return DepthRange(
        stratum_depth(rays.near, rays.far, count, 0, first).min(),
        stratum_depth(rays.near, rays.far, count, count - 1, last).max(),
    )


def render_plain(
    planes: Tensor,
    weights: DecoderWeights,
    rays: Sequence[Rays],
    settings: RenderSettings,
    jitter: Sequence[Jitter] | None = None,
) -> list[Rendered]:
    """Renders n frames at once: planes [n, 3, 32, H, W], and the rays of each, R in every frame.

    jitter  the random numbers of each frame, on the device of the planes; None takes their mean.

    Memory besides planes and results is that of POINTS_AT_ONCE samples, whatever n is.
    """
    on_cpu = planes.device.type == "cpu"
    if on_cpu:
        planes = _texels_together(planes)
    most = POINTS_AT_ONCE if on_cpu else POINTS_AT_ONCE_ACCELERATOR
    at_once = max(1, most // ((settings.coarse + settings.fine) * len(rays)))
    bundle = RayBundle.of(rays, settings, jitter)
    alike = torch.zeros_like(rays[0].hit) if jitter else _seen_alike(planes, rays, settings)
    looked_at = ~alike | (alike.cumsum(0) == 1)  # the first of those alike stands for all
    parts = [
        render_rays(planes, weights, bundle[some], settings)
        for some in looked_at.nonzero()[:, 0].split(at_once)
    ]
    place = looked_at.cumsum(0) - 1
    place = torch.where(alike, place[alike.int().argmax()], place)
    colour, alpha, depth = (
        torch.cat([getattr(part, name) for part in parts], -1)[..., place]
        for name in ("colour", "alpha", "depth")
    )
    limits = [depth_range(one, settings, jitter[i] if jitter else None) for i, one in enumerate(rays)]
    return [Rendered(colour[i].T, alpha[i], limit.clamp(depth[i])) for i, limit in enumerate(limits)]


def _texels_together(planes: Tensor) -> Tensor:
    """The 32 channels of a texel side by side in memory: sampling takes half as long on a CPU (measured)."""
    return planes.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, planes.shape[:2])


def _seen_alike(planes: Tensor, rays: Sequence[Rays], settings: RenderSettings) -> Tensor:
    """[R] rays that in every frame miss the box and all planes: feature 0 all along, and one near and far."""
    count, margin, alike = settings.coarse, 0.5 / min(planes.shape[-2:]), []
    for one in rays:
        least = stratum_depth(one.near, one.far, count, 0, 0.5)
        greatest = stratum_depth(one.near, one.far, count, count - 1, 0.5)
        alike.append(~one.hit & beside_planes(one, least, greatest, margin))
    return torch.stack(alike).all(0)


@dataclass(frozen=True)
class RayBundle:
    """R rays of each of n frames.

    origin      [n, 1, 3]
    direction   [n, R, 3]
    near, far   [n, R]
    place       [n, R, coarse] or a number: where in its stratum a sample lies.
    quantiles   [n, R, fine] of the second pass, ascending.
    """

    origin: Tensor
    direction: Tensor
    near: Tensor
    far: Tensor
    place: Tensor | float
    quantiles: Tensor

    @staticmethod
    def of(rays: Sequence[Rays], settings: RenderSettings, jitter: Sequence[Jitter] | None) -> RayBundle:
        near = torch.stack([one.near for one in rays])
        quantiles = even_quantiles(settings.fine, near.device).expand(*near.shape, -1)
        return RayBundle(
            origin=torch.stack([one.origin for one in rays])[:, None],
            direction=torch.stack([one.direction for one in rays]),
            near=near,
            far=torch.stack([one.far for one in rays]),
            place=torch.stack([one.place for one in jitter]) if jitter else 0.5,
            quantiles=torch.stack([one.quantiles for one in jitter]) if jitter else quantiles,
        )

    def __getitem__(self, some: Tensor) -> RayBundle:
        """The rays with these numbers, of every frame."""
        return RayBundle(
            self.origin,
            self.direction[:, some],
            self.near[:, some],
            self.far[:, some],
            self.place[:, some] if isinstance(self.place, Tensor) else self.place,
            self.quantiles[:, some],
        )

    def points(self, depths: Tensor) -> Tensor:
        """Depths [n, R, N] -> world points [n, R * N, 3]."""
        return (self.origin[:, None] + self.direction[:, :, None] * depths[..., None]).flatten(1, 2)

    def coarse_depths(self, count: int) -> Tensor:
        """[n, R, count] ascending."""
        return stratified_depths(self.near, self.far, count, self.place)


@dataclass(frozen=True)
class RayColours:
    """What the rays of a bundle see: colour [n, 32, R], alpha [n, R], depth [n, R], not clamped."""

    colour: Tensor
    alpha: Tensor
    depth: Tensor


@dataclass(frozen=True)
class Samples:
    """One pass: depths [n, R, N] ascending, and what was found there."""

    depths: Tensor
    density: Tensor
    colour: Tensor

    def march(self) -> March:
        return march(self.depths, self.density)

    def composite(self, share: Tensor) -> Tensor:
        """[n, 32, R] sums of the colours, weighted by share [n, R, N]."""
        return torch.einsum("ncrk,nrk->ncr", self.colour, share)


def render_rays(
    planes: Tensor, weights: DecoderWeights, rays: RayBundle, settings: RenderSettings
) -> RayColours:
    """Both passes of a bundle: planes [n, 3, 32, H, W]."""
    first = evaluate(planes, weights, rays, rays.coarse_depths(settings.coarse))
    marched = first.march()  # weights alone: nobody sees the picture of the first pass
    if settings.fine == 0:
        return RayColours(first.composite(marched.sample_weights()), marched.alpha, marched.depth)
    depths = importance_depths(first.depths, marched.weights, rays.quantiles)
    second = evaluate(planes, weights, rays, depths)
    ranks = merged_ranks(first.depths, second.depths)
    marched = march_together(first, second, ranks)
    # The weights go back to where samples were evaluated, which spares moving the 32 times larger colours.
    share = marched.sample_weights().gather(-1, ranks)
    before, after = share.split([settings.coarse, settings.fine], -1)
    return RayColours(first.composite(before) + second.composite(after), marched.alpha, marched.depth)


def march_together(first: Samples, second: Samples, ranks: Tensor) -> March:
    """Marches through the samples of both passes by depth: those of ranks [n, R, N + M]."""
    depths = torch.cat([first.depths, second.depths], -1)
    density = torch.cat([first.density, second.density], -1)
    return march(
        torch.empty_like(depths).scatter_(-1, ranks, depths),
        torch.empty_like(density).scatter_(-1, ranks, density),
    )


def evaluate(planes: Tensor, weights: DecoderWeights, rays: RayBundle, depths: Tensor) -> Samples:
    """Density [n, R, N] and colour [n, 32, R, N] at `depths` [n, R, N] along rays."""
    seen = decode(sample_planes(planes, rays.points(depths)), weights)
    density = seen.density.reshape(depths.shape)
    return Samples(depths, density, seen.colour.unflatten(-1, depths.shape[1:]))
