"""The pitch of a voice by autocorrelation and a best path, as the speech network was trained with it.

The method is P. Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17 (1993), with the costs that Praat uses.
See docs/model.md, "Audio-to-Motion network".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..streaming import no_check

RATE = 16_000  # Hz
STEP = 320  # samples from one row to the next
FLOOR, CEILING = 80.0, 750.0  # Hz
WINDOW = round(3 * RATE / FLOOR)  # samples: three periods of the lowest pitch
SILENCE, VOICING = 0.03, 0.6  # share of the loudest peak under which, and periodicity under which, no voice
OCTAVE_COST = 0.01  # strength that a pitch loses for each octave that it is below CEILING
OCTAVE_JUMP_COST, VOICED_UNVOICED_COST = 0.35, 0.14  # for steps of 10 ms
STEP_SHARE = 0.01 * RATE / STEP  # what is left of these costs at our longer steps
CANDIDATES = 15  # for each row: unvoiced and up to 14 pitches
FINER = 4  # lags are looked at this many times as densely as samples
BLOCK = 2000  # rows analysed at once (40 s)


@dataclass(frozen=True)
class _Candidates:
    """hertz [n, 15], 0 = unvoiced (column 0) and strength [n, 15], -inf where there is none."""

    hertz: np.ndarray
    strength: np.ndarray


def pitch_contour(wave: np.ndarray, rows: int, check: Callable[[], None] = no_check) -> np.ndarray:
    """[rows] float32 Hz, 0 where unvoiced, of [n] samples at 16 kHz; row k is at sample 320 (k + 1).

    rows    the contour is cut to this length, or zeros follow.
    check   called before each 40 s; whatever it raises ends the work.
    """
    contour = np.zeros(rows, np.float32)
    count = min(rows, -(-len(wave) // STEP) - 1)
    if count < 1:
        return contour
    wave = np.pad(wave.astype(np.float64) - wave.mean(dtype=np.float64), (0, -len(wave) % STEP))
    loudest = np.abs(wave).max()
    if loudest == 0:
        return contour
    blocks = []
    for first in range(0, count, BLOCK):
        check()
        start = (first + 1) * STEP - WINDOW // 2
        stop = start + (min(BLOCK, count - first) - 1) * STEP + WINDOW
        blocks.append(
            _candidates(np.lib.stride_tricks.sliding_window_view(wave[start:stop], WINDOW)[::STEP], loudest)
        )
    contour[:count] = _best_path(
        _Candidates(
            np.concatenate([block.hertz for block in blocks]),
            np.concatenate([block.strength for block in blocks]),
        )
    )
    return contour


def _candidates(frames: np.ndarray, loudest: float) -> _Candidates:
    middle, period = WINDOW // 2, WINDOW // 3
    frames = frames - frames[:, middle - period : middle + period].mean(1, keepdims=True)
    frames = frames * np.hanning(WINDOW + 2)[1:-1]
    curve = _periodicity(frames)
    lags = np.arange(1, curve.shape[1] - 1) / FINER  # samples
    inner = curve[:, 1:-1]
    peak = (inner > curve[:, :-2]) & (inner >= curve[:, 2:]) & (inner > 0) & (lags >= RATE / CEILING)
    ranked = np.where(peak, inner - OCTAVE_COST * np.log2(lags * CEILING / RATE), -np.inf)
    best = np.argpartition(-ranked, CANDIDATES - 2, axis=1)[:, : CANDIDATES - 1]
    row = np.arange(len(frames))[:, None]
    before, here, after = curve[row, best], curve[row, best + 1], curve[row, best + 2]
    slope, bend = (after - before) / 2, np.minimum(before - 2 * here + after, -1e-12)
    shift = np.clip(-slope / bend, -0.5, 0.5)  # of the top of the parabola through the three
    level = np.abs(frames[:, middle - period // 2 : middle + period // 2]).max(1) / loudest
    unvoiced = VOICING + np.maximum(0, 2 - level * (1 + VOICING) / SILENCE)
    return _Candidates(
        np.concatenate([np.zeros((len(frames), 1)), RATE * FINER / (best + 1 + shift)], 1),
        np.concatenate([unvoiced[:, None], ranked[row, best] + 0.5 * slope * shift], 1),
    )


def _periodicity(frames: np.ndarray) -> np.ndarray:
    """[n, lags * FINER] autocorrelation of windowed frames, 1 at lag 0, freed from the window's own."""
    size = 1024
    lags = (round(RATE / FLOOR) + 2) * FINER
    window = np.hanning(WINDOW + 2)[1:-1]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, size)) ** 2, size * FINER)[:lags]
    found = np.fft.irfft(np.abs(np.fft.rfft(frames, size)) ** 2, size * FINER)[:, :lags]
    return found / np.maximum(found[:, :1], 1e-30) * own[0] / own


def _best_path(candidates: _Candidates) -> np.ndarray:
    """[n] Hz: the sequence of candidates with the most strength and the least jumping."""
    hertz, strength = candidates.hertz, candidates.strength
    octave = np.log2(np.where(hertz > 0, hertz, 1))
    score, came_from = strength[0], np.zeros(hertz.shape, np.int8)
    for i in range(1, len(hertz)):
        jump = OCTAVE_JUMP_COST * np.abs(octave[i - 1][:, None] - octave[i])
        jump[0], jump[:, 0], jump[0, 0] = VOICED_UNVOICED_COST, VOICED_UNVOICED_COST, 0
        total = score[:, None] - STEP_SHARE * jump
        came_from[i] = total.argmax(0)
        score = total.max(0) + strength[i]
    path = np.zeros(len(hertz), int)
    path[-1] = score.argmax()
    for i in range(len(hertz) - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return hertz[np.arange(len(hertz)), path]
