"""The clip's own neutral face: the mean of its calmest frames.

See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..face_model import topology as t

CALM_SHARE = 0.1  # of the frames make the neutral face
FEWEST_CALM = 3


@dataclass(frozen=True)
class Activity:
    """One measure of the face that tells calm frames.

    values      [T].
    rest        the percentile of the clip at which the face rests.
    least       spread, in the measure's unit, below which nothing has happened.
    importance  of this measure against the others.
    """

    values: np.ndarray
    rest: float
    least: float
    importance: float = 1.0


def eye_openings(faces: np.ndarray) -> np.ndarray:
    """[T, 2] opening of the right and the left eye, as a share of its width, of faces [T, 468, 3]."""
    return np.stack([_opening(faces, t.RIGHT_EYE), _opening(faces, t.LEFT_EYE)], 1)


def _opening(faces: np.ndarray, slit: t.Slit) -> np.ndarray:
    gaps = faces[:, list(slit.upper[2:-2]), 1] - faces[:, list(slit.lower[2:-2]), 1]
    ends = faces[:, [slit.upper[0], slit.upper[-1]]]
    return gaps.mean(1) / np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)


def calm_frames(faces: np.ndarray, euler: np.ndarray) -> np.ndarray:
    """Indices of the calmest frames.

    faces [T, 468, 3] free of the pose, cm; euler [T, 3] rad. At rest the lips are near, brows and corners of
    the mouth low, the eyes open; the head is turned as in the middle of the clip.
    """
    y, x = faces[..., 1], faces[..., 0]
    brows = y[:, [*t.RIGHT_BROW, *t.LEFT_BROW]].mean(1)
    corners = y[:, [61, 291]].mean(1)
    measures = [
        Activity(y[:, 13] - y[:, 14], 10, 0.2, 3),
        Activity(brows, 15, 0.2, 0.5),
        Activity(corners, 15, 0.08, 0.5),
        Activity(x[:, 291] - x[:, 61], 35, 0.2, 0.5),
        *(Activity(opening, 80, 0.08, 3) for opening in eye_openings(faces).T),
        *(Activity(angle, 50, np.radians(6), 2) for angle in euler.T),
    ]
    unrest = np.zeros(len(faces))
    for measure in measures:
        rest = np.percentile(measure.values, measure.rest)
        spread = np.percentile(measure.values, 95) - np.percentile(measure.values, 5)
        unrest += measure.importance * np.abs(measure.values - rest) / max(spread, measure.least)
    count = max(FEWEST_CALM, round(CALM_SHARE * len(faces)))
    return np.argsort(unrest, kind="stable")[:count]
