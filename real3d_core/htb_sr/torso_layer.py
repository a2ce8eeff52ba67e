"""The torso: the photo's neck and shoulders, warped so that the neck follows the head.

Convention
    Flow grids are [FLOW, FLOW] over the picture, node centres at (i + 0.5) / FLOW, addresses 0..1, u
    right, v down.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..image_to_plane.avatar import AnalyticAvatar
from ..ops import blur, enlarge, remap, smoothstep
from ..portrait.regions import jaw_distance
from ..render_triplane.cameras import DISTANCE, FOCAL
from ..wires import PLANE_SIZE, PORTRAIT_SIZE, Portrait, _Movable
from .photo_detail import PhotoDetail

FLOW = 128
STEPS = 5  # of the fixed point that reverses the flow
# The torso follows the head fully at the jaw and not at all three quarters of a face height below it.
FOLLOW = (0.75, 0.02)
FARTHEST = 8.0  # picture widths that a point of the torso may be moved by
NECK_DEPTH = 0.12  # world units: the torso's surface is the head's front, flattened to this


@dataclass(frozen=True)
class TorsoLayer(_Movable):
    """surface [FLOW, FLOW, 3] world points of the torso; follow [FLOW, FLOW] share of the head's motion;
    picture [1, size, size, 4] RGB + alpha; rows, cols: the box outside of which its alpha is 0, in its
    pixels.
    """

    surface: Tensor
    follow: Tensor
    picture: Tensor
    rows: tuple[int, int]
    cols: tuple[int, int]

    @property
    def size(self) -> int:
        return self.picture.shape[1]


def _nodes(device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    c = (torch.arange(FLOW, device=device, dtype=torch.float32) + 0.5) / FLOW
    v, u = torch.meshgrid(c, c, indexing="ij")
    return u, v


def build_torso(portrait: Portrait, avatar: AnalyticAvatar, detail: PhotoDetail) -> TorsoLayer:
    """Prepares the torso of a portrait, at the size of `detail`."""
    u, v = _nodes()
    depth = blur(avatar.surfaces[..., :1].clamp(0, NECK_DEPTH), 5.0)
    z = torch.full_like(u, 0.03)
    for _ in range(3):  # the depth is known over x and y, which depend on the depth
        d = (DISTANCE - z) / FOCAL
        x, y = (u - 0.5) * d, (0.5 - v) * d
        z = remap(depth, ((x + 0.5) * PLANE_SIZE - 0.5)[None], ((y + 0.5) * PLANE_SIZE - 0.5)[None])[
            0, ..., 0
        ]
    d = (DISTANCE - z) / FOCAL
    surface = torch.stack([(u - 0.5) * d, (0.5 - v) * d, z], -1)
    jaw = torch.from_numpy(jaw_distance(portrait.landmarks.numpy()))
    follow = smoothstep(*FOLLOW, jaw)
    step = PORTRAIT_SIZE // FLOW
    follow = follow.view(FLOW, step, FLOW, step).mean((1, 3))
    picture = detail.added_to(portrait.torso)
    seen = picture[..., 3] > 1e-3
    rows, cols = (torch.where(seen.any(k))[0] for k in (1, 0))
    box = [(int(r[0]), int(r[-1]) + 1) if len(r) else (0, 0) for r in (rows, cols)]
    return TorsoLayer(surface, follow, picture[None].contiguous(), *box)


def torso_flow(layer: TorsoLayer, head: Tensor, view: Tensor, intrinsics: Tensor, rest: Tensor) -> Tensor:
    """[size, size, 2] what to add to a pixel's address to find its source in the torso's picture, in pixels.

    head [4, 4] motion of the head in the world; view [4, 4] camera (c2w) of the torso; intrinsics [3, 3];
    rest [4, 4] the camera of the photo.
    """
    u, v = _nodes(layer.surface.device)
    p = layer.surface
    moved = p + layer.follow[..., None] * (p @ head[:3, :3].T + head[:3, 3] - p)
    local = (moved - view[:3, 3]) @ view[:3, :3]
    at = local[..., :2] / local[..., 2:]
    forward = torch.stack(
        [
            at[..., 0] * intrinsics[0, 0] + intrinsics[0, 2] - u,
            at[..., 1] * intrinsics[1, 1] + intrinsics[1, 2] - v,
        ],
        -1,
    )
    # A camera inside the torso sees a part of it nowhere; that far away there is nothing to be read.
    forward = forward.nan_to_num(FARTHEST).clamp(-FARTHEST, FARTHEST)
    x, y = u * FLOW - 0.5, v * FLOW - 0.5
    back = -forward * FLOW
    source = (forward * FLOW)[None]
    for _ in range(STEPS):
        back = -remap(source, (x + back[..., 0])[None], (y + back[..., 1])[None])[0]
    step = layer.size // FLOW
    return enlarge(back[None] * step, step)[0]
