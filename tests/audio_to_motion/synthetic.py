"""Speech made by formula: pulses or noise through resonators, so that what was "said" is known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from real3d_core.audio_to_motion import AudioToMotionSettings, audio_to_motion
from real3d_core.model import Model
from real3d_core.video.decoder import read_audio
from real3d_core.wires import Audio

RATE = 16000
FORMANTS = {  # Hz, adult male
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (450, 800, 2400),
    "u": (300, 870, 2240),
}
WIDTHS = (60, 90, 120, 200, 250)


def resonate(source, formants):
    """Cascade of two-pole resonators; formants [n, k] Hz may move from sample to sample."""
    out = source.astype(np.float64)
    for k, width in enumerate(WIDTHS[: formants.shape[1]]):
        radius = np.exp(-np.pi * width / RATE)
        b = 2 * radius * np.cos(2 * np.pi * formants[:, k] / RATE)
        gain = 1 - b + radius**2
        previous = before = 0.0
        result = np.empty_like(out)
        for n in range(len(out)):
            value = gain[n] * out[n] + b[n] * previous - radius**2 * before
            result[n] = value
            previous, before = value, previous
        out = result
    return out


def vowel(name, seconds, pitch=120.0, glide_from=None, onset=0.008):
    """A vowel of -14 dBFS; its resonances start from glide_from (Hz) and arrive within 50 ms."""
    n = int(seconds * RATE)
    phase = np.cumsum(np.full(n, pitch / RATE) * (1 + 0.03 * np.sin(2 * np.pi * 3 * np.arange(n) / RATE)))
    source = np.diff(np.floor(phase), prepend=0.0)
    for _ in range(2):  # the glottis falls by 12 dB an octave, the lips give 6 back
        source = np.convolve(source, 0.9 ** np.arange(60))[:n]
    source = np.diff(source, prepend=0.0)
    target = np.array([*FORMANTS[name], 3500, 4500], float)
    start = target if glide_from is None else np.array([*glide_from, 3500, 4500], float)
    share = np.clip(np.arange(n) / (0.05 * RATE), 0, 1)[:, None]
    sound = resonate(source, start + (target - start) * share)
    fade = np.clip(np.arange(n) / (onset * RATE), 0, 1) * np.clip(np.arange(n)[::-1] / (0.008 * RATE), 0, 1)
    return 0.2 * sound * fade / (np.sqrt((sound**2).mean()) + 1e-9)


def silence(seconds):
    return np.zeros(int(seconds * RATE))


def hum(seconds, pitch=120.0):
    """What is heard through closed lips: the low voice alone."""
    n = int(seconds * RATE)
    return 0.05 * np.sin(2 * np.pi * pitch * np.arange(n) / RATE)


def hiss(seconds, low=4000.0, level=0.1, seed=3):
    """Noise above `low` Hz."""
    n = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    spectrum[np.fft.rfftfreq(n, 1 / RATE) < low] = 0
    noise = np.fft.irfft(spectrum, n)
    return level * noise / noise.std()


def sound(*parts, rate=RATE):
    return Audio(torch.from_numpy(np.concatenate(parts).astype(np.float32))[None], rate)


def move(audio, **settings):
    return audio_to_motion(audio, Model.built_in(), AudioToMotionSettings(**settings))


@pytest.fixture(scope="session")
def speech():
    return read_audio(Path(__file__).resolve().parents[2] / "demo" / "speech.flac")


@pytest.fixture(scope="session")
def speech_motion(speech):
    return move(speech)
