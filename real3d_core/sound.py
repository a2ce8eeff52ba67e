"""What every user of an Audio wire needs: checks, one channel, another sample rate."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from .errors import AudioError
from .wires import Audio

MOST_CHANNELS = 8
RATES = range(1_000, 768_001)  # Hz; beyond, a file is damaged rather than unusual
BLOCK_SECONDS = 20  # sound is worked on in blocks, so that long recordings need no copies of their size
SILENT_SHARE = 0.01  # a channel 20 dB under the loudest one carries no speech of its own
CANCELLED_SHARE = 0.1  # a mean that keeps less of the energy comes from channels in opposite phase


def check_audio(audio: Audio, *, may_be_empty: bool = False) -> None:
    """Raises AudioError unless the sound has samples, 1 to 8 channels, a sensible rate and finite values."""
    shape = list(audio.waveform.shape)
    if audio.waveform.ndim != 2 or not 1 <= shape[0] <= MOST_CHANNELS:
        raise AudioError(
            f"The sound has the shape {shape} where [1 to {MOST_CHANNELS} channels, samples] is needed;"
            " mix it down to stereo or mono first."
        )
    if shape[1] == 0 and not may_be_empty:
        raise AudioError("The sound is empty; give one that has at least one sample.")
    if audio.sample_rate not in RATES:
        raise AudioError(
            f"The sound has a sample rate of {audio.sample_rate} Hz; it must lie between {RATES[0]} and"
            f" {RATES[-1]} Hz."
        )
    step = BLOCK_SECONDS * audio.sample_rate
    for block in audio.waveform.split(step, dim=1):
        if not bool(torch.isfinite(block).all()):
            raise AudioError(
                "The sound holds NaN or infinite samples; check the node or the file that made it."
            )


def to_mono(audio: Audio, rate: int) -> np.ndarray:
    """[samples] float32: one channel at `rate` Hz, as long as the sound, sample 0 at the same time.

    The channels that carry sound are averaged; where that cancels (opposite phase) the loudest stands alone.
    """
    weights = _channel_weights(audio)
    mono = (weights @ block for block in _blocks(audio))
    return _resampled(mono, audio.sample_rate, rate, audio.waveform.shape[1])


def _blocks(audio: Audio) -> Iterator[np.ndarray]:
    """[channels, samples] float32, one after the other."""
    for block in audio.waveform.detach().split(BLOCK_SECONDS * audio.sample_rate, dim=1):
        yield block.float().cpu().numpy()


def _channel_weights(audio: Audio) -> np.ndarray:
    """[channels] float32 weights of the mix to one channel."""
    covariance = sum(block @ block.T for block in _blocks(audio)).astype(np.float64)
    energy = np.diag(covariance)
    carries = energy > SILENT_SHARE * energy.max()
    alone = np.eye(len(energy), dtype=np.float32)[int(energy.argmax())]
    if carries.sum() < 2:
        return alone
    mean = (carries / carries.sum()).astype(np.float32)
    return mean if mean @ covariance @ mean > CANCELLED_SHARE * energy.max() else alone


def _resampled(blocks: Iterator[np.ndarray], old: int, new: int, samples: int) -> np.ndarray:
    """Streams blocks through ffmpeg's resampler; the length is ceil(samples * new / old) exactly."""
    if old == new:
        return np.concatenate(list(blocks))
    import av

    out = np.zeros(math.ceil(samples * new / old), dtype=np.float32)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=new)
    done = 0
    for frame in _resampled_frames(resampler, blocks, old):
        part = frame.to_ndarray().reshape(-1)[: len(out) - done]
        out[done : done + len(part)] = part
        done += len(part)
    return out


def _resampled_frames(resampler, blocks: Iterator[np.ndarray], rate: int) -> Iterator:
    import av

    for block in blocks:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[None]), format="flt", layout="mono")
        frame.sample_rate = rate
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
