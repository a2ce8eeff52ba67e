"""What can be heard of a mouth: loudness, voicing, noise share, formants, a hundred times a second.

Convention
    Row k of every array describes the sound around time k / FEATURE_RATE seconds (windows are centred).

Plain numpy: librosa's short-time transform and linear prediction are compiled when first used, which stalls
a fresh machine for half a minute.
See docs/model.md, "Sound to motion".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from ..streaming import no_check

RATE = 16_000  # Hz of the analysed sound: speech has little above 8 kHz that a mouth shows
HOP = 160
FEATURE_RATE = RATE // HOP
WINDOW = 400  # 25 ms: two periods of a low voice
VOICE_WINDOW = 640  # 40 ms: two and a half periods of the lowest voice looked for
LOWEST_VOICE, HIGHEST_VOICE = 65, 420  # Hz
BANDS = (80, 300, 500, 800, 1200, 1700, 2300, 3000, 4000, 5500, 7600)  # Hz, edges of `bands`
LPC_ORDER = 16  # two per expected resonance below 8 kHz
LPC_LEVEL = -65.0  # dBFS under which there is no point in looking for formants
VOICED = 0.5  # periodicity from which on a frame counts as voiced
QUIETEST = 1e-10  # power of -100 dBFS, the floor of every level
BLOCK = 2000  # rows analysed at once (20 s), so that the windows of a long sound are never all in memory


@dataclass(frozen=True)
class Features:
    """level [n] dBFS (0 = a full-scale square wave); bands [n, 10] power in each of BANDS; voicing [n]
    0..1, how periodic; pitch [n] Hz (of the best period, also where unvoiced); f1, f2 [n] Hz, the first two
    formants, NaN where none were found (unvoiced or silent rows)."""

    level: np.ndarray
    bands: np.ndarray
    voicing: np.ndarray
    pitch: np.ndarray
    f1: np.ndarray
    f2: np.ndarray

    def __len__(self) -> int:
        return len(self.level)

    @property
    def voiced(self) -> np.ndarray:
        """[n] bool: rows that are a voice."""
        return self.voicing > VOICED


def analyse(wave: np.ndarray, check: Callable[[], None] = no_check) -> Features:
    """Features of [samples] float32 at RATE; one row per HOP, the last at or after the end.

    check   called before each BLOCK; whatever it raises ends the work.
    """
    rows = -(-len(wave) // HOP) + 1
    margin = VOICE_WINDOW // 2
    padded = np.pad(wave.astype(np.float32), (margin, rows * HOP + margin - len(wave)))
    parts = []
    for first in range(0, rows, BLOCK):
        check()
        count = min(BLOCK, rows - first)
        parts.append(_analyse_block(padded[first * HOP : (first + count - 1) * HOP + VOICE_WINDOW]))
    return Features(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Features)})


def _analyse_block(padded: np.ndarray) -> Features:
    long = np.lib.stride_tricks.sliding_window_view(padded, VOICE_WINDOW)[::HOP]
    inset = (VOICE_WINDOW - WINDOW) // 2
    short = long[:, inset : inset + WINDOW]
    bands = _band_powers(short)
    level = 10 * np.log10(bands.sum(1) + QUIETEST)
    voicing, pitch = _periodicity(long)
    f1, f2 = np.full(len(level), np.nan), np.full(len(level), np.nan)
    wanted = np.flatnonzero((voicing > VOICED) & (level > LPC_LEVEL))
    if len(wanted):
        f1[wanted], f2[wanted] = _formants(short[wanted])
    return Features(level, bands, voicing, pitch, f1, f2)


def _band_powers(frames: np.ndarray) -> np.ndarray:
    """[n, bands] mean square of the samples, split over BANDS."""
    window = np.hanning(WINDOW + 1)[:-1]
    size = 512
    power = np.abs(np.fft.rfft(frames * window, size)) ** 2
    power *= 2 / (size * (window**2).sum())
    edges = np.ceil(np.array(BANDS) * size / RATE).astype(int)
    return np.add.reduceat(power, edges, axis=1)[:, :-1]


def _periodicity(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """([n] 0..1, [n] Hz): height and place of the highest peak of the normalised autocorrelation."""
    size = 2048
    window = np.hanning(VOICE_WINDOW)
    spectrum = np.fft.rfft((frames - frames.mean(1, keepdims=True)) * window, size)
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    # Periods are clearest below 900 Hz; rumble below 50 Hz would look like a period too.
    power = np.abs(spectrum) ** 2 * ((hertz > 50) & (hertz < 900))
    lags = np.fft.irfft(power, size)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, size)) ** 2, size)
    shortest, longest = RATE // HIGHEST_VOICE, RATE // LOWEST_VOICE
    scaled = lags[:, shortest : longest + 1] / own[shortest : longest + 1] * own[0]
    peak = scaled.argmax(1)
    height = scaled[np.arange(len(peak)), peak] / np.maximum(lags[:, 0], QUIETEST)
    return np.clip(height, 0, 1), RATE / (shortest + peak)


def _formants(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """([n], [n]) Hz of the first two resonances of linear prediction; NaN where there are not two."""
    emphasised = np.diff(frames, axis=1, prepend=frames[:, :1]) + 0.03 * frames
    windowed = emphasised * np.hamming(frames.shape[1])
    power = np.abs(np.fft.rfft(windowed, 1024)) ** 2
    correlation = np.fft.irfft(power, 1024)[:, : LPC_ORDER + 1]
    # A little white noise (-50 dB) keeps the recursion stable where a band is empty.
    correlation[:, 0] = correlation[:, 0] * 1.00001 + QUIETEST
    companion = np.zeros((len(frames), LPC_ORDER, LPC_ORDER))
    companion[:, 0] = -levinson(correlation)
    companion[:, np.arange(1, LPC_ORDER), np.arange(LPC_ORDER - 1)] = 1
    roots = np.linalg.eigvals(companion)
    hertz = np.angle(roots) * RATE / (2 * np.pi)
    width = -np.log(np.abs(roots) + 1e-12) * RATE / np.pi
    usable = (hertz > 180) & (hertz < 3600) & (width < 500)
    ordered = np.sort(np.where(usable, hertz, np.inf), axis=1)[:, :2]
    ordered[~np.isfinite(ordered).all(1)] = np.nan
    return ordered[:, 0], ordered[:, 1]


def levinson(correlation: np.ndarray) -> np.ndarray:
    """[n, p] predictor polynomials (without the leading 1) of n autocorrelations [n, p + 1], all at once."""
    count, order = correlation.shape[0], correlation.shape[1] - 1
    polynomial = np.zeros((count, order + 1))
    polynomial[:, 0] = 1
    error = correlation[:, 0].copy()
    for i in range(1, order + 1):
        reflection = -(polynomial[:, :i] * correlation[:, i:0:-1]).sum(1) / error
        polynomial[:, 1 : i + 1] += reflection[:, None] * polynomial[:, i - 1 :: -1][:, :i]
        error *= 1 - reflection**2
    return polynomial[:, 1:]
