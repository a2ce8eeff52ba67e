"""The fast sampler: the picture of the plain one from a small part of its samples, for any tri-plane.

1. A quarter of the rays per side look at the density alone and say, tile by tile, between which depths there
is
   anything to see. Rays of empty tiles, and depths before, behind and beyond that, are not looked at again.
2. Each ray takes those strata of the plain sampler that lie in its window; density alone.
3. The weights found there and the even spacing of the strata are mixed into one distribution, of which all
   final depths of a ray are quantiles: they come out in order, and nothing need be merged. Density alone.
4. Colour is decoded at a few depths per ray that share its weight evenly, at one where that will do.
See docs/model.md, "Fast sampler".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from ..wires import DecoderWeights, RenderSettings
from .cameras import Pinhole
from .field import Field
from .marching import March, march
from .plain import RayBundle, Rendered, depth_range, render_rays
from .rays import BOX, Rays, camera_rays
from .sampling import inverse_cdf

TILE = 4
"""Rays per side of a tile that share a depth window."""

LEAST_TILES = 32
"""Tiles per side of a small picture (never more than rays)."""

FAINT = 1e-5
"""Optical depth of a stratum below which it counts as empty: 48 of them hide less than 1/2000."""

OPAQUE = 9.0
"""Optical depth behind which nothing is seen: less than 1/8000 passes."""

COLOURS = ((0.004, 0.01, 3), (0.01, 0.03, 8), (0.03, float("inf"), 32))
"""(more than, up to, colours): colours decoded along a ray whose weight is spread over so much (standard
deviation, box sides) of the axes on which colour depends. Up to a texel, 0.004, one colour will do."""

WIDTHS = (6, 10, 16, 28)
"""Rays are bundled with others that need up to so many strata; one wide ray would widen all."""

FINE_SHARE = 3 / 4
"""Importance samples per one of the plain sampler's, which spends a third of its own where nothing is
seen."""

POINTS_AT_ONCE = 1 << 18
"""Densities evaluated at a time, which bounds the memory."""


@dataclass(frozen=True)
class Windows:
    """Rays worth looking at.

    ray     [M] numbers of the rays.
    first   [M] number of the first stratum of each ray that may hold something.
    count   [M] how many strata to take from there, at least 2.
    """

    ray: Tensor
    first: Tensor
    count: Tensor

    def __getitem__(self, some: Tensor) -> Windows:
        return Windows(self.ray[some], self.first[some], self.count[some])


@dataclass(frozen=True)
class Line:
    """m rays as straight lines, in coordinates in which the box is -1..1. start [3], heading [m, 3]."""

    start: Tensor
    heading: Tensor

    @staticmethod
    def of(rays: Rays, some: Tensor) -> Line:
        return Line(rays.origin / BOX, rays.direction[some] / BOX)

    def __getitem__(self, some: Tensor) -> Line:
        return Line(self.start, self.heading[some])

    def points(self, depths: Tensor) -> Tensor:
        """[m, N] depths -> [4, m, N] coordinates x, y, z, x (the order that Field reads)."""
        out = depths.new_empty(4, *depths.shape)
        for row, axis in enumerate((0, 1, 2, 0)):
            torch.addcmul(self.start[axis], self.heading[:, axis : axis + 1], depths, out=out[row])
        return out


def render_fast(field: Field, weights: DecoderWeights, camera: Pinhole, settings: RenderSettings) -> Rendered:
    """Renders one frame of resolution^2 rays."""
    rays = camera_rays(camera.c2w, camera.intrinsics, settings.resolution)
    colour = rays.near.new_zeros(len(field.outputs), len(rays))
    alpha = torch.zeros_like(rays.near)
    depth = torch.full_like(rays.near, float("inf"))
    for some in bundles(find_windows(field, camera, rays, settings)):
        colour[:, some.ray], alpha[some.ray], depth[some.ray] = render_bundle(field, rays, some, settings)
    out = Rendered(field.complete(colour, alpha), alpha, depth)
    _fill_missing(out, field, weights, rays, settings)
    return replace(out, depth=depth_range(rays, settings).clamp(out.depth))


def _fill_missing(
    out: Rendered, field: Field, weights: DecoderWeights, rays: Rays, settings: RenderSettings
) -> None:
    """Rays that miss the box all see the same: feature 0, which need not be empty in a network."""
    missing = (~rays.hit).nonzero()[:, 0]
    if not len(missing) or functional.softplus(torch.tensor(field.empty_density - 1)) == 0:
        return
    nothing = torch.zeros(1, 3, 32, 1, 1, device=rays.near.device)
    one = render_rays(nothing, weights, RayBundle.of([rays], settings, None)[missing[:1]], settings)
    out.colour[missing], out.alpha[missing], out.depth[missing] = one.colour[0, :, 0], one.alpha, one.depth


def find_windows(field: Field, camera: Pinhole, rays: Rays, settings: RenderSettings) -> Windows:
    """Step 1: looks at the density along few rays and bounds what all rays need look at.

    A window begins a stratum before the first that is not empty in its tile or in the eight around it. It
    ends a stratum after the last of them; or, where all nine are opaque, after the last that can be seen.
    """
    side = min(settings.resolution, max(LEAST_TILES, -(-settings.resolution // TILE)))
    few = camera_rays(camera.c2w, camera.intrinsics, side)
    step = ((few.far - few.near) / settings.coarse)[:, None]
    depths = few.near[:, None] + step * (torch.arange(settings.coarse, device=step.device) + 0.5)
    density = field.density(Line.of(few, slice(None)).points(depths))
    optical = functional.softplus(density - 1) * step * few.hit[:, None]
    passed = optical.cumsum(1)
    live = optical > FAINT
    seen = live & (passed - optical < OPAQUE)
    never = float("inf")
    limits = torch.stack(
        [
            torch.where(live, step - depths, -never).amax(1),
            torch.where(live, depths + step, -never).amax(1),
            torch.where(seen, depths + step, -never).amax(1),
            (passed[:, -1] < OPAQUE).to(depths.dtype),
        ]
    )
    spread = functional.max_pool2d(limits.reshape(-1, side, side), 3, stride=1, padding=1)
    tile = torch.arange(settings.resolution, device=step.device) * side // settings.resolution
    first, last, last_seen, translucent = spread[:, tile[:, None], tile].flatten(1)
    return _strata(rays, -first, torch.where(translucent > 0, last, last_seen), settings.coarse)


def _strata(rays: Rays, first: Tensor, last: Tensor, count: int) -> Windows:
    """Depth windows [R] -> numbers of the strata whose depths surround them."""
    ray = (rays.hit & (last > first)).nonzero()[:, 0]
    step = ((rays.far - rays.near) / (count - 1))[ray]
    low = ((first - rays.near)[ray] / step - 0.5).floor().clamp(0, count - 2)
    high = ((last - rays.near)[ray] / step - 0.5).ceil().clamp(max=count - 1)
    high = torch.maximum(high, low + 1)
    return Windows(ray, low.long(), (high - low).long() + 1)


def bundles(windows: Windows) -> Iterator[Windows]:
    """Sorts rays into bundles of similar width, none of which needs much memory."""
    least = 0
    for most in (*WIDTHS, 1 << 30):
        some = ((windows.count > least) & (windows.count <= most)).nonzero()[:, 0]
        least = most
        for part in some.split(POINTS_AT_ONCE // 64) if len(some) else ():
            yield windows[part]


def render_bundle(
    field: Field, rays: Rays, windows: Windows, settings: RenderSettings
) -> tuple[Tensor, Tensor, Tensor]:
    """Steps 2 to 4 for one bundle: colours [O, m] (before scale and offset), alpha [m], depth [m]."""
    width = int(windows.count.max())
    line = Line.of(rays, windows.ray)
    number = windows.first[:, None] + torch.arange(width, device=line.start.device)
    number = number.clamp(max=settings.coarse - 1)
    near, span = rays.near[windows.ray, None], (rays.far - rays.near)[windows.ray, None]
    strata = near + (number + 0.5) / (settings.coarse - 1) * span
    weights = march(strata, field.density(line.points(strata))).weights
    depths = final_depths(strata, weights, settings)
    marched = march(depths, field.density(line.points(depths)))
    return gather_colour(field, line, marched), marched.alpha, marched.depth


def final_depths(strata: Tensor, weights: Tensor, settings: RenderSettings) -> Tensor:
    """Step 3: strata [m, W] and the weights between them [m, W - 1] -> [m, N] depths, ascending.

    Every interval up to the last one with weight is worth one sample, so that what hides between two strata
    is found; the weight of an interval, blurred over its neighbours as in the plain sampler, is worth more. A
    ray on which the strata found nothing spreads its samples over the whole window.
    """
    around = functional.max_pool1d(weights[:, None], 2, stride=1, padding=1)
    blurred = functional.avg_pool1d(around, 2, stride=1)[:, 0]
    live = blurred > FAINT
    between = (live.flip(1).cumsum(1).flip(1) > 0) | ~live.any(1, keepdim=True)
    count = math.ceil(settings.fine * FINE_SHARE + float(between.sum(1, dtype=strata.dtype).mean())) + 1
    mass = between * (1 + settings.fine * blurred)
    # Up to almost 1: rounding must not push the last quantile past the end of the mass.
    quantiles = torch.linspace(0, 0.9999, count, device=strata.device)
    return inverse_cdf(strata, mass, quantiles.expand(len(mass), -1))


def gather_colour(field: Field, line: Line, marched: March) -> Tensor:
    """Step 4: [O, m] composited colours, before scale and offset."""
    weights, middles, alpha = marched.weights, marched.middles, marched.alpha
    depth = torch.where(alpha > 0, marched.depth, 0.0)
    variance = (middles - depth[:, None]).square_().mul_(weights).sum(1) / alpha.clamp(min=FAINT)
    travel = variance.sqrt() * (line.heading[:, field.colour_axes] * BOX).norm(dim=1)
    colour = field.colour(line.points(depth[:, None])) * alpha
    for least, most, count in COLOURS:
        some = ((travel > least) & (travel <= most)).nonzero()[:, 0]
        if len(some):
            colour[:, some] = _shared_colour(field, line[some], weights[some], middles[some], count)
    return colour


def _shared_colour(field: Field, line: Line, weights: Tensor, middles: Tensor, count: int) -> Tensor:
    """Splits the weight of each ray into equal shares and decodes one colour for each, at its mean depth."""
    passed = weights.cumsum(1)
    share = ((passed - weights / 2) / passed[:, -1:] * count).long().clamp_(0, count - 1)
    total = weights.new_zeros(len(weights), count).scatter_add(1, share, weights)
    depths = weights.new_zeros(len(weights), count).scatter_add(1, share, weights * middles)
    depths = depths / total.clamp(min=1e-9)
    colour = field.colour(line.points(depths)).reshape(-1, *depths.shape)
    return (colour * total).sum(2)
