"""Timecodes of Live Link Face: HH:MM:SS:FF.sss, FF frames of a nominal rate, sss thousandths of a frame."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from ..errors import MotionError

RATES = (24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
"""Nominal rates: frames that a second of a timecode counts."""
APP_RATE = 60  # what the app records at if nothing in the file says otherwise
_DAY = 86_400.0
_TIMECODE = re.compile(r"\s*(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d{1,9})?)\s*", re.ASCII)


@dataclass(frozen=True)
class Clock:
    """When the rows of a file were taken.

    seconds     [n] since the first, increasing.
    fps         frames per second.
    """

    seconds: np.ndarray
    fps: float


def timecodes(frames: int, fps: float) -> list[str]:
    """Timecodes of `frames` frames. The first is the last of its second: two rows tell the rate."""
    rate = nominal_rate(fps)
    codes = []
    for index in range(frames):
        thousandths = round((rate - 1 + index * rate / fps) * 1000)
        second, frame = divmod(thousandths, rate * 1000)
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        codes.append(f"{hour % 24:02}:{minute:02}:{second:02}:{frame // 1000:02}.{frame % 1000:03}")
    return codes


def nominal_rate(fps: float) -> int:
    """The lowest usual rate that is not below `fps`."""
    return next((rate for rate in RATES if rate >= fps), math.ceil(fps))


def clock_of(codes: list[str], name: str) -> Clock:
    """What the timecodes of the file `name` say. Raises MotionError if they say nothing usable."""
    second, frame = np.empty(len(codes)), np.empty(len(codes))
    for index, code in enumerate(codes):
        match = _TIMECODE.fullmatch(code)
        if match is None:
            raise MotionError(
                f"Row {index + 1} of {name} has the timecode {code[:40]!r} where one such as 10:20:30:59.123"
                " is needed; export the take anew."
            )
        second[index] = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
        frame[index] = float(match[4])
    rate = _rate_of(second, frame)
    seconds = second + frame / rate
    step = np.diff(seconds)
    seconds = seconds + np.concatenate([[0.0], np.cumsum(np.where(step < -_DAY / 2, _DAY, 0.0))])
    step = np.diff(seconds)
    if not (step > 0).all():
        row = int(np.argmin(step > 0)) + 2
        raise MotionError(
            f"The timecode of row {row} of {name} is not after the one before it; sort the rows, or give the"
            " frame rate."
        )
    if len(codes) == 1:
        return Clock(np.zeros(1), float(rate))
    seconds = seconds - seconds[0]
    return Clock(seconds, _usual(1 / float(np.median(step)), float(seconds[-1]), len(seconds)))


def _rate_of(second: np.ndarray, frame: np.ndarray) -> int:
    """The nominal rate: one more than the highest frame number, if a second has ended meanwhile."""
    counted = int(frame.max()) + 1
    if len(frame) > 1 and second[0] == second[-1]:
        return max(APP_RATE, nominal_rate(counted))
    nearest = nominal_rate(counted)
    return nearest if nearest - counted <= 2 or len(frame) == 1 else counted


def _usual(typical: float, length: float, rows: int) -> float:
    """The frame rate, a usual number if the clip cannot tell it from one.

    From first to last row, unless rows are missing; then from the typical step.
    """
    mean = (rows - 1) / length
    fps = mean if abs(mean / typical - 1) < 0.02 else typical
    for usual in (*map(float, range(1, 241)), 24_000 / 1001, 30_000 / 1001, 60_000 / 1001):
        # A row is known to half a thousandth of a frame; over the clip this is what the rate can be off.
        if abs(fps - usual) <= max(1e-3 * usual / (rows - 1), 1e-9 * usual):
            return usual
    return fps
