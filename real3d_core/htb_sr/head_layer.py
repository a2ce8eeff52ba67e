"""The head at full resolution: the photo re-sampled through the rendered addresses.

The renderer gives 128 x 128 rays. Of what they carry, the addresses vary smoothly and can be enlarged
without loss; the photo is then read through them at 512 x 512, which is why the result is as sharp as the
photo. Lips and lids are cut by their signed distances at full resolution. Where addresses jump (the nose
in front of the cheek) the rendered colour takes over. See docs/model.md, "HTB-SR".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..image_to_plane.avatar import AnalyticAvatar
from ..image_to_plane.layout import (
    ADDRESS_INNER,
    ADDRESS_LOWER,
    ADDRESS_UPPER,
    COLOUR,
    DISTANCES,
    FEATURE,
    SLIT_LIMIT,
    SLIT_SCALE,
    feature_to_distance,
    feature_to_unit,
)
from ..ops import blur, box_sum, dilate, enlarge, erode, remap, smoothstep
from ..wires import PORTRAIT_SIZE, Portrait, _Movable

RAYS = (128, 256)  # per side; other resolutions are brought to the nearer one
APRON = 2  # rays that a bicubic enlargement looks beyond its box
RIM = 6  # pixels of the silhouette that hold some background or were softened
MIRROR = 12.0  # pixels: width of the band inside the rim that other views see mirrored
RINGS = 3  # rays by which features are continued outwards
EDGE_BLUR = 1.3  # rays: evens out the steps of 4 pixels
SILHOUETTE_GAIN = 9.0  # steepness of the silhouette over the blurred alpha
MATTE_FADE = (
    6.0,
    14.0,
)  # degrees away from the photo's view over which the photo's matte gives way to the volume's edge
KINK = (1.2, 2.7)  # second difference of the address, in rays: trusted below, replaced by the render above
SOFT_EDGE = 0.0010  # world units: half width of a lip's or lid's edge
SEAM = 0.0016  # world units: width of the seam between the skin above and below a closed slit
SHADOW = (0.8, 1.2, 1.3)  # exponents of red, green and blue in the mouth's shadow
FEATURES = len(FEATURE)

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class HeadPictures(_Movable):
    """What the head is painted from, all [1, 512, 512, C].

    skin            foreground RGB + person matte
    side            the same for other views: the rim mirrored from within
    weight          head weight
    inner           inner layer RGB + share made up
    lip             [3]
    iris_u          (right, left) address across of the irises
    """

    skin: Tensor
    side: Tensor
    weight: Tensor
    inner: Tensor
    lip: Tensor
    iris_u: tuple[float, float]


@dataclass(frozen=True)
class HeadPicture:
    """colour [h, w, 3] and alpha [h, w] of the head in a box (r0, r1, c0, c1) of the 512 picture."""

    colour: Tensor
    alpha: Tensor
    box: Box


def build_head(portrait: Portrait, avatar: AnalyticAvatar) -> HeadPictures:
    """Prepares the pictures of a portrait."""
    skin = torch.cat([portrait.foreground, portrait.person[..., None]], -1)
    return HeadPictures(
        skin=skin[None].contiguous(),
        side=_mirrored_rim(skin)[None].contiguous(),
        weight=portrait.head_weight[None, ..., None].contiguous(),
        inner=avatar.inner,
        lip=avatar.lip,
        iris_u=(float(avatar.iris[0, 0]), float(avatar.iris[1, 0])),
    )


def _mirrored_rim(skin: Tensor) -> Tensor:
    """The picture [512, 512, 4] with the person's outermost pixels and what lies beyond mirrored from within.

    A turned head spreads the last pixels of the silhouette, half background and softened, over a broad band.
    """
    from scipy.ndimage import distance_transform_edt

    person = skin[..., 3].numpy()
    core = distance_transform_edt(person > 0.5) >= RIM
    if not core.any():
        return skin
    away, (rows, cols) = distance_transform_edt(~core, return_indices=True)
    i, j = np.mgrid[0:PORTRAIT_SIZE, 0:PORTRAIT_SIZE]
    # To and fro within a narrow band: farther in, the face or the collar would appear beside the hair.
    depth = MIRROR - np.abs(MIRROR - away % (2 * MIRROR))
    share = depth / np.maximum(away, 1e-6)
    y = np.round(rows + (rows - i) * share).clip(0, PORTRAIT_SIZE - 1).astype(np.int64)
    x = np.round(cols + (cols - j) * share).clip(0, PORTRAIT_SIZE - 1).astype(np.int64)
    return torch.cat([skin[torch.from_numpy(y), torch.from_numpy(x), :3], skin[..., 3:]], -1)


def _ray_box(alpha: Tensor) -> Box | None:
    """Rays that see the head, with a margin; None if there are none."""
    seen = alpha > 0.003
    rows, cols = torch.where(seen.any(1))[0], torch.where(seen.any(0))[0]
    if len(rows) == 0:
        return None
    h, w = alpha.shape
    return (
        max(int(rows[0]) - 3, 0),
        min(int(rows[-1]) + 4, h),
        max(int(cols[0]) - 3, 0),
        min(int(cols[-1]) + 4, w),
    )


def _continued(features: Tensor, solid: Tensor) -> Tensor:
    """Continues features [1, h, w, C] a few rays beyond where solid [1, h, w, 1] is 1: enlarging must not see
    garbage.
    """
    out, known = features * solid, solid
    for _ in range(RINGS):
        count = box_sum(known)
        new = (known == 0) & (count > 0)
        out = torch.where(new, box_sum(out * known) / count.clamp(min=1e-6), out)
        known = torch.where(new, torch.ones_like(known), known)
    return out


def _kinks(address: Tensor, alpha: Tensor, scale: int) -> Tensor:
    """[1, h, w, 1] 0..1: rays whose address cannot be trusted because it jumps to the next ray."""
    rays = address * (PORTRAIT_SIZE / scale)
    padded = F.pad(rays.permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate").permute(0, 2, 3, 1)
    middle = padded[:, 1:-1, 1:-1]
    bend = torch.maximum(
        (padded[:, 1:-1, 2:] - 2 * middle + padded[:, 1:-1, :-2]).abs(),
        (padded[:, 2:, 1:-1] - 2 * middle + padded[:, :-2, 1:-1]).abs(),
    ).amax(-1, keepdim=True)
    kink = ((bend - KINK[0]) / (KINK[1] - KINK[0])).clamp(0, 1) * (alpha > 0.9)
    return dilate(kink, 1)


def _enlarged(image: Tensor, box: Box, scale: int, cubic: bool = True) -> Tensor:
    """The part of enlarge(image, scale) that belongs to a box of rays."""
    h, w = image.shape[1:3]
    r0, r1, c0, c1 = box
    a0, a1, b0, b1 = max(r0 - APRON, 0), min(r1 + APRON, h), max(c0 - APRON, 0), min(c1 + APRON, w)
    big = enlarge(image[:, a0:a1, b0:b1].contiguous(), scale, cubic)
    return big[:, (r0 - a0) * scale : (r1 - a0) * scale, (c0 - b0) * scale : (c1 - b0) * scale]


def _boxes(mask: Tensor, margin: int) -> list[Box]:
    """Bounding boxes of the connected parts of mask [h, w]."""
    import cv2

    h, w = mask.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.cpu().byte().numpy(), connectivity=8)
    return [
        (max(y - margin, 0), min(y + dy + margin, h), max(x - margin, 0), min(x + dx + margin, w))
        for x, y, dx, dy, _ in stats[1:].tolist()
    ]


def _window(box: Box, scale: int) -> tuple[slice, slice]:
    r0, r1, c0, c1 = box
    return slice(r0 * scale, r1 * scale), slice(c0 * scale, c1 * scale)


def _pixels(address: Tensor) -> tuple[Tensor, Tensor]:
    """Address [..., 2] 0..1 -> pixel indices of the portrait's pictures."""
    return (address * PORTRAIT_SIZE - 0.5).unbind(-1)


def _paint_slit(
    pictures: HeadPictures,
    colour: Tensor,
    features: Tensor,
    box: Box,
    scale: int,
    closing: tuple[float, float],
) -> None:
    """Draws one mouth or eye at full resolution into colour [H, W, 3] (in place)."""
    unit = feature_to_unit(_enlarged(features, box, scale))
    below, above = (torch.logit(unit[..., DISTANCES]) * SLIT_SCALE).unbind(-1)
    inner = unit[..., ADDRESS_INNER]
    lower = remap(pictures.skin, *_pixels(unit[..., ADDRESS_LOWER]), cubic=True)[..., :3]
    side = ((below - above) / SEAM * 0.5 + 0.5).clamp(0, 1)
    side = torch.where(torch.maximum(below, above) > -0.9 * SLIT_LIMIT, side, torch.zeros_like(side))[
        ..., None
    ]
    window = _window(box, scale)
    skin = colour[window][None]
    skin = skin + (lower - skin) * side

    inside = remap(pictures.inner, *_pixels(inner), cubic=True)
    made_up, inside = inside[..., 3:].clamp(0, 1), inside[..., :3]
    glow = (made_up * torch.exp(-above.clamp(min=0) / 0.0035)[..., None]).clamp(0, 1) * 0.75
    inside = inside + (pictures.lip * 0.62 - inside) * glow
    shade = (0.68 + 0.32 * torch.minimum(below, above + 0.004) / 0.012).clamp(0.68, 1)[..., None]
    # Shadows in a mouth are warm: blue goes first.
    inside = inside * (1 - made_up * (1 - shade ** torch.tensor(SHADOW, device=shade.device)))

    depth = torch.minimum(below, above)
    opening = smoothstep(-SOFT_EDGE, SOFT_EDGE, depth)[..., None]
    mixed = skin + (inside - skin) * opening
    if max(closing) > 0:
        mixed = mixed * _lashes(pictures, inner[..., 0], below, above, made_up[..., 0], closing)[..., None]
    colour[window] = mixed[0]


def _lashes(
    pictures: HeadPictures, u: Tensor, below: Tensor, above: Tensor, made_up: Tensor, closing
) -> Tensor:
    """Factor on the colour: a lid that comes down brings its dark line of lashes along."""
    right = (u - pictures.iris_u[0]).abs() < (u - pictures.iris_u[1]).abs()
    amount = torch.where(right, torch.full_like(u, closing[0]), torch.full_like(u, closing[1])) * (
        1 - made_up
    )
    # On a closed eye both edges run past each other: the line lies where they meet, below the edge of the
    # upper lid.
    edge = torch.maximum(below, -above)
    inside_eye = smoothstep(-0.010, -0.003, torch.minimum(below, above))
    return 1 - 0.42 * amount * inside_eye * torch.exp(-((edge - 0.0006) / 0.0019).square())


def _angle(c2w: Tensor, rest: Tensor) -> float:
    """Degrees between a camera's axis and the photo's."""
    return math.degrees(math.acos(float((c2w[:3, 2] * rest[:3, 2]).sum().clamp(-1, 1))))


def _usual_rays(features: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Premultiplied features [C, r, r] and alpha [r, r] at one of the resolutions in RAYS."""
    given = alpha.shape[-1]
    if given in RAYS:
        return features, alpha
    size = min(RAYS, key=lambda rays: abs(math.log(rays / given)))
    both = torch.cat([features, alpha[None]])[None]
    both = F.interpolate(both, (size, size), mode="bilinear", align_corners=False, antialias=True)[0]
    return both[:-1], both[-1]


def paint_head(
    pictures: HeadPictures,
    features: Tensor,
    alpha: Tensor,
    c2w: Tensor,
    rest: Tensor,
    closing: tuple[float, float],
) -> HeadPicture | None:
    """Paints one frame.

    features [FEATURES, r, r] premultiplied, 0..1 (not scaled to -1..1); alpha [r, r]; c2w, rest [4, 4]
    cameras of the frame and of the photo; closing: how far the right and left eye close, 0..1.
    """
    features, alpha = _usual_rays(features, alpha.clamp(0, 1))
    scale = PORTRAIT_SIZE // alpha.shape[-1]
    ray_box = _ray_box(alpha)
    if ray_box is None:
        return None
    r0, r1, c0, c1 = ray_box
    a = alpha[None, r0:r1, c0:c1, None].contiguous()
    raw = features[:, r0:r1, c0:c1].permute(1, 2, 0)[None] / a.clamp(min=1e-3)
    solid = (a > 0.5).float()
    known = _continued(raw, solid)
    unit = feature_to_unit(known)
    address = unit[..., ADDRESS_UPPER]
    weight = remap(pictures.weight, *_pixels(address))
    kink = _kinks(address, a, scale)

    whole = (0, r1 - r0, 0, c1 - c0)
    near_photo = 1 - float(smoothstep(*MATTE_FADE, torch.tensor(_angle(c2w, rest))))
    source = pictures.skin if near_photo == 1 else torch.lerp(pictures.side, pictures.skin, near_photo)
    fine = feature_to_unit(enlarge(known[..., ADDRESS_UPPER], scale, cubic=True))
    skin = remap(source, *_pixels(fine), cubic=True)
    colour = skin[0, ..., :3].contiguous()

    edge = enlarge(torch.cat([blur(a, EDGE_BLUR), weight], -1), scale, cubic=True)[0]
    ends = 1 / (1 + math.exp(SILHOUETTE_GAIN / 2))
    silhouette = ((torch.sigmoid((edge[..., 0] - 0.5) * SILHOUETTE_GAIN) - ends) / (1 - 2 * ends)).clamp(0, 1)
    if near_photo > 0:
        # The matte belongs to the front sheet: one ray inside the silhouette the head is solid.
        core = enlarge(blur(erode(solid, 1), 0.8), scale)[0, ..., 0]
        matte = torch.maximum(skin[0, ..., 3].clamp(0, 1), ((core - 0.2) / 0.6).clamp(0, 1))
        silhouette = silhouette * (1 - (1 - matte) * near_photo)

    distances = feature_to_distance(known[..., DISTANCES])[0]
    slits = (distances > -0.068).all(-1) & (solid[0, ..., 0] > 0)
    for box in _boxes(slits, 1):
        _paint_slit(pictures, colour, known, box, scale, closing)
    # The edges of lips and lids are jumps on purpose.
    kink = kink * (distances.amin(-1) < -0.006)[None, ..., None]
    for box in _boxes(kink[0, ..., 0] > 0, 1):
        _paint_kink(colour, known, kink, box, whole, scale)
    full = (r0 * scale, r1 * scale, c0 * scale, c1 * scale)
    return HeadPicture(colour, silhouette * edge[..., 1].clamp(0, 1), full)


def _paint_kink(colour: Tensor, features: Tensor, kink: Tensor, box: Box, whole: Box, scale: int) -> None:
    """Replaces colour [H, W, 3] by the softened render where addresses jump (in place)."""
    r0, r1, c0, c1 = box
    wide = (max(r0 - 2, 0), min(r1 + 2, whole[1]), max(c0 - 2, 0), min(c1 + 2, whole[3]))
    rgb = features[..., COLOUR]
    soft = blur(feature_to_unit(_enlarged(rgb, wide, scale)), 2.2)
    top, left = (r0 - wide[0]) * scale, (c0 - wide[2]) * scale
    soft = soft[0, top : top + (r1 - r0) * scale, left : left + (c1 - c0) * scale]
    share = _enlarged(kink, box, scale, cubic=False)[0].clamp(0, 1)
    window = _window(box, scale)
    colour[window] = colour[window] + (soft - colour[window]) * share
