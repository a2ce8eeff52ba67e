"""Regions of the crop that follow from the landmarks.

Convention
    [512, 512] pictures in crop pixels; value (i, j) belongs to the pixel centre (j + 0.5, i + 0.5).
"""

from __future__ import annotations

import numpy as np

from ..face_model.topology import FACE_OVAL, JAW_LINE
from ..wires import PORTRAIT_SIZE
from .filters import blur, smoothstep
from .nets import opencv

INNER_MOUTH = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
CHIN, CROWN, NOSE_TIP, NOSE_BASE = 152, 10, 1, 2
MOUTH_CORNERS = (61, 291)
EARS = (234, 454)


def face_width(landmarks: np.ndarray) -> float:
    """Width of the face oval, crop pixels."""
    x = landmarks[list(FACE_OVAL), 0]
    return float(x.max() - x.min())


def face_height(landmarks: np.ndarray) -> float:
    """Height of the face oval, crop pixels."""
    y = landmarks[list(FACE_OVAL), 1]
    return float(y.max() - y.min())


def polygon(points: np.ndarray, size: int = PORTRAIT_SIZE) -> np.ndarray:
    """uint8 [size, size] 0/1: the inside of a polygon [n, 2 or 3]."""
    mask = np.zeros((size, size), np.uint8)
    # fillPoly has pixel centres at whole numbers; shift=4 gives it sixteenths of a pixel.
    opencv().fillPoly(mask, [np.round((points[:, :2] - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return mask


def face_mask(landmarks: np.ndarray, size: int = PORTRAIT_SIZE) -> np.ndarray:
    """uint8 [size, size] 0/1: the inside of the face oval."""
    return polygon(landmarks[list(FACE_OVAL)], size)


def jaw_line(landmarks: np.ndarray, size: int = PORTRAIT_SIZE) -> np.ndarray:
    """[size] y of the line between head and neck at each column's centre, crop pixels.

    It follows the jaw, does not rise above a level below the mouth near the face (the neck begins there),
    and rises to between nose and mouth beyond 1.35 half widths of the face (hair and ears are the head's).
    """
    jaw = landmarks[list(JAW_LINE)]
    order = np.argsort(jaw[:, 0])
    x = np.arange(size) + 0.5
    line = np.interp(x, jaw[order, 0], jaw[order, 1])
    mouth_y = landmarks[list(MOUTH_CORNERS), 1].mean()
    line = np.maximum(line, 0.35 * landmarks[CHIN, 1] + 0.65 * mouth_y)
    left, right = landmarks[list(EARS), 0]
    away = np.abs(x - (left + right) / 2) / max(abs(right - left) / 2, 1e-6)
    far = smoothstep(1.05, 1.35, away)
    outside = 0.6 * landmarks[NOSE_BASE, 1] + 0.4 * landmarks[MOUTH_CORNERS[0], 1]
    line = line * (1 - far) + outside * far
    return blur(line[None].astype(np.float32), 0.04 * face_width(landmarks))[0]


def jaw_distance(landmarks: np.ndarray, size: int = PORTRAIT_SIZE) -> np.ndarray:
    """float32 [size, size]: how far a pixel is below the jaw line, in face heights; negative above it.

    landmarks [478, 3] in crop pixels. See docs/model.md, "Load Portrait".
    """
    y = np.arange(size, dtype=np.float32)[:, None] + 0.5
    return ((y - jaw_line(landmarks, size)[None]) / face_height(landmarks)).astype(np.float32)
