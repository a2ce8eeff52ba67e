"""Where the eyes look: at the viewer, with small jumps between the viewer's features; away for a moment, in
one or two saccades; and back.

See docs/model.md, "Head motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VIEWER, AWAY = (0.55, 0.45), (-0.45, 0.4)  # log-normal seconds of a fixation: location, scale
SHORTEST = 0.18  # s, the least time between two saccades
STAYS_TALKING, STAYS_LISTENING = 0.35, 0.62  # chance that a look at the viewer is followed by another
COMES_BACK = 0.75  # chance that a look away is followed by one at the viewer
FEATURES = (1.0, 0.7)  # degrees (across, along): how far apart what is looked at in the viewer's face lies
NEAREST, MEAN, FARTHEST = 2.5, 4.5, 14.0  # degrees of a look away: least, mean above it, most
FLAT = 0.55  # up and down as a share of across
BASE, SLOPE = 0.021, 0.0022  # s, s per degree: how long a saccade lasts


@dataclass(frozen=True)
class Gaze:
    """right, down [n] degrees of the eyes' turn, to the image's right and downwards."""

    right: np.ndarray
    down: np.ndarray


@dataclass(frozen=True)
class Draw:
    """The random numbers of a fixation, as many wherever it is: chance 0..1; angle in rad; far exponential;
    jump [2] and pause, normal, cut off at 2."""

    chance: float
    angle: float
    far: float
    jump: np.ndarray
    pause: float

    @staticmethod
    def of(stream: np.random.Generator) -> Draw:
        normal = np.clip(stream.standard_normal(3), -2, 2)
        angle, far = stream.uniform(0, 2 * np.pi), stream.exponential()
        return Draw(float(stream.uniform()), float(angle), float(far), normal[:2], float(normal[2]))


def glances(rows: np.ndarray, talking: np.ndarray, stream: np.random.Generator) -> Gaze:
    """Fixations and saccades at `rows` [n] s, evenly spaced from 0. talking [n] 0..1 sends the eyes away."""
    out, now = np.zeros((2, len(rows))), np.zeros(2)
    first, start, at_viewer = 0, 0.0, True
    while first < len(rows):
        draw = Draw.of(stream)
        stay = STAYS_LISTENING + (STAYS_TALKING - STAYS_LISTENING) * float(talking[first])
        at_viewer = draw.chance < (stay if at_viewer else COMES_BACK)
        if at_viewer:
            target = np.asarray(FEATURES) * draw.jump
        else:
            reach = min(NEAREST + MEAN * draw.far, FARTHEST)
            target = reach * np.array([np.cos(draw.angle), FLAT * np.sin(draw.angle)])
        lasts = BASE + SLOPE * float(np.hypot(*(target - now)))
        location, scale = VIEWER if at_viewer else AWAY
        stop_time = start + max(SHORTEST, lasts, float(np.exp(location + scale * draw.pause)))
        stop = int(np.searchsorted(rows, stop_time))
        share = np.clip((rows[first:stop] - start) / lasts, 0, 1)
        smooth = share**3 * (10 - 15 * share + 6 * share**2)  # of least jerk
        out[:, first:stop] = now[:, None] + (target - now)[:, None] * smooth
        now, first, start = target, stop, stop_time
    return Gaze(out[0], out[1])
