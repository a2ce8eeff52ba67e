"""When eyes blink, and how a lid moves.

Pauses between blinks are log-normal, as people's are; a blink that would come near the end of a phrase waits
for it or comes early. See docs/model.md, "Head motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio_to_motion.curves import ease

GAP = (1.15, 0.42)  # log-normal of the seconds from a blink to the next: location, scale
SHORTEST, LONGEST = 1.0, 9.0  # s
CLOSING, SHUT, OPENING = 0.09, 0.03, 0.15  # s
SPREAD = 0.12  # standard deviation of the durations, as a share
EARLY, LATE = 1.6, 1.3  # s by which the end of a phrase draws a blink back, and forward
DRAWN = 0.8  # share of blinks that follow
AFTER = (0.0, 0.25)  # s after the end of a phrase in which they come


@dataclass(frozen=True)
class Blink:
    """start in s; closing, shut, opening in s."""

    start: float
    closing: float
    shut: float
    opening: float


def blinks(
    seconds: float, rate: float, fps: float, phrase_ends: np.ndarray, stream: np.random.Generator
) -> list[Blink]:
    """The blinks of a clip, each shut for at least one frame. rate > 0: 1 is natural, 2 twice as often."""
    out: list[Blink] = []
    last, gap = 0.0, float(stream.uniform(0.8, 2.5)) / rate
    while last + gap < seconds:
        drawn, after, *vary = stream.uniform(size=2).tolist() + stream.standard_normal(2).tolist()
        start = last + gap
        near = phrase_ends[(phrase_ends > start - EARLY) & (phrase_ends < start + LATE)]
        near = near[near >= last + SHORTEST / rate]
        if len(near) and drawn < DRAWN:
            end = near[np.argmin(np.abs(near - start))]
            start = float(end) + AFTER[0] + (AFTER[1] - AFTER[0]) * after
        closing, opening = (
            length * float(np.exp(SPREAD * np.clip(v, -2, 2)))
            for length, v in zip((CLOSING, OPENING), vary, strict=True)
        )
        out.append(Blink(start, closing, max(SHUT, 1 / fps), opening))
        last = start
        gap = float(np.clip(stream.lognormal(*GAP), SHORTEST, LONGEST)) / rate
    return out


def lids(events: list[Blink], rows: np.ndarray) -> np.ndarray:
    """[n] 0..1, 1 = shut, at `rows` [n] s."""
    out = np.zeros(len(rows))
    for one in events:
        closed = one.start + one.closing
        opens = closed + one.shut
        first, stop = np.searchsorted(rows, (one.start, opens + one.opening))
        near = rows[first:stop]
        shape = ease(near, one.start, closed) * ease(near, opens + one.opening, opens)
        out[first:stop] = np.maximum(out[first:stop], shape)
    return out
