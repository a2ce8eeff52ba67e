"""Where the voice stresses a syllable, and where a phrase ends.

A syllable shows as a hill of loudness. It is stressed where it is louder, higher and longer than its
neighbours: the three acoustic marks of stress in English. Words are not known.
See docs/model.md, "Head motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio_to_motion.curves import runs, smooth
from ..audio_to_motion.features import FEATURE_RATE, QUIETEST, Features
from ..audio_to_motion.loudness import Loudness

SONORITY_BANDS = slice(2, 8)  # 500 to 4000 Hz: a vowel fills them all, [l], [r], [n] leave gaps
BLUR = 0.02  # s over which loudness is smoothed before hills are looked for
LOUD = 0.4  # of Loudness.vowel: lower hills are no syllables
VALLEY = 1.5  # dB between two hills that makes them two syllables
FOOT = 4.0  # dB under its top within which a hill is its vowel
NEIGHBOURS = 1.2  # s before and after within which a syllable is compared
WEIGHTS = (0.6, 0.35, 0.2)  # of loudness, pitch and length, each in standard deviations
STRESSED = 0.25  # prominence from which on a syllable counts as stressed
PAUSE = 0.2  # s of silence that end a phrase
TALK = 0.15  # of Loudness.vowel: above it somebody talks


@dataclass(frozen=True)
class Accent:
    """A stressed syllable: time of its middle in s, and its prominence (0.25 just so, 1 and more clearly)."""

    time: float
    prominence: float


@dataclass(frozen=True)
class Hill:
    """A syllable: top in dB, middle and length of its vowel in s, octaves above the neighbourhood's pitch."""

    middle: float
    top: float
    length: float
    octaves: float


def accents(features: Features, loudness: Loudness) -> list[Accent]:
    """Stressed syllables in order of time."""
    found = _hills(features, loudness)
    if len(found) < 3:  # nothing to compare with
        return []
    middles = np.array([hill.middle for hill in found])
    marks = np.array([[hill.top, hill.octaves, np.log(hill.length)] for hill in found])
    spread = marks.std(0) + 1e-6
    out = []
    for middle, mark in zip(middles, marks, strict=True):
        near = marks[np.abs(middles - middle) <= NEIGHBOURS]
        prominence = float(np.dot(WEIGHTS, (mark - near.mean(0)) / spread))
        if prominence >= STRESSED:
            out.append(Accent(float(middle), prominence))
    return out


def phrase_ends(loudness: Loudness) -> np.ndarray:
    """[n] s at which a voice falls silent for PAUSE or longer, or the sound ends."""
    gap = round(PAUSE * FEATURE_RATE)
    ends, talks = [], runs(smooth(loudness.vowel, 0.02) > TALK)
    for k, (_, stop) in enumerate(talks):
        if k + 1 == len(talks) or talks[k + 1][0] - stop >= gap:
            ends.append(stop / FEATURE_RATE)
    return np.array(ends)


def _hills(features: Features, loudness: Loudness) -> list[Hill]:
    """Every hill of loudness that is a voice."""
    # A mean of decibels, not of powers: one strong band is not enough to be a vowel.
    bands = 10 * np.log10(features.bands[:, SONORITY_BANDS] + QUIETEST)
    level = smooth(bands.mean(1), BLUR)
    tops = np.flatnonzero((level[1:-1] >= level[:-2]) & (level[1:-1] > level[2:])) + 1
    pitch = _octaves(features, loudness)
    separated = _separated(tops, level)
    out = []
    for k, top in enumerate(separated):
        if _vowel(loudness, top) < LOUD or not features.voiced[top]:
            continue
        first, last = _foot(level, top, separated[k - 1] if k else 0, (*separated, len(level) - 1)[k + 1])
        voiced = features.voiced[first : last + 1]
        octaves = float(pitch[first : last + 1][voiced].max())
        length = (last - first + 1) / FEATURE_RATE
        out.append(Hill((first + last) / 2 / FEATURE_RATE, float(level[top]), length, octaves))
    return out


def _foot(level: np.ndarray, top: int, before: int, after: int) -> tuple[int, int]:
    """First and last row around a hill's top that are no more than FOOT lower, up to the valleys to the tops
    before and after."""
    left = before + int(level[before : top + 1].argmin())
    right = top + int(level[top : after + 1].argmin())
    low = np.flatnonzero(level[left : right + 1] < level[top] - FOOT) + left
    first = int(low[low < top].max(initial=left - 1)) + 1
    last = int(low[low > top].min(initial=right + 1)) - 1
    return first, last


def _vowel(loudness: Loudness, row: int) -> float:
    """Loudness of the vowels around a row."""
    return float(loudness.vowel[max(0, row - 2) : row + 3].mean())


def _separated(tops: np.ndarray, level: np.ndarray) -> list[int]:
    """Of hills without a valley between them only the highest."""
    kept: list[int] = []
    for top in tops.tolist():
        if kept:
            valley = level[kept[-1] : top + 1].min()
            if min(level[kept[-1]], level[top]) - valley < VALLEY:
                if level[top] > level[kept[-1]]:
                    kept[-1] = top
                continue
        kept.append(top)
    return kept


def _octaves(features: Features, loudness: Loudness) -> np.ndarray:
    """[n] octaves above the speaker's usual pitch, leaps of the pitch finder cut off."""
    clear = features.voiced & (loudness.vowel > LOUD)
    if not clear.any():
        return np.zeros(len(features))
    octaves = np.clip(np.log2(features.pitch / np.median(features.pitch[clear])), -0.6, 0.6)
    weight = smooth(clear.astype(float), 0.03)
    return smooth(np.where(clear, octaves, 0.0), 0.03) / (weight + 0.05)
