"""Affine maps between pictures, and sampling through them.

Convention
    A map is float64 [2, 3]: (x, y) -> A @ (x, y, 1), in continuous pixels (wires.py, "Pixels").
"""

from __future__ import annotations

import math

import numpy as np

from .nets import opencv


def square_map(x: float, y: float, side: float, angle: float, pixels: int) -> np.ndarray:
    """Map from a `pixels`-sided picture to a photo's square with this centre and side.

    The square is turned clockwise, as seen on the screen, by `angle` radians.
    """
    c, s = math.cos(angle), math.sin(angle)
    linear = np.array([[c, -s], [s, c]]) * (side / pixels)
    corner = np.array([x, y]) - linear @ np.array([pixels / 2, pixels / 2])
    return np.column_stack([linear, corner])


def apply(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """[..., 2] points through the map."""
    return points @ affine[:, :2].T + affine[:, 2]


def apply_3d(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """[..., 3] points through a similarity; z is only scaled."""
    xy = apply(affine, points[..., :2])
    return np.concatenate([xy, points[..., 2:] * scale_of(affine)], -1)


def invert(affine: np.ndarray) -> np.ndarray:
    """The inverse map."""
    linear = np.linalg.inv(affine[:, :2])
    return np.column_stack([linear, -linear @ affine[:, 2]])


def scale_of(affine: np.ndarray) -> float:
    """Pixels of the target per pixel of the source."""
    return float(math.sqrt(abs(np.linalg.det(affine[:, :2]))))


def sample(photo: np.ndarray, to_photo: np.ndarray, pixels: int, border: int | None = None) -> np.ndarray:
    """The photo seen through `to_photo`: [pixels, pixels, C] (or no C) of the photo's dtype, without
    aliasing.

    `border` is OpenCV's border mode for what lies outside the photo; None = black.
    """
    cv2 = opencv()
    shrink = scale_of(to_photo)
    if shrink >= 2:
        return _sample_reduced(photo, to_photo, pixels, border, int(shrink))
    fine = 2 if shrink > 1 else 1  # a slight reduction: sample twice as fine, then average
    centred = to_photo / np.array([fine, fine, 1])
    # OpenCV's pixel centres are at whole numbers, ours at .5.
    centred[:, 2] += centred[:, :2] @ np.array([0.5, 0.5]) - 0.5
    seen = cv2.warpAffine(
        photo,
        centred,
        (pixels * fine, pixels * fine),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT if border is None else border,
    )
    return seen if fine == 1 else cv2.resize(seen, (pixels, pixels), interpolation=cv2.INTER_AREA)


def _sample_reduced(
    photo: np.ndarray, to_photo: np.ndarray, pixels: int, border: int | None, factor: int
) -> np.ndarray:
    """`sample` of the part of the photo that is seen, reduced by a whole factor first."""
    cv2 = opencv()
    height, width = photo.shape[:2]
    corners = apply(to_photo, np.array([[0, 0], [pixels, 0], [0, pixels], [pixels, pixels]], float))
    low = np.clip(np.floor(corners.min(0)) - 2 * factor, 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 2 * factor, low + 1, [width, height]).astype(int)
    part = photo[low[1] : high[1], low[0] : high[0]]
    right, bottom = -part.shape[1] % factor, -part.shape[0] % factor
    part = cv2.copyMakeBorder(part, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    size = (part.shape[1] // factor, part.shape[0] // factor)
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    moved = to_photo.copy()
    moved[:, 2] -= low
    return sample(part, moved / factor, pixels, border)
