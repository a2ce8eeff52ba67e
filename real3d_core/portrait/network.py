"""Portrait -> what the networks see of it (docs/model.md, "Portrait preparation for the networks")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..streaming import no_check
from ..wires import PORTRAIT_SIZE, Portrait, _Movable
from .crop import cut_square
from .faces import face_of_landmarks
from .geometry import apply, apply_3d, invert
from .nearest_fill import fill_with_nearest
from .nets import Net, opencv
from .network_crop import MIN_FACE_AREA, network_crop_map
from .network_segmentation import seen_through, segment
from .segmentation import CLASSES
from .torso_inpaint import head_only, inpaint_torso

GROUND = CLASSES.index("ground")
SIGNED = np.arange(256, dtype=np.float32) / 127.5 - 1  # of each level


@dataclass(frozen=True)
class NetworkPortrait(_Movable):
    """A portrait in the networks' own crop. Pictures are float32 [3, 512, 512], -1..1.

    image           the crop.
    head            hair, face and what is worn on the head; -1 (black) elsewhere.
    torso           neck and clothes, continued upwards behind the head; -1 elsewhere.
    background      the scene with the person replaced by the nearest scenery.
    segmentation    float32 [6, 512, 512] one-hot: ground, hair, body skin, face skin, clothes, others.
    landmarks       float32 [478, 3] pixels of this crop; z on the scale of x, smaller is nearer.
    crop_to_photo   float32 [2, 3]: photo pixel = A @ (crop x, crop y, 1), both continuous.
    """

    image: Tensor
    head: Tensor
    torso: Tensor
    background: Tensor
    segmentation: Tensor
    landmarks: Tensor
    crop_to_photo: Tensor


def prepare_for_networks(
    portrait: Portrait,
    multiclass: Net | None = None,
    min_face_area: float = MIN_FACE_AREA,
    *,
    check: Callable[[], None] = no_check,
) -> NetworkPortrait:
    """The pictures of a portrait that the networks need, on the CPU.

    multiclass      the six-class net (network_segmentation.py); None: the portrait's own classes.
    min_face_area   the face's box covers at least this share of the crop, 0 < share <= 1.
    check           called now and then; whatever it raises ends the work.

    Equal inputs give equal results. Nothing is taken from the built-in crop but what the photo lacks and,
    without the net, the classes. Raises ImageError if `min_face_area` is no such share.
    """
    photo = portrait.photo.cpu().numpy()
    own = portrait.crop_to_photo.cpu().double().numpy()
    face = face_of_landmarks(apply_3d(own, portrait.landmarks.cpu().double().numpy()))
    to_photo = network_crop_map(face, photo.shape[1], photo.shape[0], min_face_area)
    to_own = _chained(to_photo, invert(own))
    image = _with_continuation(photo, to_photo, portrait, to_own)
    check()
    if multiclass is None:
        segmentation = seen_through(portrait.segmentation.cpu().float().numpy(), to_own)
    else:
        segmentation = segment(image, multiclass)
    check()
    torso = inpaint_torso(image, segmentation)
    check()
    return NetworkPortrait(
        image=_signed(image),
        head=_signed(head_only(image, segmentation)),
        torso=_signed(torso.picture),
        background=_signed(fill_with_nearest(image, segmentation[GROUND] > 0.5)),
        segmentation=torch.from_numpy(segmentation),
        landmarks=torch.from_numpy(apply_3d(invert(to_photo), face.landmarks).astype(np.float32)),
        crop_to_photo=torch.from_numpy(to_photo.astype(np.float32)),
    )


def _with_continuation(
    photo: np.ndarray, to_photo: np.ndarray, portrait: Portrait, to_own: np.ndarray
) -> np.ndarray:
    """uint8 [512, 512, 3]: the crop; beyond the photo it shows the built-in crop's continuation.

    There the top of a head that the photo cuts off is closed, as the portrait's classes say it is.
    """
    cv2 = opencv()
    crop = cut_square(photo, to_photo)
    if not crop.outside.any():
        return crop.pixels
    centres = np.stack(np.meshgrid(*[np.arange(PORTRAIT_SIZE) + 0.5] * 2), -1)
    x, y = np.moveaxis(apply(to_own, centres) - 0.5, -1, 0).astype(np.float32)
    built_in = portrait.image.cpu().float().numpy()
    seen = cv2.remap(built_in, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    reached = (
        np.maximum(abs(x - (PORTRAIT_SIZE - 1) / 2), abs(y - (PORTRAIT_SIZE - 1) / 2))
    ) < PORTRAIT_SIZE / 2
    taken = (crop.outside > 0) & reached
    levels = np.clip(np.round(seen * 255), 0, 255).astype(np.uint8)
    return np.where(taken[..., None], levels, crop.pixels)


def _chained(first: np.ndarray, then: np.ndarray) -> np.ndarray:
    """[2, 3]: the map that applies `first`, then `then`."""
    linear = then[:, :2] @ first[:, :2]
    return np.column_stack([linear, apply(then, first[:, 2])])


def _signed(picture: np.ndarray) -> Tensor:
    """uint8 [H, W, 3] as float32 [3, H, W], -1..1."""
    return torch.from_numpy(SIGNED[np.ascontiguousarray(picture.transpose(2, 0, 1))])
