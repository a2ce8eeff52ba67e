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
from .geometry import apply, sample, scale_of, square_map
from .nets import opencv

FACE_WIDTH, FACE_MIDDLE = 0.37, 0.49
HEIGHT_TO_WIDTH = 0.85  # a face so turned that it is narrow is framed by its height
STRAIGHTEN_FROM = math.radians(12)  # a smaller tilt is the photo's own pose and stays
WIDENING = 0.0025  # per pixel below the photo: shoulders spread downwards
MIRRORED = 16.0  # pixels above the photo's lower edge that are seen again below it, slowed down
SOFTENING = (2.0, 6.0, 16.0)  # blurs of the continued edge, weaker near the photo


@dataclass(frozen=True)
class Crop:
    """The square around a face.

    pixels      uint8 [512, 512, 3].
    to_photo    float64 [2, 3], crop pixels -> photo pixels.
    outside     uint8 [512, 512] 0/1: where the photo does not reach and its edge was continued.
    above       uint8 [512, 512] 0/1: the part of it above the photo's upper edge.
    """

    pixels: np.ndarray
    to_photo: np.ndarray
    outside: np.ndarray
    above: np.ndarray


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
    return cut_square(photo, crop_map(face))


def cut_square(photo: np.ndarray, to_photo: np.ndarray) -> Crop:
    """What a map shows of a photo uint8 [H, W, 3], with the photo's edge continued where it ends."""
    cv2 = opencv()
    height, width = photo.shape[:2]
    centres = np.stack(np.meshgrid(*[np.arange(PORTRAIT_SIZE) + 0.5] * 2), -1)
    x, y = np.moveaxis(apply(to_photo, centres), -1, 0)
    above = y < 0.5
    outside = (above | (x < 0.5) | (x > width - 0.5) | (y > height - 0.5)).astype(np.uint8)
    # The last row or column goes on: mirroring would bring a second head into the picture.
    pixels = sample(photo, to_photo, PORTRAIT_SIZE, cv2.BORDER_REPLICATE)
    if outside.any():
        pixels = _continued(_with_shoulders(pixels, to_photo, y - (height - 0.5)), outside)
    return Crop(pixels, to_photo, outside, above.astype(np.uint8))


def _with_shoulders(pixels: np.ndarray, to_photo: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The part below the photo as a slightly wider, mirrored picture of what is above its lower edge.

    `below` [512, 512] is how far each pixel lies below the photo, photo pixels.
    """
    depth = np.clip(below / scale_of(to_photo), 0, None)
    linear = np.linalg.inv(to_photo[:, :2])
    right, down = linear[:, 0] / np.hypot(*linear[:, 0]), linear[:, 1] / np.hypot(*linear[:, 1])
    rows, columns = np.indices(below.shape).astype(np.float64)
    middle = np.array([PORTRAIT_SIZE / 2, FACE_MIDDLE * PORTRAIT_SIZE])
    aside = (columns - middle[0]) * right[0] + (rows - middle[1]) * right[1]
    inwards = aside * (1 / (1 + WIDENING * depth) - 1)
    up = depth + MIRRORED * (1 - np.exp(-depth / (2 * MIRRORED)))
    x = columns + inwards * right[0] - up * down[0]
    y = rows + inwards * right[1] - up * down[1]
    cv2 = opencv()
    return cv2.remap(
        pixels, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _continued(pixels: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Pixels beyond the photo blurred the more the farther they are, so that no streaks show."""
    cv2 = opencv()
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)
    soft = result = pixels.astype(np.float32)
    for sigma in SOFTENING:
        weight = smoothstep(0, 3 * sigma, distance)[..., None]
        result = result * (1 - weight) + blur(soft, sigma) * weight
    return np.clip(np.round(result), 0, 255).astype(np.uint8)
