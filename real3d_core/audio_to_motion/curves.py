"""Small tools for curves over time; rows are 1 / FEATURE_RATE seconds apart."""

from __future__ import annotations

import numpy as np

from .features import FEATURE_RATE


def smooth(curve: np.ndarray, seconds: float) -> np.ndarray:
    """[n] Gaussian of this standard deviation, without delay; the ends are continued."""
    sigma = seconds * FEATURE_RATE
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(curve, reach, mode="edge"), kernel / kernel.sum(), mode="valid")


def largest(curve: np.ndarray, seconds: float) -> np.ndarray:
    """[n] highest value within half of `seconds` on either side."""
    reach = round(seconds * FEATURE_RATE / 2)
    padded = np.pad(curve, reach, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(1)


def smallest(curve: np.ndarray, seconds: float) -> np.ndarray:
    """[n] lowest value within half of `seconds` on either side."""
    return -largest(-curve, seconds)


def ramp(value: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """0 at low, 1 at high, a straight line between, flat outside. high < low falls."""
    return np.clip((value - low) / (high - low), 0, 1)


def ease(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Like `ramp` with soft ends."""
    x = ramp(value, low, high)
    return x * x * (3 - 2 * x)


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """(first, one past the last) row of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def at_frames(curve: np.ndarray, frames: int, fps: float) -> np.ndarray:
    """[frames] the curve in the middle of each frame's time on screen."""
    times = (np.arange(frames) + 0.5) / fps
    return np.interp(times * FEATURE_RATE, np.arange(len(curve)), curve)
