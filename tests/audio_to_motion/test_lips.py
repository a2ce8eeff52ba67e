"""Lips against what was really said: sentences that the network has not heard, with their phonemes."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from real3d_core.audio_to_motion.features import RATE, analyse
from real3d_core.audio_to_motion.phones import KINDS, hear
from real3d_core.video.decoder import read_audio
from real3d_core.wires import Audio, Motion
from tests.audio_to_motion.synthetic import move
from tools.measure_lips import (
    AROUND,
    CLOSED,
    HANG,
    LIPS_MEET,
    NEARLY_SHUT,
    PAUSE,
    ROUND,
    SPREAD,
    WIDE_OPEN,
    LipTrack,
    Segment,
    Sitter,
    figures,
    lag_of,
    tongue_gaps,
)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@cache
def said() -> tuple[Audio, list[Segment]]:
    """The recorded judge."""
    return read_audio(HERE / "lips.flac"), segments_of("lips.json")


def segments_of(name: str) -> list[Segment]:
    """What flite printed when it spoke."""
    ends = json.loads((HERE / name).read_text("utf-8"))["segments"]
    starts = [0.0, *(end for _, end in ends[:-1])]
    return [Segment(name, start, end) for (name, end), start in zip(ends, starts, strict=True)]


@pytest.fixture(scope="module")
def motion():
    return move(said()[0], head_motion=0.0, blink=0.0)


def times(motion):
    return (np.arange(len(motion)) + 0.5) / motion.fps


def near(motion, segment, around=AROUND):
    at = times(motion)
    return np.flatnonzero((at >= segment.start - around) & (at < segment.stop + around))


def some(motion: Motion, frames: np.ndarray) -> Motion:
    return Motion(motion.fps, motion.blendshapes[frames], motion.euler[frames], motion.translation[frames])


def test_the_rendered_lips_do_what_was_said(motion, portrait, nets):
    """Everything is measured in the picture: the best frame of each contact, the vowels, the pauses."""
    segments, sitter = said()[1], Sitter(portrait, nets)
    most = motion.channel("mouthClose").numpy() - motion.channel("jawOpen").numpy()
    contacts = [near(motion, s) for s in segments if s.name in LIPS_MEET]
    best = [frames[most[frames].argmax()] for frames in contacts]
    vowels = {
        name: np.concatenate([[], *(near(motion, s, 0.0) for s in segments if s.name == name)]).astype(int)
        for name in {*ROUND, *SPREAD, *WIDE_OPEN}
    }
    pauses = [s for s in segments if s.name == PAUSE and s.stop - s.start > 2 * HANG]
    rests = np.concatenate([near(motion, s, -HANG) for s in pauses])
    wanted = np.unique(np.concatenate([best, rests, *vowels.values()]).astype(int))
    track = sitter.track(some(motion, wanted))
    opening, width = (
        dict(zip(wanted, track.opening, strict=True)),
        dict(zip(wanted, track.width, strict=True)),
    )

    def mean(values, names):
        return np.mean([values[frame] for name in names for frame in vowels[name]])

    met = [opening[frame] <= CLOSED for frame in best]
    print(f"{sum(met)} of {len(met)} contacts; widths {mean(width, ROUND):.3f} < {mean(width, SPREAD):.3f}")
    assert len(met) == 14 and np.mean(met) >= 0.9
    assert mean(width, ROUND) < mean(width, SPREAD)
    assert mean(opening, WIDE_OPEN) > mean(opening, NEARLY_SHUT)
    assert max(opening[frame] for frame in rests) <= CLOSED / 2  # what the nets see in closed lips


def test_the_demo_is_said_as_it_was_spoken(portrait, nets):
    """By the avatar's own landmarks, every frame: what the nets add in small mouths is left out."""
    audio = read_audio(ROOT / "demo" / "speech.flac")
    segments = segments_of("demo_segments.json")
    motion = move(audio, head_motion=0.0, blink=0.0)
    found = figures(Sitter(portrait, nets).geometry(motion), audio, segments)
    print(*found.lines(), sep="\n")
    assert found.contacts == 10 and found.met == 10
    assert found.round < found.spread and found.wide_open > found.nearly_shut
    assert abs(found.lag) <= 1 and found.silent < 0.05


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0])
def test_a_frame_shows_each_contact(fps):
    motion = move(said()[0], fps=fps)
    close, jaw = motion.channel("mouthClose").numpy(), motion.channel("jawOpen").numpy()
    shut = (close > 0.9) & (jaw < 0.06)
    met = [shut[near(motion, s)].any() for s in said()[1] if s.name in LIPS_MEET]
    wrong = [shut[near(motion, s, 0.0)].any() for s in tongue_gaps(said()[1])]
    assert np.mean(met) >= 0.9
    assert np.mean(wrong) <= 0.25


def test_the_mouth_opens_with_the_sound(motion):
    opening = 0.13 * motion.channel("jawOpen") + 0.1 * (
        1 - motion.channel("mouthClose")
    )  # of a smiling photo
    track = LipTrack(motion.fps, opening.numpy(), np.zeros(len(motion)))
    lag, correlation = lag_of(track, said()[0])
    assert abs(lag) <= 1 and correlation > 0.35  # one contact follows another, loud [m] among them


@pytest.mark.parametrize("kind", ["noise", "chord", "silence"])
def test_what_is_no_speech_does_not_flap(kind):
    time = torch.arange(4 * RATE) / RATE
    sounds = {
        "noise": 0.05 * torch.randn(len(time), generator=torch.Generator().manual_seed(1)),
        "chord": sum(0.05 * torch.sin(2 * torch.pi * f * time) for f in (220.0, 277.2, 329.6)),
        "silence": torch.zeros(len(time)),
    }
    motion = move(Audio(sounds[kind][None], RATE))
    middle = motion.channel("mouthClose").numpy()[10:-10]
    assert np.abs(np.diff(middle)).max() < 0.05


def test_kinds_are_shares_and_the_same_every_time():
    wave = said()[0].waveform[0].numpy()
    phones = hear(wave)
    assert phones.likelihood.shape == (len(analyse(wave)), len(KINDS))
    assert np.allclose(phones.likelihood.sum(1), 1, atol=1e-5)
    assert np.array_equal(phones.likelihood, hear(wave).likelihood)
