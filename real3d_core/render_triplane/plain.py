"""The plain sampler: every ray takes all its samples, as the released networks were trained.

It is the yardstick of the fast sampler and follows docs/model.md, "Ray marching" and "Importance sampling",
to the letter; randomness (the place of a sample in its stratum, the quantiles) is replaced by the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..wires import DecoderWeights, RenderSettings
from .decoder import Decoded, decode
from .marching import March, march
from .rays import Rays
from .sampling import importance_depths, sample_planes, stratified_depths

POINTS_AT_ONCE = 1 << 17
"""Samples decoded at a time: 34 MB of hidden units, which stay in a large cache and bound the memory."""


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


def depth_range(rays: Rays, settings: RenderSettings) -> DepthRange:
    """The range is that of the first pass: the importance pass stays inside it."""
    half = (rays.far - rays.near) / (settings.coarse - 1) / 2
    return DepthRange((rays.near + half).min(), (rays.far + half).max())


def render_plain(planes: Tensor, weights: DecoderWeights, rays: Rays, settings: RenderSettings) -> Rendered:
    """Renders one frame: planes [3, 32, H, W]."""
    at_once = max(1, POINTS_AT_ONCE // (settings.coarse + settings.fine))
    limits = depth_range(rays, settings)
    parts = []
    for first in range(0, len(rays), at_once):
        some = slice(first, first + at_once)
        parts.append(render_rays(planes, weights, rays, some, settings))
    return Rendered(
        colour=torch.cat([part.colour for part in parts]),
        alpha=torch.cat([part.alpha for part in parts]),
        depth=limits.clamp(torch.cat([part.depth for part in parts])),
    )


def render_rays(
    planes: Tensor, weights: DecoderWeights, rays: Rays, some: slice | Tensor, settings: RenderSettings
) -> Rendered:
    """Renders the rays `some` (a slice or their numbers); their depth is not clamped."""
    direction = rays.direction[some]
    depths = stratified_depths(rays.near[some], rays.far[some], settings.coarse)
    seen = evaluate(planes, weights, rays.origin, direction, depths)
    marched = march(depths, seen.density)
    if settings.fine == 0:
        return _composite(marched, seen.colour)
    more = importance_depths(depths, marched.weights, settings.fine)
    fine = evaluate(planes, weights, rays.origin, direction, more)
    depths, order = torch.cat([depths, more], 1).sort(1)
    marched = march(depths, torch.cat([seen.density, fine.density], 1).gather(1, order))
    # The weights are put back into the order of evaluation, which spares sorting the 32 times larger colours.
    in_order = torch.zeros_like(depths).scatter(1, order, marched.sample_weights())
    colour = torch.cat([seen.colour, fine.colour], 1)
    return Rendered((in_order[:, None] @ colour)[:, 0], marched.alpha, marched.depth)


def _composite(marched: March, colour: Tensor) -> Rendered:
    mixed = marched.sample_weights()[:, None] @ colour
    return Rendered(mixed[:, 0], marched.alpha, marched.depth)


def evaluate(
    planes: Tensor, weights: DecoderWeights, origin: Tensor, direction: Tensor, depths: Tensor
) -> Decoded:
    """Density [R, N] and colour [R, N, 32] at `depths` [R, N] along rays."""
    points = origin + direction[:, None] * depths[..., None]
    feature = sample_planes(planes, points.reshape(-1, 3))
    seen = decode(feature, weights)
    return Decoded(seen.density.reshape(depths.shape), seen.colour.reshape(*depths.shape, -1))
