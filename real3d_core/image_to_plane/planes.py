"""From a deformed head to the channels of the analytic tri-plane.

The same function makes the canonical planes (no deformation, the whole plane) and those of an expression
(the face's box). See docs/model.md, "Analytic tri-plane".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..ops import remap, smoothstep
from ..wires import PLANE_SIZE, PORTRAIT_SIZE
from .avatar import AnalyticAvatar, MouthGrid
from .geometry import project
from .layout import ADDRESS_EPS, COLOUR_EPS, SLIT_LIMIT, SLIT_SCALE, STORED, Channel, texel_centres

Box = tuple[int, int, int, int]
WHOLE: Box = (0, PLANE_SIZE, 0, PLANE_SIZE)
FLOOR_FOLLOWS = 0.55  # lower teeth and tongue sink less than the lower lip: a wide mouth shows them
RECESS = 0.010  # world units: how far the inside of an open mouth lies behind the lips


@dataclass(frozen=True)
class Deformation:
    """An expression on the texels of a box, n frames.

    upper, lower    [n, h, w, 2] where a texel's skin comes from, relative to the texel, reading offset
                    included (world units), for the skin above and below the slits
    lift            [n, h, w] change of z
    is_lower        [n, h, w] bool: the texel belongs to the skin below a slit
    below_upper, above_lower    [n, h, w] signed distances to the edges of a slit
    jaw_drop        [n] pixels by which the lower lip went down
    gaze            [n, 2, 2] shift of the right and left iris (x right, y down) in pixels
    """

    upper: Tensor
    lower: Tensor
    lift: Tensor
    is_lower: Tensor
    below_upper: Tensor
    above_lower: Tensor
    jaw_drop: Tensor
    gaze: Tensor


def _inner_address(avatar: AnalyticAvatar, box: Box, u: Tensor, v: Tensor, move: Deformation):
    """Address in the inner layer: fixed to the skull, but the mouth's inside below the upper teeth goes down
    with the jaw.
    """
    mouth = avatar.mouth
    r0, r1, c0, c1 = box
    s, below, near = (a[r0:r1, c0:c1] for a in (mouth.s, mouth.below, mouth.near))
    shift = _jaw_stretch(mouth, s, below, move.jaw_drop) * near
    u = u + shift * mouth.across[0] / PORTRAIT_SIZE
    v = v + shift * mouth.across[1] / PORTRAIT_SIZE
    if bool((move.gaze != 0).any()):
        for eye in range(2):
            cu, cv, radius = avatar.iris[eye]
            weight = torch.exp(-((u - cu) ** 2 + (v - cv) ** 2) / (2.0 * radius) ** 2)
            u = u - move.gaze[:, eye, 0, None, None] * weight / PORTRAIT_SIZE
            v = v - move.gaze[:, eye, 1, None, None] * weight / PORTRAIT_SIZE
    return u, v


def _jaw_stretch(mouth: MouthGrid, s: Tensor, below: Tensor, drop: Tensor) -> Tensor:
    """[n, h, w] pixels to read higher up: a dark band under the teeth takes up the lower lip's drop."""
    ramp = (1 - 0.6 * (2 * s / mouth.width) ** 2).clamp(0.2, 1) * drop[:, None, None] * FLOOR_FOLLOWS
    band, start = 0.05 * mouth.width, 2.5
    # An open photo's lip rim under the teeth is covered by the band as soon as the jaw moves.
    cover = min(3.5, 0.28 * mouth.gap) if mouth.is_open else 0.0
    first = start - (start + cover) * (ramp / 5).clamp(0, 1)
    last = start + band + ramp
    squeezed = start + (below - first) * band / (last - first)
    return torch.where(below <= first, below, torch.where(below < last, squeezed, below - ramp)) - below


def plane_channels(avatar: AnalyticAvatar, box: Box, move: Deformation) -> Tensor:
    """[n, 15, h, w] stored values of plane 0 in a box (the Z channel stays 0)."""
    r0, r1, c0, c1 = box
    c = texel_centres(avatar.surfaces.device)
    y, x = torch.meshgrid(c[r0:r1], c[c0:c1], indexing="ij")

    def read(source: Tensor, offset: Tensor) -> Tensor:
        return remap(
            source,
            *((a + o + 0.5) * PLANE_SIZE - 0.5 for a, o in zip((x, y), offset.unbind(-1), strict=True)),
        )

    front_only = avatar.surfaces[..., :1]
    u1, v1 = project(x + move.upper[..., 0], y + move.upper[..., 1], read(front_only, move.upper)[..., 0])
    u2, v2 = project(x + move.lower[..., 0], y + move.lower[..., 1], read(front_only, move.lower)[..., 0])
    own = torch.where(move.is_lower[..., None], move.lower, move.upper)
    surfaces = read(avatar.surfaces, own)

    ui, vi = project(x, y, avatar.surfaces[0, r0:r1, c0:c1, 0])
    n = move.lift.shape[0]
    ui, vi = _inner_address(avatar, box, ui.expand(n, -1, -1), vi.expand(n, -1, -1), move)
    depth_in = torch.minimum(move.below_upper, move.above_lower)
    opening = smoothstep(-0.0015, 0.0015, depth_in)
    near = avatar.mouth.near[r0:r1, c0:c1]
    front = surfaces[..., 0] + move.lift - RECESS * opening * near * (depth_in / 0.01).clamp(0, 1)

    out = torch.zeros(n, len(Channel), r1 - r0, c1 - c0, device=x.device)
    own_u, own_v = torch.where(move.is_lower, u2, u1), torch.where(move.is_lower, v2, v1)
    out[:, :3] = _colours(avatar, own_u, own_v, ui, vi, opening, move).permute(0, 3, 1, 2)
    for channel, value in (
        (Channel.U_UPPER, u1),
        (Channel.V_UPPER, v1),
        (Channel.U_INNER, ui),
        (Channel.V_INNER, vi),
        (Channel.U_LOWER, u2),
        (Channel.V_LOWER, v2),
    ):
        out[:, channel] = torch.logit(value.clamp(ADDRESS_EPS, 1 - ADDRESS_EPS))
    out[:, Channel.BELOW_UPPER] = move.below_upper / SLIT_SCALE
    out[:, Channel.ABOVE_LOWER] = move.above_lower / SLIT_SCALE
    out[:, Channel.FRONT], out[:, Channel.BACK], out[:, Channel.OUTLINE] = (
        front,
        surfaces[..., 1],
        surfaces[..., 2],
    )
    return out * STORED


def _colours(avatar: AnalyticAvatar, u, v, ui, vi, opening: Tensor, move: Deformation) -> Tensor:
    """[n, h, w, 3] logits of the colours at the plane's resolution."""
    skin = remap(avatar.colours, u * PORTRAIT_SIZE - 0.5, v * PORTRAIT_SIZE - 0.5)
    inside = remap(avatar.inside, ui * PORTRAIT_SIZE - 0.5, vi * PORTRAIT_SIZE - 0.5)
    # What is made up lies in the lips' shadow.
    shade = (0.68 + 0.32 * torch.minimum(move.below_upper, move.above_lower + 0.004) / 0.012).clamp(0.68, 1)
    light = 1 - inside[..., 3:] * (1 - shade[..., None])
    mixed = skin + (inside[..., :3] * light - skin) * opening[..., None]
    return torch.logit(mixed.clamp(COLOUR_EPS, 1 - COLOUR_EPS))


def slit_limits(value: Tensor) -> Tensor:
    """Clips a slit distance to what the planes store."""
    return value.clamp(-SLIT_LIMIT, SLIT_LIMIT)
