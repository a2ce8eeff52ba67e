import math

import numpy as np
import pytest
import torch

from real3d_core.errors import AudioError
from real3d_core.sound import check_audio, to_mono
from real3d_core.wires import Audio


def sine(rate, seconds, hertz=440.0):
    return torch.sin(
        2 * torch.pi * hertz * torch.arange(int(rate * seconds), dtype=torch.float64) / rate
    ).float()


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])
def test_resampling_keeps_time_and_length(rate):
    seconds = 21.37  # longer than a block
    mono = to_mono(Audio(sine(rate, seconds)[None], rate), 16000)
    assert mono.dtype == np.float32 and len(mono) == math.ceil(int(rate * seconds) * 16000 / rate)
    want = np.sin(2 * np.pi * 440 * np.arange(len(mono)) / 16000)
    assert np.abs(mono - want)[1000:-1000].max() < 1e-3


def test_channels_that_carry_sound_are_averaged():
    wave = sine(16000, 0.5)
    for waveform in (
        wave[None],
        wave.expand(8, -1),
        torch.stack([torch.zeros_like(wave), wave, 1e-3 * wave]),
    ):
        assert np.allclose(to_mono(Audio(waveform, 16000), 16000), wave, atol=1e-5)


def test_opposite_phases_do_not_cancel():
    wave = sine(16000, 0.5)
    assert np.allclose(
        np.abs(to_mono(Audio(torch.stack([wave, -wave]), 16000), 16000)), wave.abs(), atol=1e-5
    )


def test_a_few_samples_and_silence():
    assert len(to_mono(Audio(torch.zeros(1, 3), 192000), 16000)) == 1
    assert not to_mono(Audio(torch.zeros(2, 44100), 44100), 16000).any()


@pytest.mark.parametrize(
    ("waveform", "rate", "words"),
    [
        (torch.zeros(1, 0), 16000, "empty"),
        (torch.zeros(100), 16000, "shape"),
        (torch.zeros(9, 100), 16000, "channels"),
        (torch.zeros(1, 100), 0, "rate"),
        (torch.tensor([[0.0, float("nan")]]), 16000, "NaN"),
        (torch.tensor([[0.0, float("-inf")]]), 16000, "NaN or infinite"),
    ],
)
def test_sound_that_cannot_be_used(waveform, rate, words):
    with pytest.raises(AudioError, match=words):
        check_audio(Audio(waveform, rate))


def test_a_fault_deep_in_a_long_sound_is_found():
    waveform = torch.zeros(1, 16000 * 50)
    waveform[0, -1] = float("inf")
    with pytest.raises(AudioError):
        check_audio(Audio(waveform, 16000))
