"""The head at full resolution: the photo re-sampled through the rendered addresses.

The renderer gives 128 x 128 rays. Of what they carry, the addresses vary smoothly and can be enlarged
without loss; the photo is then read through them at 512 x 512 or more, which is why the result is as sharp
as the photo. Lips and lids are cut by their signed distances at full resolution. Where addresses jump
(the nose in front of the cheek) the rendered colour takes over. See docs/model.md, "HTB-SR".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..image_to_plane.layout import (
    ADDRESS_INNER,
    ADDRESS_LOWER,
    ADDRESS_UPPER,
    COLOUR,
    DISTANCES,
    FEATURE,
    feature_to_distance,
    feature_to_unit,
)
from ..ops import blur, box_sum, dilate, enlarge, erode, remap, smoothstep
from .boxes import Box, boxes_of, enlarged, pixels_of, window_of
from .openings import paint_slit
from .pictures import HeadPictures

RAYS = (128, 256)  # per side; other resolutions are brought to the nearer one
CORE = 2  # rays inside the silhouette from which on the head is solid, whatever the matte says
RINGS = 3  # rays by which features are continued outwards
EDGE_BLUR = 1.3  # rays: evens out the steps of 4 pixels
SILHOUETTE_GAIN = 9.0  # steepness of the silhouette over the blurred alpha
# Degrees away from the photo's view over which the photo's matte gives way to the volume's edge.
MATTE_FADE = (6.0, 14.0)
NEAR_SLIT, AT_SLIT = (
    -0.068,
    -0.006,
)  # world units: what is painted as a slit, and where jumps are its own edges
KINK = (1.2, 2.7)  # second difference of the address, in rays: trusted below, replaced by the render above
KINK_BLUR = 0.55  # rays: softens the render where it takes over
FEATURES = len(FEATURE)


@dataclass(frozen=True)
class Survey:
    """One frame of the head, enlarged to its pictures' size; h, w: rays of the box, H, W: its pixels.

    known       [1, h, w, C] features, continued a few rays beyond the silhouette
    alpha       [1, h, w, 1] of the volume
    fine        [1, H, W, 2] address of the skin
    source      [1, size, size, 4] the skin's picture for this view
    skin        [1, H, W, 4] what it shows there
    cover       [H, W] opacity of the head
    slits       boxes of rays that hold an opening
    rays        (r0, r1, c0, c1) the box in rays; scale: pixels of a ray's side
    near_photo  1 in the photo's own view, 0 in views that the photo's matte does not fit
    total       rays of the whole picture's side
    """

    known: Tensor
    alpha: Tensor
    fine: Tensor
    source: Tensor
    skin: Tensor
    cover: Tensor
    slits: list[Box]
    rays: Box
    scale: int
    near_photo: float
    total: int

    @property
    def distances(self) -> Tensor:
        """[h, w, 2] signed distances to the edges of an opening."""
        return feature_to_distance(self.known[..., DISTANCES])[0]

    @property
    def pixels(self) -> Box:
        r0, r1, c0, c1 = (edge * self.scale for edge in self.rays)
        return r0, r1, c0, c1


@dataclass(frozen=True)
class HeadPicture:
    """colour [h, w, 3] and alpha [h, w] of the head in a box (r0, r1, c0, c1) of the picture."""

    colour: Tensor
    alpha: Tensor
    box: Box


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


def continued(features: Tensor, solid: Tensor) -> Tensor:
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


def _screen(box: Box, rays: int, like: Tensor) -> Tensor:
    """[1, h, w, C] what an address would be if each ray showed the photo where it is; else 0."""
    out = torch.zeros_like(like)
    r0, r1, c0, c1 = box
    x = (torch.arange(c0, c1, device=like.device) + 0.5) / rays
    y = (torch.arange(r0, r1, device=like.device) + 0.5) / rays
    for address in (ADDRESS_UPPER, ADDRESS_INNER, ADDRESS_LOWER):
        out[..., address] = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], -1)
    return out


def _kinks(address: Tensor, alpha: Tensor, rays: int) -> Tensor:
    """[1, h, w, 1] 0..1: rays whose address cannot be trusted because it jumps to the next ray."""
    padded = F.pad((address * rays).permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate").permute(0, 2, 3, 1)
    middle = padded[:, 1:-1, 1:-1]
    bend = torch.maximum(
        (padded[:, 1:-1, 2:] - 2 * middle + padded[:, 1:-1, :-2]).abs(),
        (padded[:, 2:, 1:-1] - 2 * middle + padded[:, :-2, 1:-1]).abs(),
    ).amax(-1, keepdim=True)
    kink = ((bend - KINK[0]) / (KINK[1] - KINK[0])).clamp(0, 1) * (alpha > 0.9)
    return dilate(kink, 1)


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


def survey_head(
    pictures: HeadPictures, features: Tensor, alpha: Tensor, c2w: Tensor, rest: Tensor
) -> Survey | None:
    """Looks at one frame; None if the head is not in it.

    features [FEATURES, r, r] premultiplied, 0..1 (not scaled to -1..1); alpha [r, r]; c2w, rest [4, 4]
    cameras of the frame and of the photo.
    """
    features, alpha = _usual_rays(features, alpha.clamp(0, 1))
    total = alpha.shape[-1]
    scale = pictures.size // total
    ray_box = _ray_box(alpha)
    if ray_box is None:
        return None
    r0, r1, c0, c1 = ray_box
    a = alpha[None, r0:r1, c0:c1, None].contiguous()
    raw = features[:, r0:r1, c0:c1].permute(1, 2, 0)[None] / a.clamp(min=1e-3)
    solid = (a > 0.5).float()
    screen = _screen(ray_box, total, raw)
    # An address grows with the ray's own place on the screen: continued without it, it would stand still
    # beyond the rim.
    known = continued(raw - screen, solid) + screen
    weight = remap(pictures.weight, *pixels_of(feature_to_unit(known[..., ADDRESS_UPPER]), pictures.weight))

    near_photo = 1 - float(smoothstep(*MATTE_FADE, torch.tensor(_angle(c2w, rest))))
    source = pictures.skin if near_photo == 1 else torch.lerp(pictures.side, pictures.skin, near_photo)
    fine = feature_to_unit(enlarge(known[..., ADDRESS_UPPER], scale, cubic=True))
    skin = remap(source, *pixels_of(fine, source), cubic=True)

    edge = enlarge(torch.cat([blur(a, EDGE_BLUR), weight], -1), scale, cubic=True)[0]
    ends = 1 / (1 + math.exp(SILHOUETTE_GAIN / 2))
    silhouette = ((torch.sigmoid((edge[..., 0] - 0.5) * SILHOUETTE_GAIN) - ends) / (1 - 2 * ends)).clamp(0, 1)
    if near_photo > 0:
        # The matte belongs to the front sheet: well inside the silhouette the head is solid.
        core = enlarge(blur(erode(solid, CORE), 0.8), scale)[0, ..., 0]
        matte = torch.maximum(skin[0, ..., 3].clamp(0, 1), ((core - 0.2) / 0.6).clamp(0, 1))
        silhouette = silhouette * (1 - (1 - matte) * near_photo)
    cover = silhouette * edge[..., 1].clamp(0, 1)
    distances = feature_to_distance(known[..., DISTANCES])[0]
    slits = boxes_of((distances > NEAR_SLIT).all(-1) & (solid[0, ..., 0] > 0), 1)
    return Survey(known, a, fine, source, skin, cover, slits, ray_box, scale, near_photo, total)


def paint_head(
    pictures: HeadPictures,
    features: Tensor,
    alpha: Tensor,
    c2w: Tensor,
    rest: Tensor,
    closing: tuple[float, float],
) -> HeadPicture | None:
    """Paints one frame (survey_head). closing: how far the right and left eye close, 0..1."""
    seen = survey_head(pictures, features, alpha, c2w, rest)
    if seen is None:
        return None
    colour = seen.skin[0, ..., :3].contiguous()
    for box in seen.slits:
        paint_slit(pictures, seen.source, colour, seen.known, box, seen.scale, closing)
    kink = _kinks(feature_to_unit(seen.known[..., ADDRESS_UPPER]), seen.alpha, seen.total)
    # The edges of lips and lids are jumps on purpose.
    kink = kink * (seen.distances.amin(-1) < AT_SLIT)[None, ..., None]
    whole = (0, kink.shape[1], 0, kink.shape[2])
    for box in boxes_of(kink[0, ..., 0] > 0, 1):
        _paint_kink(colour, seen.known, kink, box, whole, seen.scale)
    return HeadPicture(colour, seen.cover, seen.pixels)


def _paint_kink(colour: Tensor, features: Tensor, kink: Tensor, box: Box, whole: Box, scale: int) -> None:
    """Replaces colour [H, W, 3] by the softened render where addresses jump (in place)."""
    r0, r1, c0, c1 = box
    wide = (max(r0 - 2, 0), min(r1 + 2, whole[1]), max(c0 - 2, 0), min(c1 + 2, whole[3]))
    rgb = features[..., COLOUR]
    soft = blur(feature_to_unit(enlarged(rgb, wide, scale)), KINK_BLUR * scale)
    top, left = (r0 - wide[0]) * scale, (c0 - wide[2]) * scale
    soft = soft[0, top : top + (r1 - r0) * scale, left : left + (c1 - c0) * scale]
    share = enlarged(kink, box, scale, cubic=False)[0].clamp(0, 1)
    window = window_of(box, scale)
    colour[window] = colour[window] + (soft - colour[window]) * share
