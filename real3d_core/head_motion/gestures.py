"""Nods and brow raises on stressed syllables.

Which of the accents get one is drawn from the seed, the clearer ones more often. Both have their far end on
the middle of the syllable; a brow begins to rise earlier, as speakers' do.
See docs/model.md, "Head motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio_to_motion.curves import ease
from .accents import Accent


@dataclass(frozen=True)
class GestureKind:
    """chance: how likely a just stressed, and a clearly stressed syllable gets one; apart: s between two;
    size: least and greatest; there, hold, back: s each takes (there and back vary by a fifth)."""

    chance: tuple[float, float]
    apart: float
    size: tuple[float, float]
    there: float
    hold: float
    back: float


NOD = GestureKind(chance=(0.35, 0.95), apart=0.55, size=(1.0, 3.4), there=0.19, hold=0.02, back=0.36)
"""Size in degrees."""
RAISE = GestureKind(chance=(0.05, 0.75), apart=1.8, size=(0.4, 0.9), there=0.17, hold=0.06, back=0.32)
"""Size as a share of a full raise."""
CLEAR = 1.3  # prominence of a clearly stressed syllable


def gesture(
    kind: GestureKind, accents: list[Accent], stream: np.random.Generator, rows: np.ndarray
) -> np.ndarray:
    """[n] size at `rows` [n] s. Each accent draws the same numbers whether or not it gets a gesture, so that
    a longer sound begins like a shorter one."""
    curve, free = np.zeros(len(rows)), 0.0
    for accent in accents:
        drawn, size, pace = stream.uniform(size=3)
        clear = float(np.clip(accent.prominence / CLEAR, 0, 1))
        low, high = kind.chance
        if drawn > low + (high - low) * clear or accent.time < free:
            continue
        free = accent.time + kind.apart
        smallest, largest = kind.size
        peak = smallest + (largest - smallest) * (0.5 * size + 0.5 * clear)
        there, back = (seconds * (0.8 + 0.4 * pace) for seconds in (kind.there, kind.back))
        full, ends = accent.time - kind.hold / 2, accent.time + kind.hold / 2
        shape = ease(rows, full - there, full) * ease(rows, ends + back, ends)
        curve = np.maximum(curve, peak * shape)
    return curve
