"""What the sound of a vowel says about the mouth: how open, how rounded, how spread.

Opening the jaw raises the first formant; the tongue at the front raises the second and strengthens everything
above; rounding the lips lowers and dulls them. Measures are taken relative to the speaker: vocal tracts
differ by a third in length, and microphones colour the sound.
See docs/model.md, "Sound to motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curves import ease, ramp
from .features import Features
from .loudness import Loudness, decibels

CLEAR = 0.45  # loudness of the rows from which the speaker's ways are learnt
ENOUGH = 150  # such rows (1.5 s) count as much as what is known of speakers in general
CLOSED_F1, OPEN_F1 = 320.0, 720.0  # Hz of [i] and [a], adult male
BACK_F2, MIDDLE_F2, FRONT_F2 = 850.0, 1400.0, 2150.0  # Hz of [u], [@] and [i]
CLOSED_TILT, OPEN_TILT = -24.0, 0.0  # dB, 500-1200 Hz against 80-500 Hz, of [i] and [a]
BRIGHTNESS = -23.0  # dB, 1700-4000 Hz against all, of a neutral vowel
MALE_PITCH, TRACT_BY_PITCH = (
    120.0,
    0.28,
)  # Hz; power of the pitch by which formants grow (women 1.16, children 1.3)


@dataclass(frozen=True)
class Vowels:
    """open, round, spread [n] 0..1, meaningful in voiced rows."""

    open: np.ndarray
    round: np.ndarray
    spread: np.ndarray


def read_vowels(features: Features, loudness: Loudness) -> Vowels:
    """The mouth's shape by row."""
    everything = decibels(features.bands)
    tilt = decibels(features.bands[:, 2:4]) - decibels(features.bands[:, 0:2])
    bright = decibels(features.bands[:, 5:8]) - everything
    clear = (loudness.vowel > CLEAR) & features.voiced
    tract = _tract(features, clear)

    closed_tilt, open_tilt = _range(tilt[clear], CLOSED_TILT, OPEN_TILT, least=12)
    closed_f1, open_f1 = _range(_finite(features.f1[clear]), CLOSED_F1 * tract, OPEN_F1 * tract, least=250)
    by_tilt = ramp(tilt, closed_tilt, open_tilt)
    by_f1 = ramp(features.f1, closed_f1, open_f1)
    opened = np.where(np.isnan(by_f1), by_tilt, 0.6 * by_tilt + 0.4 * np.nan_to_num(by_f1))

    neutral = _shrunk(np.median(bright[clear]) if clear.any() else BRIGHTNESS, BRIGHTNESS, clear.sum())
    f2 = np.nan_to_num(features.f2, nan=MIDDLE_F2 * tract)
    dull = ramp(bright, neutral - 2, neutral - 10)
    back = ramp(f2, MIDDLE_F2 * tract, BACK_F2 * tract)
    rounded = (1 - (1 - 0.85 * back) * (1 - 0.85 * dull)) * (1 - 0.8 * ease(opened, 0.5, 1.0))
    front = ramp(f2, MIDDLE_F2 * 1.15 * tract, FRONT_F2 * tract) * ramp(bright, neutral - 9, neutral - 2)
    return Vowels(opened, rounded, front * (1 - rounded) * (1 - 0.6 * opened))


def _tract(features: Features, clear: np.ndarray) -> float:
    """Formant scale of the speaker: 1 for a man of average size."""
    if not clear.any():
        return 1.0
    by_pitch = (np.median(features.pitch[clear]) / MALE_PITCH) ** TRACT_BY_PITCH
    return float(np.clip(by_pitch, 0.95, 1.35))


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _shrunk(measured: float, known: float, rows: int) -> float:
    """Between what was measured on a few rows and what is known in general."""
    return float((rows * measured + ENOUGH * known) / (rows + ENOUGH))


def _range(values: np.ndarray, low: float, high: float, least: float) -> tuple[float, float]:
    """The speaker's range (10th to 90th percentile), at least this wide."""
    if len(values):
        low = _shrunk(float(np.percentile(values, 10)), low, len(values))
        high = _shrunk(float(np.percentile(values, 90)), high, len(values))
    return low, max(high, low + least)
