"""Rays: one for each pixel of the low-resolution picture, and where each enters and leaves the tri-plane box.

Convention: pixel (row i, column j) of r x r looks through u = (j + 0.5)/r, v = (i + 0.5)/r; rays are stored
row by row. Depth is the distance from the camera along the unit direction. See docs/model.md, "Rays".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BOX = 0.5
"""Half the side of the tri-plane box."""


@dataclass(frozen=True)
class Rays:
    """Rays of one camera, R = r * r.

    origin      [3] the camera, shared by all rays.
    direction   [R, 3] unit vectors.
    near, far   [R] depths between which the ray is sampled.
    hit         [R] bool, whether the ray meets the box at all.
    """

    origin: Tensor
    direction: Tensor
    near: Tensor
    far: Tensor
    hit: Tensor

    def __len__(self) -> int:
        return self.direction.shape[0]


def camera_rays(c2w: Tensor, intrinsics: Tensor, resolution: int) -> Rays:
    """Rays through the pixels of a camera: c2w [4, 4], intrinsics [3, 3]."""
    direction = ray_directions(c2w, intrinsics, resolution)
    return bounded(c2w[:3, 3], direction)


def ray_directions(c2w: Tensor, intrinsics: Tensor, resolution: int) -> Tensor:
    """[resolution^2, 3] unit directions in the world."""
    centre = (torch.arange(resolution, device=c2w.device, dtype=c2w.dtype) + 0.5) / resolution
    v, u = (value.flatten() for value in torch.meshgrid(centre, centre, indexing="ij"))
    (fx, skew, cx), (_, fy, cy) = intrinsics[0], intrinsics[1]
    seen = torch.stack([(u - cx + cy * skew / fy - skew * v / fy) / fx, (v - cy) / fy, torch.ones_like(u)])
    # By way of world points, and by torch's own norm though it takes a millisecond: directions are then those
    # of the reference numbers to the bit. An ulp of them is enough to move densities by a thousandth where a
    # network's planes change from texel to texel.
    points = c2w @ torch.cat([seen, torch.ones_like(u)[None]])
    towards = points[:3] - c2w[:3, 3:]
    return (towards / torch.linalg.vector_norm(towards, dim=0)).T


def bounded(origin: Tensor, direction: Tensor) -> Rays:
    """Finds where rays cross the box (slab by slab). origin [3], direction [R, 3].

    A ray that misses is given the smallest near and, as its far, the greatest *near* of the rays that hit:
    the released networks were trained with samples there. Where no ray hits, near = far = distance to the box
    centre.
    """
    inverse = _inverse(direction)
    low, high = (-BOX - origin) * inverse, (BOX - origin) * inverse
    near = torch.minimum(low, high).amax(-1).clamp(min=0)  # a camera inside the box starts at itself
    far = torch.maximum(low, high).amin(-1)
    hit = far >= near
    if bool(hit.any()):
        missing = ~hit
        starts = near[hit]
        near = near.masked_fill(missing, float(starts.min()))
        far = far.masked_fill(missing, float(starts.max()))
    else:
        near = far = origin.norm().expand_as(near)
    return Rays(origin, direction, near, far, hit)


def _inverse(direction: Tensor) -> Tensor:
    """1/direction, large but finite where a ray runs along a slab."""
    return 1 / torch.where(direction.abs() < 1e-9, torch.full_like(direction, 1e-9), direction)


def beside_planes(rays: Rays, least: Tensor, greatest: Tensor, margin: float) -> Tensor:
    """[R] bool: rays that between the depths `least` and `greatest` [R] never lie above any of the planes.

    Their features are 0 from end to end. Missing the box is not enough for that: a point in front of it
    lies above the xy plane all the same. A plane reaches `margin` box sides past the box, since its outermost
    texels fade out over half a texel.
    """
    inverse = _inverse(rays.direction)
    low, high = (-BOX - margin - rays.origin) * inverse, (BOX + margin - rays.origin) * inverse
    enter, leave = torch.minimum(low, high), torch.maximum(low, high)
    beside = torch.ones_like(rays.hit)
    for a, b in ((0, 1), (0, 2)):  # planes 1 and 2 lie above the same points
        start = torch.maximum(torch.maximum(enter[:, a], enter[:, b]), least)
        end = torch.minimum(torch.minimum(leave[:, a], leave[:, b]), greatest)
        beside &= start > end
    return beside
