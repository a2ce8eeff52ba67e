"""Load Portrait: photo -> Portrait (docs/model.md, "Load Portrait")."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..wires import PORTRAIT_SIZE, Portrait
from .faces import Face, find_faces
from .geometry import apply_3d, invert, sample, square_map
from .layers import make_layers
from .matte import person_matte
from .nets import FaceNets, opencv

FACE_WIDTH, FACE_HEIGHT_CENTRE = 0.37, 0.49


def crop_map(face: Face) -> np.ndarray:
    """[2, 3] crop pixels -> photo pixels."""
    angle = face.roll if abs(face.roll) > math.radians(12) else 0.0
    turn = square_map(0, 0, 1, angle, 1)[:, :2]
    upright = face.landmarks[:468, :2] @ turn
    low, high = upright.min(0), upright.max(0)
    width, height = high - low
    side = max(width, 0.85 * height) / FACE_WIDTH
    centre = (low + high) / 2 + [0, (0.5 - FACE_HEIGHT_CENTRE) * side]
    x, y = turn @ centre
    return square_map(x, y, side, angle, PORTRAIT_SIZE)


def prepare_portrait(
    photo: np.ndarray,
    nets: FaceNets | None,
    *,
    face_index: int = 0,
    mask: np.ndarray | None = None,
    landmarks: np.ndarray | None = None,
) -> Portrait:
    """Portrait of one face of a photo uint8 [H, W, 3]."""
    face = find_faces(photo, nets)[face_index]
    to_photo = crop_map(face)
    crop = sample(photo, to_photo, PORTRAIT_SIZE, opencv().BORDER_REPLICATE)
    points = apply_3d(invert(to_photo), face.landmarks)
    person = person_matte(crop, points, nets.selfie)
    image = crop.astype(np.float32) / 255
    layers = make_layers(image, points, person)
    camera = torch.tensor(
        [
            1.0,
            0,
            0,
            0,
            0,
            -1,
            0,
            0,
            0,
            0,
            -1,
            2.861,
            0,
            0,
            0,
            1,
            2985.29 / 1024,
            0,
            0.5,
            0,
            2985.29 / 1024,
            0.5,
            0,
            0,
            1,
        ]
    )
    return Portrait(
        image=torch.from_numpy(image),
        photo=torch.from_numpy(photo.copy()),
        crop_to_photo=torch.from_numpy(to_photo.astype(np.float32)),
        landmarks=torch.from_numpy(points.astype(np.float32)),
        person=torch.from_numpy(person),
        head_weight=torch.from_numpy(layers.head_weight),
        foreground=torch.from_numpy(layers.foreground.astype(np.float32)),
        torso=torch.from_numpy(layers.torso),
        background=torch.from_numpy(layers.background),
        segmentation=torch.zeros(6, PORTRAIT_SIZE, PORTRAIT_SIZE),
        camera=camera,
    )
