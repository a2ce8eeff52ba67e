"""Finds where the lips meet: [m], [b] and [p] are short gaps between vowels that end softly.

A closed mouth passes nothing of the vowel bands, whether it hums ([m], [b]) or is silent ([p]); but nor do
the closures that the tongue makes ([n], [d], [t], [k], [g]). Lips stay closed longer and open without a hiss,
and that tells them apart in about four of five cases (see LIPS). A missed contact of the lips looks worse
than one too many, so doubtful gaps count in part.
See docs/model.md, "Sound to motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curves import largest, runs
from .features import FEATURE_RATE, QUIETEST, Features
from .loudness import VOWEL_BANDS, Loudness, decibels

AROUND = 0.24  # s in which the vowel beside a gap must lie
DEPTH = 11.0  # dB the vowel bands must fall by
HISSING = 0.2  # from this loudness of a hiss on, the mouth is not shut: [f] and [s] are no gaps
SHORTEST, LONGEST = 0.02, 0.22  # s; longer gaps are pauses, in which the mouth rests anyway
VOWEL_AFTER = 0.35  # loudness that must follow within VOWEL_WITHIN rows, else a gap is the end of a phrase
VOWEL_WITHIN = 6
TONGUE = 0.15  # how far the lips come together for a gap that the tongue makes
LIPS = (-0.815, -0.009, -0.0357, 0.0156, 5.08)
"""Constant and weights of hum, burst, rise (dB) and length (s) in the sureness of a gap (see `_sureness`).

Least squares over 800 gaps of 64 sentences spoken by four synthetic voices; a voice left out of the fit has
80 of 100 pairs of a lip gap and a tongue gap in the right order."""
EVEN, SLOPE = -0.3, 0.1  # sureness at which a gap counts half, and the steepness there


@dataclass(frozen=True)
class Closure:
    """Rows first..stop of a gap, and how surely the lips make it, 0..1."""

    first: int
    stop: int
    lips: float


def find_closures(features: Features, loudness: Loudness) -> list[Closure]:
    """The gaps of a clip in order."""
    level = decibels(features.bands[:, VOWEL_BANDS])
    depth = largest(level, AROUND) - level
    found = [
        (first, stop)
        for first, stop in runs((depth > DEPTH) & (loudness.hiss < HISSING))
        if SHORTEST * FEATURE_RATE <= stop - first <= LONGEST * FEATURE_RATE
        and loudness.vowel[stop : stop + VOWEL_WITHIN].max(initial=0) > VOWEL_AFTER
    ]
    if not found:
        return []
    spectrum = 10 * np.log10(features.bands + QUIETEST)
    spectrum -= np.median(spectrum[loudness.vowel > VOWEL_AFTER], axis=0)  # the microphone drops out
    return [Closure(first, stop, _sureness(spectrum, first, stop)) for first, stop in found]


def _sureness(spectrum: np.ndarray, first: int, stop: int) -> float:
    """0..1 from what is heard in the gap, at its release and just after."""
    inside = spectrum[first + 1 : max(stop - 2, first + 2)].mean(0)
    release = spectrum[max(0, stop - 2) : stop + 1].mean(0)
    after = spectrum[min(stop + 1, len(spectrum) - 1) : stop + 4].mean(0)
    evidence = (
        1.0,
        inside[:2].mean() - after[:2].mean(),  # hum: how much of the low voice goes on
        release[7:].mean() - after[VOWEL_BANDS].mean(),  # burst: hiss of the release
        release.mean() - after.mean(),  # rise: how suddenly the vowel is there
        (stop - first) / FEATURE_RATE,
    )
    return float(1 / (1 + np.exp((EVEN - np.dot(LIPS, evidence)) / SLOPE)))


def closure_curve(closures: list[Closure], rows: int) -> np.ndarray:
    """[rows] 0..1: how far the lips are brought together in gaps, as boxes."""
    curve = np.zeros(rows)
    for closure in closures:
        strength = TONGUE + (1 - TONGUE) * closure.lips
        curve[closure.first : closure.stop] = np.maximum(curve[closure.first : closure.stop], strength)
    return curve
