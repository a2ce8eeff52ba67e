"""Kinds of speech sounds, heard by a small convolutional network, a hundred times a second.

Formulas hear how loud and how bright a sound is, but not what tells [m] from [n]. The network (phones.npz,
80 kB, made by tools/train_phones.py from synthetic speech whose segments are known) tells how likely each row
belongs to each KIND. It runs in numpy, in a few milliseconds for each second of sound.

See docs/model.md, "Sound to motion".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..streaming import no_check
from .curves import largest
from .features import BLOCK, FEATURE_RATE, HOP, RATE, WINDOW

KINDS = ("silence", "contact", "lip_teeth", "round", "spread", "open", "vowel", "hiss", "tongue")
"""contact: m b p; lip_teeth: f v; round: vowels and w; spread: iy ih ey y; open: aa ae ah aw ay ao; vowel:
the others; hiss: s z sh ...; tongue: the other consonants."""

MELS = 24
MEL_RANGE = (60.0, 7600.0)  # Hz
FLOOR = -105.0  # dBFS in a band, below which nothing is heard
DEEPEST = 60.0  # dB under the speaker's level that still count
REFERENCE_SECONDS = 6.0  # over which the speaker's level is taken
STEADY_SECONDS = 0.04  # a click is no speaker
QUIET_SPEAKER = -65.0  # dBFS in the loudest band: sound below is not brought to a speaker's level
DILATIONS = (1, 2, 4, 8)  # of the convolutions with TAPS each: 30 rows to either side are heard
TAPS = 5


@dataclass(frozen=True)
class Phones:
    """likelihood [n, 9] of each of KINDS, rows as in Features; each row adds up to 1."""

    likelihood: np.ndarray

    def __getitem__(self, kind: str) -> np.ndarray:
        """[n] of one kind."""
        return self.likelihood[:, KINDS.index(kind)]


def hear(wave: np.ndarray, check: Callable[[], None] = no_check) -> Phones:
    """Kinds of [samples] float32 at RATE; one row per HOP, as many as `analyse` gives."""
    return Phones(likelihoods(spectrum(wave, check), weights()))


def spectrum(wave: np.ndarray, check: Callable[[], None] = no_check) -> np.ndarray:
    """[n, MELS] 0..1: level of each band below the speaker's own, 0 = DEEPEST dB under it or less."""
    rows, margin = -(-len(wave) // HOP) + 1, WINDOW // 2
    padded = np.pad(wave.astype(np.float32), (margin, rows * HOP + margin - len(wave)))
    window, filters = np.hanning(WINDOW + 1)[:-1], mel_filters()
    parts = []
    for first in range(0, rows, BLOCK):
        check()
        count = min(BLOCK, rows - first)
        part = padded[first * HOP : (first + count - 1) * HOP + WINDOW]
        frames = np.lib.stride_tricks.sliding_window_view(part, WINDOW)[::HOP]
        power = np.abs(np.fft.rfft(frames * window, 512)) ** 2 * (2 / (512 * (window**2).sum()))
        parts.append(10 * np.log10(power @ filters + 1e-12))
    levels = np.maximum(np.concatenate(parts), FLOOR)
    return ((levels - _reference(levels.max(1))[:, None] + DEEPEST) / DEEPEST).clip(0, 1.2).astype(np.float32)


def _reference(level: np.ndarray) -> np.ndarray:
    """[n] dBFS: the speaker's level in the seconds around, not below QUIET_SPEAKER."""
    loudest = largest(_mean(level, STEADY_SECONDS), REFERENCE_SECONDS)
    return np.maximum(_mean(loudest, REFERENCE_SECONDS / 4), QUIET_SPEAKER)


def _mean(curve: np.ndarray, seconds: float) -> np.ndarray:
    """[n] mean within half of `seconds` on either side; the ends are continued."""
    reach = round(seconds * FEATURE_RATE / 2)
    padded = np.pad(curve, reach, mode="edge")
    return np.convolve(padded, np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid")


@cache
def mel_filters() -> np.ndarray:
    """[257, MELS] triangles, evenly spaced in mel."""
    low, high = (1127 * np.log1p(f / 700) for f in MEL_RANGE)
    edges = 700 * np.expm1(np.linspace(low, high, MELS + 2) / 1127)
    hertz = np.linspace(0, RATE / 2, 257)[:, None]
    rise = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.minimum(rise, fall).clip(min=0)


@cache
def weights() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """(weight [taps * inputs, outputs], bias [outputs]) of each layer of phones.npz."""
    with np.load(Path(__file__).with_name("phones.npz")) as data:
        arrays = {name: data[name].astype(np.float32) for name in data.files}
    return tuple((arrays[f"weight{i}"], arrays[f"bias{i}"]) for i in range(len(arrays) // 2))


def likelihoods(levels: np.ndarray, layers: tuple[tuple[np.ndarray, np.ndarray], ...]) -> np.ndarray:
    """[n, 9] softmax of the network: dilated convolutions with ReLU, then a linear layer."""
    rows = levels
    for (weight, bias), dilation in zip(layers[:-1], DILATIONS, strict=True):
        reach = TAPS // 2 * dilation
        padded = np.pad(rows, ((reach, reach), (0, 0)))
        taps = [padded[k * dilation : k * dilation + len(rows)] for k in range(TAPS)]
        rows = np.maximum(np.concatenate(taps, 1) @ weight + bias, 0)
    scores = rows @ layers[-1][0] + layers[-1][1]
    scores = np.exp(scores - scores.max(1, keepdims=True))
    return scores / scores.sum(1, keepdims=True)
