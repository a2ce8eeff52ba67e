"""How loud the vowels and the hisses are, relative to the speaker's own level.

The recording's gain drops out: the loud syllables of the last and next seconds count as 1. Sound that stays
under REFERENCE_FLOOR is not amplified any further, so that a silent file with some noise stays silent.
See docs/model.md, "Sound to motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curves import ramp
from .features import FEATURE_RATE, QUIETEST, Features

VOWEL_BANDS = slice(
    2, 7
)  # 500 to 3000 Hz: strong in open vowels, weak behind closed lips, in hum and in hiss
HISS_BANDS = slice(6, 10)  # 2300 Hz and up
REFERENCE_FLOOR = -46.0  # dBFS of the vowel bands: speech of -40 dBFS in all
REFERENCE_WINDOW = 12.0  # s over which the speaker's level is taken; longer than any pause within a talk
QUIETER_SPEAKER = 12.0  # dB a passage may lie under the whole clip's level and still count as speech
RANGE = 26.0  # dB between a mouth at rest and a loud syllable
ABOVE_NOISE = 6.0  # dB the background noise must be exceeded by
HISS_RANGE = 24.0  # dB: a weak [f] lies some 20 dB under a sharp [s]
HISS_BELOW = 34.0  # dB under the vowels' level at which a hiss begins to show


@dataclass(frozen=True)
class Loudness:
    """vowel [n] 0..1, 1 = a loud syllable; hiss [n] 0..1, how much of a fricative is heard; sharpness [n]
    dB of the sound relative to the speaker's level; reference [n] dBFS, that level in the vowel bands."""

    vowel: np.ndarray
    hiss: np.ndarray
    sharpness: np.ndarray
    reference: np.ndarray


def measure(features: Features) -> Loudness:
    """Loudness of every row."""
    vowel_level = decibels(features.bands[:, VOWEL_BANDS])
    hiss_level = decibels(features.bands[:, HISS_BANDS])
    reference = _reference(vowel_level)
    noise = _noise(vowel_level, features)
    low = np.maximum(reference - RANGE, noise + ABOVE_NOISE)
    vowel = ramp(vowel_level, low, np.maximum(reference, low + RANGE / 2))
    share = ramp(10 ** ((hiss_level - decibels(features.bands)) / 10), 0.2, 0.6)
    hiss_low = np.maximum(reference - HISS_BELOW, _noise(hiss_level, features) + ABOVE_NOISE)
    hiss = share * ramp(hiss_level, hiss_low, hiss_low + HISS_RANGE)
    return Loudness(vowel * (1 - share), hiss, features.level - reference, reference)


def decibels(bands: np.ndarray) -> np.ndarray:
    """[n] level of the sum of [n, k] powers."""
    return 10 * np.log10(bands.sum(1) + QUIETEST)


def _reference(level: np.ndarray) -> np.ndarray:
    """[n] level of the loud syllables around each row."""
    half = round(REFERENCE_WINDOW / 2 * FEATURE_RATE)
    centres = np.arange(0, len(level) + FEATURE_RATE, FEATURE_RATE)
    local = [np.percentile(level[max(0, c - half) : c + half], 92) for c in centres]
    whole = np.percentile(level, 92)
    reference = np.interp(np.arange(len(level)), centres, np.maximum(local, whole - QUIETER_SPEAKER))
    return np.maximum(reference, REFERENCE_FLOOR)


def _noise(level: np.ndarray, features: Features) -> float:
    """The level of the background: of the quiet ones among the rows that are no voice."""
    quiet = level[~features.voiced]
    # With next to no such row there is no pause to hear the background in.
    return float(np.percentile(quiet, 10)) if len(quiet) > 0.03 * len(level) else -np.inf
