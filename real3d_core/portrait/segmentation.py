"""Six-class segmentation of the crop from the matte and the materials (docs/model.md, "Load Portrait")."""

from __future__ import annotations

import numpy as np

from .materials import Materials
from .regions import face_mask, jaw_distance

CLASSES = ("ground", "hair", "body skin", "face skin", "clothes", "others")


def one_hot(landmarks: np.ndarray, person: np.ndarray, materials: Materials) -> np.ndarray:
    """float32 [6, 512, 512], one 1 per pixel, in the order of CLASSES; "others" stays empty.

    The face oval, and skin above the jaw line (the ears), are face skin; other skin is body skin.
    """
    best = np.argmax(np.stack([materials.skin, materials.hair, materials.clothes]), 0)
    above = (face_mask(landmarks) > 0) | (jaw_distance(landmarks) < 0)
    labels = np.select([best == 1, best == 2, above], [1, 4, 3], default=2)
    labels[face_mask(landmarks) > 0] = 3
    labels[person < 0.5] = 0
    return (np.arange(len(CLASSES))[:, None, None] == labels).astype(np.float32)
