"""The picture of a mixed head on the first one's body, before the first one's background.

Convention
    Pictures are float32 [size, size, C] 0..1 over the crop; masks are [512, 512]. size is 512, or 1024 where
    a photo shows more than the crop.

See docs/model.md, "Blend Avatars".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face_model import topology as t
from ..htb_sr.photo_detail import photo_detail
from ..portrait.filters import blur, grow, push_pull, shrink, smoothstep
from ..portrait.regions import face_mask, face_width, jaw_distance, polygon
from ..portrait.segmentation import CLASSES
from ..wires import PORTRAIT_SIZE, Portrait
from .hair import hair_of
from .maps import Map
from .shape import Points

Picture = NDArray[np.float32]
Tone = NDArray[np.float32]

OPEN = (0.01, 0.05)  # face widths between the lips from which a photo begins to, and fully does, show teeth
EDGE = 1.5  # pixels: half width of an outline where the two heads' own do not agree
FARTHEST = 60.0  # pixels from an outline at which its distance does not matter any more
TINT = (0.4, 1.8)  # limits of the factor on the colour of the neck
CHANGED = 3  # pixels around what changed that are taken from the new picture
HAIR_END = (0.3, 0.7)  # head weight at which hair begins to be cut off, and is whole
HAIR_TIPS = 5.0  # pixels: finer than this the end of cut hair is ragged
THREAD = 4  # pixels: half the width of what is no part of a head near the jaw, such as a collar's edge
COLLAR = (-0.4, -0.3)  # face heights above the jaw line where threads are still hair, and are not any more
NECK_FIT = (0.0, 0.10)  # face heights below the jaw over which the neck narrows or widens to the first's
SOFT = 6.0  # pixels over which colours pass from both heads to one of them
NOWHERE = 0.02  # weight of a head in places that it does not have
LEAST = 200  # pixels: fewer have no tone


@dataclass(frozen=True)
class MixedPicture:
    """picture [size, size, 3]; person, changed [512, 512] 0..1: the matte, and where the picture is not the
    first one's.
    """

    picture: Picture
    person: Picture
    changed: Picture


@dataclass(frozen=True)
class _Part:
    """A soft mask and the signed distance to its edge (pixels, positive inside), [512, 512] each."""

    mask: Picture
    distance: Picture


@dataclass(frozen=True)
class _Seen:
    """One head brought to the mixed shape: colour [size, size, 3], matte, hair, the median colours of its
    skin and of its hair [3] each (None: it has none), and the gap between its lips in face widths.
    """

    colour: Picture
    matte: _Part
    hair: Picture
    tones: tuple[Tone | None, Tone | None]
    gap: float


def mixed_picture(
    heads: tuple[Portrait, Portrait],
    maps: tuple[Map, Map],
    mixed: Points,
    shape: float,
    colour: float,
    size: int,
) -> MixedPicture:
    """Draws the mix of two portraits (maps: `maps.map_to` of each) with the landmarks `mixed`."""
    one, other = (_seen(head, way, size) for head, way in zip(heads, maps, strict=True))
    first = heads[0]
    matte = _between(one.matte, other.matte, shape)
    locks = one.hair + (other.hair - one.hair) * shape
    neck = smoothstep(*NECK_FIT, jaw_distance(mixed)) * (1 - locks)
    matte = matte * (1 - neck * (1 - first.person.numpy()))
    share = _colour_share(one, other, mixed, colour)
    head = _alone(one, other, colour, 0, size)
    head = head + (_alone(one, other, colour, 1, size) - head) * _resized(share, size)[..., None]

    detail = photo_detail(first, size)
    ground, torso, own = (
        detail.added_to(part).numpy() for part in (first.background, first.torso, first.image)
    )
    skin = _bare(first)
    body = torso[..., :3] + _tint(torso[..., :3], one, other, colour) * _resized(skin, size)[..., None]
    picture = ground + (body - ground) * torso[..., 3:]
    picture = picture + (head - picture) * _resized(matte, size)[..., None]

    below = first.torso[..., 3].numpy()
    seen = (first.head.numpy() > 0.02) | (matte > 0.02) | (skin * below > 0.02)
    changed = blur(grow(seen, CHANGED).astype(np.float32), 1.5)
    picture = own + (picture - own) * _resized(changed, size)[..., None]
    person = first.person.numpy() + (matte + (1 - matte) * below - first.person.numpy()) * changed
    return MixedPicture(*(np.clip(part, 0, 1).astype(np.float32) for part in (picture, person, changed)))


def _seen(head: Portrait, way: Map, size: int) -> _Seen:
    points = head.landmarks.numpy().astype(np.float64)
    hair, weight = hair_of(head), head.head_weight.numpy()
    # A neck may end softly on another one; hair that thins out in the air would be a veil.
    cut = smoothstep(*HAIR_END, blur(weight, HAIR_TIPS))
    matte = head.person.numpy() * (weight + (cut - weight) * hair)
    thick = blur(grow(shrink(matte > 0.5, THREAD), THREAD + 2).astype(np.float32), 1.5)
    matte = matte * (1 - (1 - thick) * smoothstep(*COLLAR, jaw_distance(points)))
    colour = photo_detail(head, size).added_to(head.foreground).numpy()
    gap = float((points[list(t.MOUTH.lower), 1] - points[list(t.MOUTH.upper), 1]).max())
    core = shrink(face_mask(points), max(2, int(0.05 * face_width(points)))) > 0
    image = head.image.numpy()
    tones = (_tone(image, core & (hair < 0.1)), _tone(image, (hair > 0.9) & (matte > 0.9)))
    return _Seen(
        _read(colour, way, size), _part(matte, way), _read(hair, way), tones, gap / face_width(points)
    )


def _tone(image: Picture, where: NDArray[np.bool_]) -> Tone | None:
    return np.median(image[where], 0).clip(0.02) if where.sum() >= LEAST else None


def _part(mask: Picture, way: Map) -> _Part:
    import cv2

    inside = (mask > 0.5).astype(np.uint8)
    away = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return _Part(_read(mask, way), _read(blur(away.clip(-FARTHEST, FARTHEST), 1.0), way))


def _between(one: _Part, other: _Part, shape: float) -> Picture:
    """The mask of the mix. Where one head has the part and the other does not, half of it would be a ghost:
    there the edge runs between the two, by the mix of the distances to them.
    """
    soft = one.mask + (other.mask - one.mask) * shape
    hard = smoothstep(-EDGE, EDGE, one.distance + (other.distance - one.distance) * shape)
    apart = np.abs(other.mask - one.mask) * min(1.0, 8 * shape * (1 - shape))
    return (soft + (hard - soft) * apart).astype(np.float32)


def _alone(one: _Seen, other: _Seen, colour: float, of: int, size: int) -> Picture:
    """[size, size, 3] the colours of one of the heads. Hair that the other does not have is brought to the
    tone of the mix, or it would not belong to the hair above it.
    """
    own, missing = (one, other)[of], (other, one)[of]
    tones = [seen.tones[1] for seen in (one, other)]
    if tones[0] is None or tones[1] is None:
        return own.colour
    step = tones[0] + (tones[1] - tones[0]) * colour - tones[of]
    single = own.hair * (1 - blur(missing.matte.mask, SOFT))
    return own.colour + step * _resized(single, size)[..., None]


def _colour_share(one: _Seen, other: _Seen, mixed: Points, colour: float) -> Picture:
    """[512, 512] the second's share: `colour` where both heads are; where one of them is, that one; between
    the lips the one whose photo shows teeth.
    """
    there = [
        (blur(seen.matte.mask, SOFT) + NOWHERE) * amount
        for seen, amount in ((one, 1 - colour), (other, colour))
    ]
    share = there[1] / (there[0] + there[1])
    shown = np.array([smoothstep(*OPEN, seen.gap) for seen in (one, other)]) * [1 - colour, colour]
    if shown.sum() > 0:
        contour = np.concatenate([mixed[list(t.MOUTH.upper)], mixed[list(t.MOUTH.lower[-2:0:-1])]])
        lips = blur(polygon(contour).astype(np.float32), 1.0)
        share = share + (shown[1] / shown.sum() - share) * lips
    return share.astype(np.float32)


def _tint(body: Picture, one: _Seen, other: _Seen, colour: float) -> Picture:
    """What to add to the first one's skin for the tone of the mix; light on it grows no brighter by it."""
    own, aim = (seen.tones[0] for seen in (one, other))
    if own is None or aim is None:
        return np.zeros_like(body)
    factor = np.clip(1 + (aim / own - 1) * colour, *TINT).astype(np.float32)
    return np.minimum(body, own) * (factor - 1)


def _bare(first: Portrait) -> Picture:
    """[512, 512] 0..1 where the body shows skin, carried on behind the head."""
    bare = first.segmentation[CLASSES.index("body skin")].numpy()
    known = (first.person.numpy() > 0.5) & (first.head_weight.numpy() < 0.9)
    skin = push_pull(np.repeat(bare[..., None], 3, -1), known.astype(np.float32))[..., 0]
    return blur(skin, 2.0).astype(np.float32)


def _read(picture: Picture, way: Map, size: int = PORTRAIT_SIZE) -> Picture:
    """A picture of any size over the crop, as a map sees it, at `size`."""
    import cv2

    at = _resized(way, size) * (picture.shape[0] / PORTRAIT_SIZE) - 0.5
    mode = cv2.INTER_CUBIC if picture.ndim == 3 else cv2.INTER_LINEAR
    return cv2.remap(
        np.ascontiguousarray(picture, np.float32),
        np.ascontiguousarray(at[..., 0]),
        np.ascontiguousarray(at[..., 1]),
        mode,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _resized(picture: Picture, size: int) -> Picture:
    import cv2

    if picture.shape[0] == size:
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)
