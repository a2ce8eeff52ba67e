import math
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from real3d_core.audio_to_motion import AudioToMotionSettings, audio_to_motion
from real3d_core.errors import AudioError, BackendError, MotionError
from real3d_core.model import Model
from real3d_core.video.decoder import read_audio
from real3d_core.wires import ARKIT_NAMES, Audio
from tests.audio_to_motion.synthetic import hiss, hum, move, silence, sound, vowel

MOUTH = [name for name in ARKIT_NAMES if name.startswith(("jaw", "mouth", "cheek", "tongue"))]
UNTOUCHED = [
    name for name in ARKIT_NAMES if name.startswith(("cheek", "nose", "tongue", "jawL", "jawR", "jawF"))
]


@pytest.fixture(scope="module")
def speech():
    return read_audio(Path(__file__).resolve().parents[2] / "demo" / "speech.flac")


@pytest.fixture(scope="module")
def motion(speech):
    return move(speech)


def loudness(audio, frames, fps=25.0):
    """Root mean square of each frame's sound."""
    edges = (np.arange(frames + 1) / fps * audio.sample_rate).astype(int)
    wave = np.pad(audio.waveform[0].numpy(), (0, edges[-1]))
    return np.array([np.sqrt((wave[a:b] ** 2).mean()) for a, b in pairwise(edges)])


def best_lag(curve, other, most):
    """(lag in frames by which `curve` comes late, correlation there)."""
    n = len(curve)
    scores = {
        lag: np.corrcoef(curve[max(0, lag) : n + min(0, lag)], other[max(0, -lag) : n + min(0, -lag)])[0, 1]
        for lag in range(-most, most + 1)
    }
    lag = max(scores, key=scores.get)
    return lag, scores[lag]


def during(motion, name, start, stop):
    return motion.channel(name)[round(start * motion.fps) : round(stop * motion.fps)].numpy()


def test_the_jaw_follows_the_loudness(speech, motion):
    loud = loudness(speech, len(motion))
    lag, correlation = best_lag(motion.channel("jawOpen").numpy(), loud, 2)
    assert correlation >= 0.65 and abs(lag) <= 1
    opening = 0.13 * motion.channel("jawOpen") + 0.1 * (
        1 - motion.channel("mouthClose")
    )  # of a smiling photo
    decibel = np.clip(20 * np.log10(loud + 1e-9), -60, 0)
    assert best_lag(opening.numpy(), decibel, 2)[1] >= 0.65


def test_pauses_rest_and_speech_moves(speech, motion):
    decibel = 20 * np.log10(loudness(speech, len(motion)) + 1e-6)
    quiet = np.convolve(decibel < -50, np.ones(5), mode="same") == 5  # the middles of pauses over 0.2 s
    jaw, close = motion.channel("jawOpen").numpy(), motion.channel("mouthClose").numpy()
    assert quiet.sum() >= 10
    assert jaw[quiet].max() <= 0.02 and close[quiet].min() >= 0.9
    assert 0.35 <= np.percentile(jaw, 95) <= 0.85 and close.min() < 0.02
    assert jaw[-5:].max() <= 0.02 and close[-5:].min() > 0.98


def test_natural_speed(motion):
    """No pumping: the jaw's speed and its changes of direction stay within those of speakers."""
    jaw = motion.channel("jawOpen").numpy()
    assert np.abs(np.diff(jaw)).max() < 0.45
    steps = np.diff(jaw)[np.abs(np.diff(jaw)) > 0.03]
    turns = (np.sign(steps[1:]) != np.sign(steps[:-1])).sum()
    assert turns / (len(motion) / motion.fps) < 10  # five syllables a second


@pytest.mark.parametrize("level", [0.0, 1e-4, 1e-3])
def test_silence_is_a_still_closed_mouth(level):
    noise = level * torch.randn(1, 48000, generator=torch.Generator().manual_seed(0))
    motion = move(Audio(noise, 16000))
    assert (motion.channel("mouthClose") >= 0.99).all()
    for name in MOUTH:
        if name != "mouthClose":
            assert motion.channel(name).max() <= 0.02, name


def test_steady_noise_is_no_speech():
    noise = 0.05 * torch.randn(1, 48000, generator=torch.Generator().manual_seed(0))
    assert move(Audio(noise, 16000)).channel("jawOpen").max() <= 0.05


def test_speech_in_noise_still_moves(speech):
    noise = 0.01 * torch.randn(speech.waveform.shape, generator=torch.Generator().manual_seed(0))
    clean, noisy = move(speech), move(Audio(speech.waveform + noise, speech.sample_rate))
    assert np.corrcoef(clean.channel("jawOpen"), noisy.channel("jawOpen"))[0, 1] > 0.85


@pytest.mark.parametrize("gain", [0.1, 0.3, 2.0])
def test_gain_makes_no_difference(speech, motion, gain):
    other = move(Audio(speech.waveform * gain, speech.sample_rate))
    assert float((other.blendshapes - motion.blendshapes).abs().max()) < 0.05


def test_a_whisper_of_a_recording_is_not_blown_up(speech, motion):
    faint = move(Audio(speech.waveform * 10 ** (-60 / 20), speech.sample_rate))
    assert faint.channel("jawOpen").max() < 0.3 * motion.channel("jawOpen").max()


def test_vowels_have_their_shapes():
    parts = [silence(0.4)]
    for name in "aeiou":
        parts += [vowel(name, 0.4), silence(0.4)]
    motion = move(sound(*parts))

    def shape(vowel_name, channel):
        start = 0.4 + 0.8 * "aeiou".index(vowel_name)
        return during(motion, channel, start + 0.1, start + 0.3).mean()

    jaws = {v: shape(v, "jawOpen") for v in "aeiou"}
    assert jaws["a"] > jaws["e"] > jaws["i"] and jaws["a"] > jaws["o"] > jaws["u"]
    assert jaws["a"] > 2 * jaws["i"] > 0.05
    assert min(shape(v, "mouthPucker") for v in "ou") > 0.4 > 4 * max(shape(v, "mouthPucker") for v in "aei")
    assert shape("i", "mouthStretchLeft") > 0.4 > 0.2 > max(shape(v, "mouthStretchLeft") for v in "aou")
    assert shape("i", "mouthStretchLeft") > 2 * shape("e", "mouthStretchLeft")
    closes = {v: shape(v, "mouthClose") for v in "aeiou"}  # an open-mouthed photo shows a narrow vowel by it
    assert closes["a"] < 0.05 and closes["a"] < min(closes["i"], closes["u"]) and max(closes.values()) < 0.25


CONSONANTS = {
    "b": lambda: [hum(0.09), vowel("a", 0.3, glide_from=(250, 700, 2100), onset=0.03)],
    "m": lambda: [2 * hum(0.09), vowel("a", 0.3, glide_from=(250, 700, 2100), onset=0.03)],
    "p": lambda: [silence(0.1), vowel("a", 0.3, glide_from=(250, 700, 2100), onset=0.02)],
    "t": lambda: [silence(0.06), hiss(0.03, 3000, 0.06), vowel("a", 0.3, glide_from=(400, 1800, 2700))],
    "d": lambda: [hum(0.05), hiss(0.015, 3000, 0.04), vowel("a", 0.3, glide_from=(300, 1800, 2700))],
    "s": lambda: [hiss(0.12), vowel("a", 0.3)],
}


@pytest.mark.parametrize("name", CONSONANTS)
@pytest.mark.parametrize("fps", [24.0, 25.0, 60.0])
def test_lips_meet_for_labial_stops_only(name, fps):
    motion = move(sound(silence(0.3), vowel("a", 0.3), *CONSONANTS[name](), silence(0.3)), fps=fps)
    close = during(motion, "mouthClose", 0.55, 0.75)
    jaw = during(motion, "jawOpen", 0.55, 0.75)
    assert jaw.min() < 0.25 and during(motion, "jawOpen", 0.4, 0.5).max() > 0.5
    if name in "bmp":
        assert close.max() > 0.85 and jaw.min() < 0.08
    else:
        assert close.max() < 0.4


def test_teeth_for_s_and_lip_for_f():
    def said(level, low):
        return move(
            sound(silence(0.2), vowel("a", 0.3), hiss(0.15, low, level), vowel("a", 0.3), silence(0.2))
        )

    sharp, soft = said(0.08, 4500), said(0.01, 2500)
    assert during(sharp, "mouthLowerDownLeft", 0.52, 0.64).max() > 0.15
    assert during(soft, "mouthRollLower", 0.52, 0.64).max() > 0.1
    assert during(sharp, "mouthRollLower", 0.52, 0.64).max() < 0.05


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0])
def test_the_mouth_opens_and_closes_with_the_sound(fps):
    """Half of the opening is reached within 40 ms of the vowel's start, also half of the closing."""
    for start in (0.5, 0.513, 0.53):
        motion = move(sound(silence(start), vowel("a", 0.5), silence(0.5)), fps=fps)
        jaw = motion.channel("jawOpen").numpy()
        at = (np.arange(len(jaw)) + 0.5) / fps
        half = jaw.max() / 2
        rise = int(np.argmax(jaw > half))
        opens = np.interp(half, jaw[rise - 1 : rise + 1], at[rise - 1 : rise + 1])
        fall = len(jaw) - 1 - int(np.argmax(jaw[::-1] > half))
        closes = np.interp(-half, -jaw[fall : fall + 2], at[fall : fall + 2])
        assert abs(opens - start) <= 0.04 and abs(closes - start - 0.5) <= 0.06


def test_the_same_seed_is_the_same_motion_to_the_bit(speech, motion):
    again, other = move(speech), move(speech, seed=1)
    for name in ("blendshapes", "euler", "translation"):
        assert torch.equal(getattr(again, name), getattr(motion, name))
    assert not torch.equal(other.euler, motion.euler)
    columns = [ARKIT_NAMES.index(name) for name in MOUTH]
    assert torch.equal(other.blendshapes[:, columns], motion.blendshapes[:, columns])


@pytest.mark.parametrize("seed", range(4))
def test_the_head_stays_in_its_limits_and_comes_home(seed):
    rng = torch.Generator().manual_seed(seed)
    bursts = (torch.rand(1, 60, generator=rng) > 0.4).repeat_interleave(8000, dim=1)
    audio = Audio(0.3 * torch.randn(1, 60 * 8000, generator=rng) * bursts, 16000)
    for amount in (1.0, 2.0):
        motion = move(audio, seed=seed, head_motion=amount)
        degrees = np.degrees(motion.euler.numpy())
        assert (np.abs(degrees).max(0) < (8, 12, 5)).all()
        assert (np.abs(degrees).max(0) > (0.6, 2, 0.6)).all()
        assert np.abs(degrees[[0, -1]]).max() < 0.05
        assert np.abs(np.diff(degrees, axis=0)).max() < 1.5  # degrees a frame
        assert np.abs(np.diff(degrees, n=2, axis=0)).max() < 0.5
        assert float(motion.translation.abs().max()) < 0.01
    still = move(audio, seed=seed, head_motion=0.0)
    assert not still.euler.any() and not still.translation.any()
    assert not still.channel("eyeLookOutLeft").any() and not still.channel("browInnerUp").any()


def test_the_eyes_hold_the_viewer(speech):
    """With the glances averaged out, eyes turn against the head by half of its turn."""
    slope = []
    for seed in range(6):
        motion = move(speech, seed=seed, head_motion=2.0)
        left = motion.channel("eyeLookOutLeft") - motion.channel("eyeLookInLeft")  # to the image's right
        right = motion.channel("eyeLookInRight") - motion.channel("eyeLookOutRight")
        assert torch.allclose(left, right)
        yaw = np.degrees(motion.euler[:, 1].numpy())
        steady = np.abs(np.diff(left.numpy(), prepend=0)) < 0.02
        slope.append(np.polyfit(yaw[steady], 30 * left.numpy()[steady], 1)[0])
    assert np.median(slope) == pytest.approx(-0.5, abs=0.25)


def test_blinks():
    audio = Audio(torch.zeros(1, 16000 * 120), 16000)
    lids = move(audio).channel("eyeBlinkLeft").numpy()
    assert np.array_equal(lids, move(audio).channel("eyeBlinkRight").numpy())
    starts = np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0))
    gaps = np.diff(starts) / 25
    assert gaps.min() >= 1.9 and gaps.max() <= 6.1 and 2.5 < gaps.mean() < 4.5 and gaps.std() > 0.4
    for start, following in zip(starts, [*starts[1:], len(lids)], strict=True):
        blink = lids[start + 1 : following]
        assert blink.max() > 0.95 or following == len(lids)
        assert 5 <= (blink > 0).sum() <= 9  # 0.2 to 0.36 s
    assert not move(audio, blink=0.0).channel("eyeBlinkLeft").any()
    twice = move(audio, blink=2.0).channel("eyeBlinkLeft").numpy()
    assert 1.6 < ((twice[1:] > 0) & (twice[:-1] == 0)).sum() / len(starts) < 2.4


def test_amplitude_scales_the_opening_and_leaves_the_contact(speech, motion):
    half, none = move(speech, mouth_amplitude=0.5), move(speech, mouth_amplitude=0.0)
    assert torch.allclose(half.channel("jawOpen"), 0.5 * motion.channel("jawOpen"), atol=1e-6)
    assert torch.equal(half.channel("mouthClose"), motion.channel("mouthClose"))
    assert not none.channel("jawOpen").any()
    assert move(speech, mouth_amplitude=2.0).blendshapes.max() <= 1


def test_the_channels_of_the_motion(motion):
    assert motion.blendshapes.dtype == motion.euler.dtype == motion.translation.dtype == torch.float32
    assert motion.blendshapes.min() >= 0 and motion.blendshapes.max() <= 1
    for name in UNTOUCHED:
        assert not motion.channel(name).any(), name
    for name in ("mouthPucker", "mouthStretchLeft", "mouthUpperUpLeft", "browInnerUp", "eyeBlinkLeft"):
        assert motion.channel(name).max() > 0.1, name
    for name in ARKIT_NAMES:
        if name.startswith("mouth") and name.endswith("Left") and name != "mouthLeft":
            assert torch.equal(motion.channel(name), motion.channel(name[:-4] + "Right"))


@pytest.mark.parametrize("fps", [10.0, 24.0, 29.97, 30.0, 60.0])
def test_any_frame_rate_is_the_same_motion(speech, motion, fps):
    other = move(speech, fps=fps)
    assert other.fps == fps and len(other) == math.ceil(speech.seconds * fps)
    at = (np.arange(len(motion)) + 0.5) / 25
    for k in range(3):
        there = np.interp(at, (np.arange(len(other)) + 0.5) / fps, other.euler[:, k])
        assert np.degrees(np.abs(there - motion.euler[:, k].numpy()).max()) < 0.35


def test_the_number_of_frames():
    for seconds, fps, frames in ((2.0, 25, 50), (2.001, 25, 51), (0.3, 30, 9), (1.1, 10, 11), (0.001, 25, 1)):
        audio = Audio(torch.zeros(1, round(seconds * 48000)), 48000)
        assert len(move(audio, fps=float(fps))) == frames


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 8])
def test_any_rate_and_channels(speech, motion, rate, channels):
    old = np.arange(speech.waveform.shape[1]) / speech.sample_rate
    new = np.arange(int(speech.seconds * rate)) / rate
    wave = np.interp(new, old, speech.waveform[0].numpy()).astype(np.float32)
    other = move(Audio(torch.from_numpy(wave).expand(channels, -1), rate))
    frames = min(len(other), len(motion))
    same = np.corrcoef(other.channel("jawOpen")[:frames], motion.channel("jawOpen")[:frames])[0, 1]
    assert abs(len(other) - len(motion)) <= 1 and same > 0.9


@pytest.mark.parametrize("samples", [1, 10, 160, 480, 1600])
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_the_shortest_clips(samples, value):
    motion = move(Audio(torch.full((1, samples), value), 16000))
    assert len(motion) == max(1, math.ceil(samples / 640))


def test_sound_that_cannot_be_used():
    for waveform in (torch.zeros(1, 0), torch.full((1, 99), float("nan")), torch.full((2, 99), float("inf"))):
        with pytest.raises(AudioError):
            move(Audio(waveform, 16000))


def test_settings_and_models_that_cannot_be_used(speech):
    for bad in ({"fps": 0.0}, {"fps": float("nan")}, {"mouth_amplitude": -1.0}, {"blink": 3.0}, {"seed": -1}):
        with pytest.raises(MotionError):
            AudioToMotionSettings(**bad)
    with pytest.raises(BackendError, match="nothing of the kind"):
        audio_to_motion(speech, Model("nothing of the kind", "unknown"), AudioToMotionSettings())


def test_the_sound_is_not_changed_and_needs_no_gradients(speech):
    before = speech.waveform.clone()
    move(Audio(speech.waveform.requires_grad_(False), speech.sample_rate))
    assert torch.equal(speech.waveform, before)
    tracked = Audio(speech.waveform.clone().requires_grad_(True), speech.sample_rate)
    assert not move(tracked).blendshapes.requires_grad


def test_a_long_talk_is_quick_and_each_part_is_like_it_alone(speech, motion):
    """Two minutes; a speaker 10 dB quieter in the second half is followed just as well."""
    repeats = 14
    gains = torch.ones(repeats)
    gains[repeats // 2 :] = 10 ** (-10 / 20)
    wave = torch.cat([speech.waveform * gain for gain in gains], 1)
    audio = Audio(wave, speech.sample_rate)
    start = time.process_time()
    long = move(audio)
    assert time.process_time() - start < 0.1 * audio.seconds
    jaw, alone = long.channel("jawOpen").numpy(), motion.channel("jawOpen").numpy()
    for repeat in range(repeats):
        first = round(repeat * speech.seconds * 25)
        part = jaw[first : first + len(alone)]
        assert np.corrcoef(part[5:-5], alone[5 : len(part) - 5])[0, 1] > 0.9
        assert 0.75 < np.percentile(part, 95) / np.percentile(alone, 95) < 1.25
