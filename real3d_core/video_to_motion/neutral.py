"""The clip's own neutral face: the mean of its calmest frames.

See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .reading import Reading, signed_weights

CALM_SHARE = 0.1  # of the frames make the neutral face
FEWEST_CALM = 3
LIDS_DRAW_BROWS = 0.7  # of brows' weights: so much lids that close seem to draw them down


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

    def unrest(self) -> np.ndarray:
        """[T] distance from rest, as a share of the measure's spread."""
        low, rest, high = np.percentile(self.values, [5, self.rest, 95])
        return self.importance * np.abs(self.values - rest) / max(high - low, self.least)


def calm_frames(reading: Reading, euler: np.ndarray, parted: np.ndarray) -> np.ndarray:
    """Indices of the calmest frames.

    reading     of the clip's frames against its middle face. Only differences count.
    euler       [T, 3] rad.
    parted      [T] cm that the lips are seen apart: lips that smile seem to close a mouth to the map.
    At rest nothing is raised, opened or closed; the mouth is as wide, and the head is turned, as in the
    middle of the clip.
    """
    weights = signed_weights(reading)

    def pair(name: str) -> np.ndarray:
        return (weights[f"{name}Left"] + weights[f"{name}Right"]) / 2

    blink = (reading["eyeBlinkLeft"] + reading["eyeBlinkRight"]) / 2
    brows = weights["browInnerUp"] + pair("browOuterUp") - pair("browDown")
    measures = [
        Activity(parted, 10, 0.5, 3),
        Activity(brows + LIDS_DRAW_BROWS * blink, 15, 0.4, 1.5),
        Activity(pair("mouthSmile"), 15, 0.1, 1),
        Activity(pair("mouthStretch") - weights["mouthPucker"], 50, 0.4, 1),
        Activity(blink, 15, 0.3, 3),
        *(Activity(angle, 50, np.radians(6), 2) for angle in euler.T),
    ]
    unrest = np.sum([measure.unrest() for measure in measures], 0)
    count = max(FEWEST_CALM, round(CALM_SHARE * len(unrest)))
    return np.argsort(unrest, kind="stable")[:count]
