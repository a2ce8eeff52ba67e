"""Blinks from the opening of the lids, gaze from the irises.

See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

import numpy as np

from ..face_model import topology as t
from .neutral import eye_openings
from .seen import seen_shapes

CLOSED = 0.3  # opening of a closed eye as the nets see it, as a share of its opening at rest
FLUTTER = 0.1  # of a blink: smaller movements of the lids are the nets' own
SMALLEST_OPENING = 0.05  # of the eye's width, for eyes that are hardly open at rest
STEADY = (0.1, 0.3)  # of eyeLook* across and up: smaller movements of the iris are the nets' own
STEADY_PER_RADIAN = (0.5, 1.5)  # more in a turned head
SHUT = 0.7  # of a blink: behind lids as low as this an iris is not seen
MOST_GAZE = 1.2


def blinks_of(rest: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """[T, 2] eyeBlink of the right and the left eye, 0..1, of faces [T, 478, 3] free of the pose.

    blink = (1 - opening / opening at rest) / (1 - CLOSED), less FLUTTER.
    """
    at_rest = np.maximum(eye_openings(neutral[None])[0], SMALLEST_OPENING)
    blinks = (1 - eye_openings(rest) / at_rest) / (1 - CLOSED)
    return ((blinks - FLUTTER) / (1 - FLUTTER)).clip(0, 1)


def gaze_of(moved: np.ndarray, blinks: np.ndarray, euler: np.ndarray) -> dict[str, np.ndarray]:
    """name -> [T] weights of the eight eyeLook channels.

    moved [T, 478, 3] cm: what is left of the movement when all else is taken out; its irises against the
    corners of the eyes, the mean of both eyes, because eyes move together. Divided by what the nets see of
    eyeLook* = 1. euler [T, 3] rad against the resting pose. A closing eye keeps looking straight ahead.
    """
    seen = seen_shapes()

    def iris(points: np.ndarray) -> np.ndarray:
        """[..., 2] right, up: both irises against both eyes' corners."""
        return sum(
            points[..., ring[0], :2] - points[..., [slit.upper[0], slit.upper[-1]], :2].mean(-2)
            for ring, slit in ((t.RIGHT_IRIS, t.RIGHT_EYE), (t.LEFT_IRIS, t.LEFT_EYE))
        )

    def step(*names: str) -> np.ndarray:
        return iris(sum(seen.shapes[seen.names.index(name)] for name in names))

    seen_right = step("eyeLookOutLeft", "eyeLookInRight")[0]
    seen_up = step("eyeLookUpLeft", "eyeLookUpRight")[1]
    seen_down = step("eyeLookDownLeft", "eyeLookDownRight")[1]
    across, up = np.moveaxis(iris(moved), -1, 0)
    open_share = (1 - blinks.max(1) / SHUT).clip(0, 1)
    turned = np.linalg.norm(euler[:, :2], axis=1)

    def weight(values: np.ndarray, axis: int) -> np.ndarray:
        steady = STEADY[axis] + STEADY_PER_RADIAN[axis] * turned
        return (values - steady).clip(0, MOST_GAZE) * open_share

    to_left, to_right = weight(across / seen_right, 0), weight(-across / seen_right, 0)
    upwards, downwards = weight(up / seen_up, 1), weight(up / seen_down, 1)
    return {
        "eyeLookOutLeft": to_left,
        "eyeLookInRight": to_left,
        "eyeLookInLeft": to_right,
        "eyeLookOutRight": to_right,
        "eyeLookUpLeft": upwards,
        "eyeLookUpRight": upwards,
        "eyeLookDownLeft": downwards,
        "eyeLookDownRight": downwards,
    }
