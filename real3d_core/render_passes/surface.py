"""Depth and normals of the head's surface.

Convention
    depth       distance from the camera along a ray, box sides (head units).
    normals     unit vectors in the camera's frame: x to the picture's right, y up, z to the viewer.
See docs/model.md, "Render passes".
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..image_to_plane.layout import D0
from ..ops import blur
from ..render_triplane.passes import SOLID
from ..render_triplane.rays import ray_directions
from ..wires import HeadRender, RenderedFrames

LOOKS = 16  # frames of a clip that its depth range is taken from, evenly spread
LOOK_RAYS = 48  # rays a side of these
MARGIN = 0.05  # of the range, before and behind what was seen: the frames between move on
BEHIND = 0.35  # of the range behind the farthest point: the head's rim must not be as black as nothing
EVEN = 0.8  # rays: blur of the depth before its slope is taken


def solid(frames: RenderedFrames) -> Tensor:
    """[n, r, r, 1] float 0/1: rays that end on the head."""
    return (frames.alpha > SOLID).float().movedim(1, -1)


def at_surface(head: HeadRender, frames: RenderedFrames) -> RenderedFrames:
    """The frames with the depth of the surface. The built-in head is as dense as D0: light enters 1 / D0 on
    the mean, and that far behind the surface lies the mean depth that is rendered.
    """
    if head.triplane.model.kind != "analytic":
        return frames
    return replace(frames, depth=frames.depth - 1 / D0)


def depth_range(head: HeadRender) -> tuple[float, float]:
    """(near, far) of a whole clip, from a small look at a few of its frames: the same for any part of it.

    A clip that never shows the head has the range 0..1.
    """
    small = replace(head, settings=replace(head.settings, resolution=LOOK_RAYS))
    count = min(LOOKS, len(head))
    near, far = float("inf"), 0.0
    for look in range(count):
        index = look * (len(head) - 1) // max(count - 1, 1)
        frames = at_surface(small, small.frames(index, index + 1))
        depth = frames.depth[frames.alpha > SOLID]
        if len(depth):
            near, far = min(near, float(depth.min())), max(far, float(depth.max()))
    if not near < far:
        return 0.0, 1.0
    span = far - near
    return near - MARGIN * span, far + BEHIND * span


def surface_normals(frames: RenderedFrames, index: int) -> Tensor:
    """[r, r, 3] normals of one frame; (0, 0, 1) where there is no head.

    The slope of the surface between neighbouring rays that both end on the head.
    """
    known = solid(frames)[index : index + 1]
    # Evened out among rays of the head alone, or the rim would lean towards what lies behind.
    depth = frames.depth[index : index + 1].movedim(1, -1)
    depth = blur(torch.where(known > 0, depth, 0.0), EVEN) / blur(known, EVEN).clamp(min=1e-6)
    rays = known.shape[1]
    eye = torch.eye(4, device=known.device, dtype=known.dtype)
    toward = ray_directions(eye, frames.intrinsics[index], rays).reshape(rays, rays, 3)
    points, known = toward * depth[0], known[0]
    normal = torch.linalg.cross(_slope(points, known, 0), _slope(points, known, 1), dim=-1)
    # Camera axes are x right, y down, z forward: seen from the front, down x right points to the viewer.
    normal = normal * torch.tensor([1.0, -1.0, -1.0], device=normal.device)
    length = torch.linalg.vector_norm(normal, dim=-1, keepdim=True)
    front = torch.tensor([0.0, 0.0, 1.0], device=normal.device)
    return torch.where((known > 0) & (length > 1e-12), normal / length.clamp(min=1e-12), front)


def _slope(points: Tensor, known: Tensor, axis: int) -> Tensor:
    """[h, w, 3] difference to the next point along an axis, from both sides where both are known."""

    def moved(values: Tensor, by: int) -> Tensor:
        out = torch.zeros_like(values)
        length = values.shape[axis]
        if length > 1:
            out.narrow(axis, max(-by, 0), length - 1).copy_(values.narrow(axis, max(by, 0), length - 1))
        return out

    ahead = (moved(points, 1) - points) * (moved(known, 1) * known)
    back = (points - moved(points, -1)) * (moved(known, -1) * known)
    return ahead + back


def colour_code(normals: Tensor) -> Tensor:
    """Normals [..., 3] as colours 0..1: red to the right, green up, blue to the viewer."""
    return ((normals + 1) / 2).clamp(0, 1)


def sized(picture: Tensor, size: int) -> Tensor:
    """[h, h, C] -> [size, size, C]; reduced by averaging, enlarged bilinearly."""
    side = picture.shape[0]
    if side == size:
        return picture
    out = picture.movedim(-1, 0)[None]
    out = F.interpolate(out, (size, size), mode="bilinear", align_corners=False, antialias=size < side)
    return out[0].movedim(0, -1)
