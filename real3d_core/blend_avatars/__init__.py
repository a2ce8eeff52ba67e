"""Blend Avatars: two heads of the built-in backend become one between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import BackendError, RenderError
from ..image_to_plane import image_to_plane
from ..image_to_plane.avatar import AnalyticAvatar, portrait_key
from ..motion_adapter import motion_adapter
from ..portrait.geometry import scale_of
from ..streaming import no_check, one_torch_thread
from ..timing import stage
from ..wires import PORTRAIT_SIZE, Portrait, TriPlane

LARGE = 1024
FINER = 0.95  # photo pixels per crop pixel from which on a photo shows more than its crop


@dataclass(frozen=True)
class BlendSettings:
    """shape, colour: how far the head is on the way from the first to the second, 0..1 each.

    Raises RenderError for other values.
    """

    shape: float = 0.5
    colour: float = 0.5

    def __post_init__(self) -> None:
        for name in ("shape", "colour"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise RenderError(f"The amount of {name} is {value}; choose 0 (the first head) to 1.")


@dataclass(frozen=True)
class Avatar:
    """A head and the portrait that belongs to it."""

    triplane: TriPlane
    portrait: Portrait


def blend_avatars(
    first: Avatar, second: Avatar, settings: BlendSettings, check: Callable[[], None] = no_check
) -> Avatar:
    """A head between two, with the first one's body, background and motion.

    With both amounts 0 it is the first one itself. The result is an avatar like any other: its portrait is a
    picture of the mixed head, and its tri-plane is made from that. It is on the device of the first.

    check   called now and then; whatever it raises ends the work.

    Raises BackendError for heads of trained networks, and for a head whose portrait is another one's.
    """
    for name, one in (("first", first), ("second", second)):
        _check_avatar(name, one)
    if settings.shape == settings.colour == 0:
        return first
    with stage("blend_avatars"), one_torch_thread():
        portrait = _mixed_portrait(first.portrait.to("cpu"), second.portrait.to("cpu"), settings, check)
    triplane = image_to_plane(portrait, first.triplane.model, check)
    if first.triplane.motion is not None:
        triplane = motion_adapter(triplane, portrait, first.triplane.motion.to("cpu"))
    device = first.triplane.planes.device
    return Avatar(triplane.to(device), portrait.to(first.portrait.image.device))


def _check_avatar(name: str, one: Avatar) -> None:
    avatar = one.triplane.avatar
    if one.triplane.model.kind != "analytic" or not isinstance(avatar, AnalyticAvatar):
        raise BackendError(
            f"The {name} TRIPLANE was made by a trained model, whose heads cannot be mixed; make it with the"
            ' "built-in" model in Image-to-Plane.'
        )
    if avatar.photo_key != portrait_key(one.portrait):
        raise BackendError(
            f"Blend Avatars got the {name} TRIPLANE with another head's PORTRAIT; connect the Load Portrait"
            " or Load Avatar that it was made from."
        )


def _mixed_portrait(
    first: Portrait, second: Portrait, settings: BlendSettings, check: Callable[[], None]
) -> Portrait:
    from ..portrait.layers import make_layers
    from ..portrait.materials import find_materials
    from ..portrait.segmentation import one_hot
    from .hair import hair_odds
    from .maps import map_to, mixed_outline, outline_of
    from .picture import mixed_picture
    from .shape import mixed_landmarks

    both = (first, second)
    own = [one.landmarks.numpy().astype(np.float64) for one in both]
    outlines = [outline_of(at, one.head.numpy(), hair_odds(one)) for at, one in zip(own, both, strict=True)]
    check()
    points = mixed_landmarks(*own, settings.shape)
    outline = mixed_outline(*outlines, settings.shape)
    maps = tuple(map_to(points, outline, *one) for one in zip(own, outlines, strict=True))
    check()
    size = _size_of(first, second)
    drawn = mixed_picture(both, maps, points, settings.shape, settings.colour, size)
    check()
    image = drawn.picture if size == PORTRAIT_SIZE else _halved(drawn.picture)
    materials = find_materials(image, points, drawn.person)
    layers = make_layers(image, points, drawn.person, materials)
    return Portrait(
        image=_tensor(image),
        photo=_new_photo(first, drawn.picture, drawn.changed),
        crop_to_photo=first.crop_to_photo,
        landmarks=_tensor(points),
        person=_tensor(drawn.person),
        head_weight=_tensor(layers.head_weight),
        foreground=_tensor(layers.foreground),
        torso=_tensor(layers.torso),
        background=first.background,
        segmentation=_tensor(one_hot(points, drawn.person, materials)),
        camera=first.camera,
    )


def _size_of(first: Portrait, second: Portrait) -> int:
    """Pixels at which the mix is drawn: more than the crop's where the first photo can hold them."""
    finest = [scale_of(one.crop_to_photo.numpy().astype(np.float64)) for one in (first, second)]
    return LARGE if finest[0] > FINER and max(finest) > 1 / FINER else PORTRAIT_SIZE


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _halved(picture: np.ndarray) -> np.ndarray:
    side = PORTRAIT_SIZE
    factor = len(picture) // side
    return np.ascontiguousarray(picture.reshape(side, factor, side, factor, -1).mean((1, 3)))


def _new_photo(first: Portrait, picture: np.ndarray, changed: np.ndarray) -> Tensor:
    """The first one's photo [H, W, 3] uint8 with the mixed head in it; elsewhere it stays as it is."""
    import cv2

    from ..portrait.geometry import apply, invert

    photo = np.array(first.photo.numpy())
    to_photo = first.crop_to_photo.numpy().astype(np.float64)
    side = PORTRAIT_SIZE
    corners = apply(to_photo, np.array([[0, 0], [side, 0], [0, side], [side, side]], np.float64))
    limits = photo.shape[1::-1]
    left, top = np.clip(np.floor(corners.min(0)), 0, limits).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)), 0, limits).astype(int)
    part = photo[top:bottom, left:right]

    def laid(values: np.ndarray) -> np.ndarray:
        way = invert(to_photo) * (len(values) / side)
        # OpenCV's pixel centres are whole numbers, ours are halves.
        way[:, 2] += way[:, :2] @ np.array([left + 0.5, top + 0.5]) - 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(values, way, (right - left, bottom - top), flags=flags)

    share = laid(changed)[..., None]
    mixed = part + (laid(picture) * 255 - part) * share
    part[:] = np.where(share > 0, np.round(mixed).clip(0, 255), part)
    return torch.from_numpy(photo)
