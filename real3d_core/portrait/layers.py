"""The layers of a portrait: head, torso behind the chin, person's colours, filled background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..wires import PORTRAIT_SIZE
from .filters import blur, grow, push_pull, shrink, smoothstep
from .nets import opencv
from .regions import CHIN, MOUTH_CORNERS, face_height, face_width, jaw_distance


@dataclass(frozen=True)
class Layers:
    """float32 pictures of the crop, as the fields of the same names in wires.Portrait."""

    head_weight: np.ndarray
    foreground: np.ndarray
    torso: np.ndarray
    background: np.ndarray


def make_layers(image: np.ndarray, landmarks: np.ndarray, person: np.ndarray) -> Layers:
    """Layers of a crop float32 [512, 512, 3] with the matte [512, 512]."""
    hard = (person > 0.5).astype(np.uint8)
    distance = jaw_distance(landmarks)
    head_weight = (1 - smoothstep(0.03, 0.17, distance)).astype(np.float32)
    outside = push_pull(image, shrink(hard, 5).astype(np.float32))
    inside = blur(shrink(hard, 3).astype(np.float32), 1.0)[..., None]
    foreground = image * inside + outside * (1 - inside)
    torso = _torso(image, landmarks, person, head_weight, hard, inside)
    return Layers(head_weight, foreground, torso, _background(image, person))


def _torso(image, landmarks, person, head_weight, hard, inside) -> np.ndarray:
    known = ((head_weight < 0.35) & (shrink(hard, 2) > 0)).astype(np.float32)
    extended = push_pull(image, known)
    own = (1 - smoothstep(0.2, 0.6, head_weight))[..., None] * inside
    colour = image * own + extended * (1 - own)
    width, height = face_width(landmarks), face_height(landmarks)
    y, x = np.mgrid[0:PORTRAIT_SIZE, 0:PORTRAIT_SIZE] + 0.5
    middle = landmarks[CHIN, 0]
    top = 0.35 * landmarks[CHIN, 1] + 0.65 * landmarks[list(MOUTH_CORNERS), 1].mean()
    left, right = middle - 0.42 * width, middle + 0.42 * width
    column = smoothstep(left - 3, left + 3, x) * (1 - smoothstep(right - 3, right + 3, x))
    column = column * smoothstep(top - 0.15 * height, top, y)
    alpha = np.maximum(person * (1 - smoothstep(0.5, 0.95, head_weight)), column * person)
    return np.concatenate([colour, alpha[..., None]], -1).astype(np.float32)


def _background(image: np.ndarray, person: np.ndarray) -> np.ndarray:
    cv2 = opencv()
    hole = grow(person > 0.02, 9)
    smooth = push_pull(image, (1 - hole).astype(np.float32))
    near = cv2.inpaint((image * 255).astype(np.uint8), hole, 4, cv2.INPAINT_TELEA).astype(np.float32) / 255
    depth = cv2.distanceTransform(hole, cv2.DIST_L2, 5)
    weight = np.exp(-((depth / 14) ** 2))[..., None]
    filled = blur(near, 1.5) * weight + smooth * (1 - weight)
    edge = smoothstep(0, 5, depth)[..., None]
    return np.clip(image * (1 - edge) + filled * edge, 0, 1).astype(np.float32)
