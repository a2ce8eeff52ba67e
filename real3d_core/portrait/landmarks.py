"""Landmarks that come from elsewhere than our own nets."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from ..errors import ImageError
from .mesh_fit import with_irises
from .nets import Net

SMALLEST_FACE = 4  # pixels, the side of a square as large as eyes and brow to chin span


def checked_landmarks(landmarks: Any, photo: np.ndarray, iris: Net | None) -> np.ndarray:
    """float64 [478, 3] from [468 or 478, 3] photo pixels; irises that lack are found by the net or estimated.

    Raises ImageError for another shape, values that are not finite, a face outside the photo, and points
    that are no face.
    """
    values = landmarks.detach().cpu().numpy() if isinstance(landmarks, Tensor) else landmarks
    points = np.array(values, np.float64)
    if points.ndim != 2 or points.shape[0] not in (468, 478) or points.shape[1] != 3:
        raise ImageError(
            f"Face landmarks have the shape {list(points.shape)} where [478, 3] or [468, 3] is needed;"
            " connect the landmarks of one face."
        )
    height, width = photo.shape[:2]
    middle = points[:468, :2].mean(0)
    if not np.isfinite(points).all() or not (0 <= middle[0] <= width and 0 <= middle[1] <= height):
        raise ImageError(
            f"The face landmarks do not lie on the {width} x {height} picture; find them on the same picture."
        )
    if not _is_a_face(points):
        raise ImageError(
            "The face landmarks are not those of a face (mirrored, or all in one place); find them on the"
            " same picture."
        )
    return with_irises(photo, points, iris) if len(points) == 468 else points


def _is_a_face(points: np.ndarray) -> bool:
    """Whether it has an extent, and its right eye (33) is on the left when its chin (152) is below."""
    across, down = points[263, :2] - points[33, :2], points[152, :2] - points[10, :2]
    area = across[0] * down[1] - across[1] * down[0]
    return bool(area > SMALLEST_FACE**2)
