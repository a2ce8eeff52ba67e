"""The demo speech as the networks hear it, and what Praat heard of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from real3d_core.sound import to_mono
from real3d_core.video.decoder import read_audio
from real3d_core.wires import Audio

RECORDED = Path(__file__).parent / "pitch.npz"


def demo_speech() -> Audio:
    return read_audio(Path(__file__).resolve().parents[2] / "demo" / "speech.flac")


def demo_wave() -> np.ndarray:
    """[samples] float32 at 16 kHz."""
    return to_mono(demo_speech(), 16_000)
