"""Curves of a clip over time: gaps bridged, read at another rate, jitter taken out without lag.

Convention
    Curves are float64 [T, K]; a frame without a face is a row of NaN.

See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

import numpy as np

LONGEST_WINDOW = 0.44  # seconds, at the full strength of the filter


def at_rate(values: np.ndarray, times: np.ndarray, fps: float, seconds: float) -> np.ndarray:
    """[round(seconds * fps), K] the curves at 0, 1 / fps, ... by linear interpolation over what is known.

    values [T, K] at times [T] s, ascending; at least one row known. Before the first and after the last known
    row they hold.
    """
    known = np.isfinite(values).all(1)
    wanted = np.arange(max(1, round(seconds * fps))) / fps
    return np.stack([np.interp(wanted, times[known], curve[known]) for curve in values.T], 1)


def smooth(values: np.ndarray, fps: float, strength: float, share: float = 1.0) -> np.ndarray:
    """The curves through a Savitzky-Golay filter (second order): symmetric in time, so without lag.

    strength    0 (the input itself) .. 1 (a window of .44 s).
    share       of that window, for curves that need more or less of it.
    """
    half = round(strength * share * LONGEST_WINDOW * fps / 2)
    window = min(2 * half + 1, len(values) - (len(values) + 1) % 2)  # odd, and not longer than the clip
    if window < 5:  # a parabola through three frames is those frames
        return values
    from scipy.signal import savgol_filter

    return savgol_filter(values, window, 2, axis=0, mode="interp")
