"""The square crop of a face (docs/model.md, "Load Portrait").

Convention
    The crop is 512 x 512; its map is [2, 3], crop pixels -> photo pixels (geometry.py). The face is
    FACE_WIDTH of the square wide and its middle lies at FACE_MIDDLE of the square's height, whatever the
    photo: the head model is built for that place. What the photo lacks there is continued from its edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..wires import PORTRAIT_SIZE
from .faces import Face
from .filters import blur, smoothstep
from .geometry import apply, sample, square_map
from .nets import opencv

FACE_WIDTH, FACE_MIDDLE = 0.37, 0.49
HEIGHT_TO_WIDTH = 0.85  # a face so turned that it is narrow is framed by its height
STRAIGHTEN_FROM = math.radians(12)  # a smaller tilt is the photo's own pose and stays
SOFTENING = (2.0, 6.0, 16.0)  # blurs of the continued edge, weaker near the photo


@dataclass(frozen=True)
class Crop:
    """The square around a face.

    pixels      uint8 [512, 512, 3].
    to_photo    float64 [2, 3], crop pixels -> photo pixels.
    outside     float32 [512, 512] 0..1, 1 where the photo does not reach and its edge was continued.
    """

    pixels: np.ndarray
    to_photo: np.ndarray
    outside: np.ndarray


def crop_map(face: Face) -> np.ndarray:
    """[2, 3] map of the crop for a face."""
    angle = face.roll if abs(face.roll) > STRAIGHTEN_FROM else 0.0
    turn = square_map(0, 0, 1, angle, 1)[:, :2]
    upright = face.landmarks[:468, :2] @ turn
    low, high = upright.min(0), upright.max(0)
    width, height = high - low
    side = max(width, HEIGHT_TO_WIDTH * height) / FACE_WIDTH
    x, y = turn @ ((low + high) / 2 + [0, (0.5 - FACE_MIDDLE) * side])
    return square_map(x, y, side, angle, PORTRAIT_SIZE)


def take_crop(photo: np.ndarray, face: Face) -> Crop:
    """Cuts the square of a face out of a photo uint8 [H, W, 3]."""
    cv2 = opencv()
    to_photo = crop_map(face)
    height, width = photo.shape[:2]
    centres = np.stack(np.meshgrid(*[np.arange(PORTRAIT_SIZE) + 0.5] * 2), -1)
    x, y = np.moveaxis(apply(to_photo, centres), -1, 0)
    outside = ((x < 0.5) | (y < 0.5) | (x > width - 0.5) | (y > height - 0.5)).astype(np.uint8)
    # The last row or column goes on: mirroring would bring a second head or body into the picture.
    pixels = sample(photo, to_photo, PORTRAIT_SIZE, cv2.BORDER_REPLICATE)
    if outside.any():
        distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)
        soft = result = pixels.astype(np.float32)
        for sigma in SOFTENING:
            weight = smoothstep(0, 3 * sigma, distance)[..., None]
            result = result * (1 - weight) + blur(soft, sigma) * weight
        pixels = np.clip(np.round(result), 0, 255).astype(np.uint8)
    return Crop(pixels, to_photo, outside.astype(np.float32))
