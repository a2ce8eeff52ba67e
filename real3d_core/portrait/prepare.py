"""Load Portrait: photo -> Portrait (docs/model.md, "Load Portrait")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import FaceNetsError, FaceNotFoundError, ImageError
from ..render_triplane.cameras import built_in_camera
from ..streaming import no_check
from ..wires import PORTRAIT_SIZE, Portrait
from .background import fill_background
from .crop import Crop, take_crop
from .cut_head import close_cut_head
from .faces import Face, face_of_landmarks, find_faces
from .filters import blur
from .findings import find_flaws
from .geometry import apply_3d, invert, sample
from .landmarks import checked_landmarks
from .layers import make_layers
from .materials import find_materials
from .matte import matte_from_mask, person_matte
from .nets import FaceNets, opencv
from .regions import face_mask
from .segmentation import one_hot

FACE_IN_MASK = 0.5  # a mask that holds less of the face is not one of the person


def prepare_portrait(
    photo: np.ndarray,
    nets: FaceNets | None,
    *,
    face_index: int = 0,
    mask: Any = None,
    landmarks: Any = None,
    check: Callable[[], None] = no_check,
) -> Portrait:
    """The portrait of one face of a photo.

    photo       uint8 [H, W, 3].
    nets        find the face and help with the matte; None if landmarks are given and a rougher matte will
    do.
    face_index  which face, counted from the largest.
    mask        [h, w] float 0..1 over the whole photo, in any resolution: the person, instead of a search.
    landmarks   [478 or 468, 3] in photo pixels, z on the scale of x: the face, instead of a search.
    check       called now and then; whatever it raises ends the work.

    Equal inputs give equal portraits. Raises FaceNotFoundError if there is no such face, ImageError for
    unusable inputs, FaceNetsError if nets are missing where they are needed.
    """
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or min(photo.shape[:2]) < 16:
        raise ImageError(
            f"A photo has the shape {list(photo.shape)} and type {photo.dtype} where uint8 [height, width, 3]"
            " of at least 16 pixels a side is needed; read it with read_photo."
        )
    face = _chosen_face(photo, nets, face_index, landmarks)
    check()
    crop = take_crop(photo, face)
    points = apply_3d(invert(crop.to_photo), face.landmarks)
    check()
    person, remark = _person(photo, crop, points, nets, mask)
    check()
    image = crop.pixels.astype(np.float32) / 255
    head = close_cut_head(crop, points, person)
    person, background = head.person, fill_background(image, person, head.beyond)
    check()
    materials = find_materials(image, points, person)
    check()
    layers = make_layers(image, points, person, materials)
    check()
    beyond = blur(head.beyond.astype(np.float32), 2.0)[..., None] * crop.outside[..., None]
    shown = layers.foreground * person[..., None] + background * (1 - person[..., None])
    image = image * (1 - beyond) + shown * beyond
    return Portrait(
        image=_tensor(image),
        photo=torch.from_numpy(np.array(photo)),
        crop_to_photo=_tensor(crop.to_photo),
        landmarks=_tensor(points),
        person=_tensor(person),
        head_weight=_tensor(layers.head_weight),
        foreground=_tensor(layers.foreground),
        torso=_tensor(layers.torso),
        background=_tensor(background),
        segmentation=_tensor(one_hot(points, person, materials)),
        camera=built_in_camera(),
        findings=find_flaws(crop, points, head.share) + remark,
    )


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _chosen_face(photo: np.ndarray, nets: FaceNets | None, index: int, landmarks: Any) -> Face:
    if landmarks is not None:
        return face_of_landmarks(checked_landmarks(landmarks, photo, None if nets is None else nets.iris))
    if nets is None:
        raise FaceNetsError(
            "Neither face nets nor landmarks are given; load the nets with load_face_nets or connect"
            " landmarks."
        )
    faces = find_faces(photo, nets)
    if not 0 <= index < len(faces):
        shown = "one face" if len(faces) == 1 else f"{len(faces)} faces"
        raise FaceNotFoundError(
            f"The picture shows {shown} and face {index} was asked for; choose a number from 0 to"
            f" {len(faces) - 1}."
        )
    return faces[index]


def _person(
    photo: np.ndarray, crop: Crop, points: np.ndarray, nets: FaceNets | None, mask: Any
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The matte, and a finding if a given mask had to be left aside."""
    remark: tuple[str, ...] = ()
    if mask is not None:
        seen = _cropped_mask(photo, crop, mask)
        face = face_mask(points) > 0
        share = float(seen[face].mean()) if face.any() else 0.0
        if share >= FACE_IN_MASK:
            return matte_from_mask(crop.pixels, seen, points), ()
        remark = (f"The mask holds only {100 * share:.0f} % of the face and was not used; is it inverted?",)
    # What continues the photo upwards would mislead the search, so it looks at the crop without it.
    rows = int(crop.above.all(1).sum())
    below = ((rows, 0), (0, 0))
    seen = np.pad(crop.pixels[rows:], ((0, rows), (0, 0), (0, 0)), mode="edge")
    person = person_matte(seen, points - [0, rows, 0], None if nets is None else nets.selfie)
    return np.pad(person, below)[: len(person)], remark


def _cropped_mask(photo: np.ndarray, crop: Crop, mask: Any) -> np.ndarray:
    """float32 [512, 512]: a mask of the whole photo seen through the crop."""
    values = np.array(mask.detach().cpu().numpy() if isinstance(mask, Tensor) else mask, np.float32)
    if values.ndim != 2 or 0 in values.shape:
        raise ImageError(
            f"A mask has the shape {list(values.shape)} where [height, width] is needed; connect one mask."
        )
    values = np.clip(np.nan_to_num(values), 0, 1)
    stretch = np.array(values.shape[::-1], float) / photo.shape[1::-1]
    to_mask = crop.to_photo * stretch[:, None]
    return np.clip(sample(values, to_mask, PORTRAIT_SIZE, opencv().BORDER_REPLICATE), 0, 1)
