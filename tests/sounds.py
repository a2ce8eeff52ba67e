"""Sound files for tests."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def write_sound(path: Path, samples: np.ndarray, rate: int) -> Path:
    """Writes float [channels, samples] -1..1 as WAV or FLAC of 16 bits."""
    layout = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")[len(samples) - 1]
    codec = {".wav": "pcm_s16le", ".flac": "flac"}[path.suffix]
    packed = np.ascontiguousarray((np.clip(samples, -1, 1) * 32767).astype(np.int16).T).reshape(1, -1)
    with av.open(str(path), "w") as file:
        track = file.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate = rate
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return path


def write_flac(path: Path, source: Path, seconds: float) -> Path:
    """The first `seconds` of a sound file as FLAC."""
    from real3d_core.video.decoder import read_audio

    sound = read_audio(source)
    samples = sound.waveform[:, : round(seconds * sound.sample_rate)].numpy()
    return write_sound(path, samples, sound.sample_rate)
