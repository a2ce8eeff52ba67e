"""Head Motion: what it adds, what it leaves alone, and how people-like it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from real3d_core.errors import AudioError, MotionError
from real3d_core.head_motion import HeadMotionSettings, head_motion
from real3d_core.wires import ARKIT_NAMES, Audio, Motion
from tests.audio_to_motion.synthetic import hum, silence, sound, vowel
from tests.sentences import assert_one_sentence

AMOUNTS = ("sway", "breathing", "nod", "brow", "blink", "gaze")
NOTHING = dict.fromkeys(AMOUNTS, 0.0)


@pytest.fixture(scope="module")
def stressed() -> Audio:
    """Syllables of [a] between hums, every third one louder and higher; 3 s of silence at the end."""
    parts = [silence(0.5)]
    for k in range(18):
        parts += [hum(0.1), (2.0 if k % 3 == 1 else 0.7) * vowel("a", 0.15, 150 if k % 3 == 1 else 115)]
    return sound(*parts, silence(3.0))


STRESSES = 0.5 + 0.25 * np.arange(1, 18, 3) + 0.175
"""s, middles of the loud syllables of `stressed`."""


def busy(frames: int = 250) -> Motion:
    generator = torch.Generator().manual_seed(3)
    return Motion(
        25.0,
        torch.rand(frames, 52, generator=generator) * 0.3,
        torch.randn(frames, 3, generator=generator) * 0.05,
        torch.randn(frames, 3, generator=generator) * 0.01,
        torch.randn(frames, 64, generator=generator),
    )


def test_no_amount_is_the_input_itself(stressed: Audio) -> None:
    motion = busy()
    assert head_motion(motion, HeadMotionSettings(**NOTHING, seed=4), stressed) is motion


@pytest.mark.parametrize("amount", AMOUNTS)
def test_each_amount_moves_its_own_part_and_leaves_the_others(amount: str, stressed: Audio) -> None:
    motion = busy()
    moved = head_motion(motion, HeadMotionSettings(**NOTHING | {amount: 1.0}, seed=1), stressed)
    parts = {"brow": "brow", "blink": "eyeBlink", "gaze": "eyeLook"}
    for k, name in enumerate(ARKIT_NAMES):
        changed = not torch.equal(moved.blendshapes[:, k], motion.blendshapes[:, k])
        assert changed <= (amount in parts and name.startswith(parts[amount])), name
    assert (moved.blendshapes is motion.blendshapes) == (amount not in parts)
    assert (moved.euler is motion.euler) == (amount not in ("sway", "nod"))
    assert (moved.translation is motion.translation) == (amount not in ("sway", "breathing"))
    assert moved.expression is motion.expression and moved.fps == motion.fps


def test_the_same_seed_is_the_same_to_the_bit(stressed: Audio) -> None:
    first, again, other = (head_motion(busy(), HeadMotionSettings(seed=seed), stressed) for seed in (2, 2, 3))
    for name in ("blendshapes", "euler", "translation"):
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert not torch.equal(getattr(first, name), getattr(other, name))


def test_brows_and_nods_are_on_the_stressed_syllables(stressed: Audio) -> None:
    for amount, curve in (
        ("brow", lambda motion: motion.channel("browInnerUp")),
        ("nod", lambda motion: motion.euler[:, 0]),
    ):
        far = []
        for seed in range(6):
            settings = HeadMotionSettings(**NOTHING | {amount: 1.0}, seed=seed)
            track = curve(head_motion(Motion.still(800, 100.0), settings, stressed)).numpy()
            top = np.flatnonzero((track[1:-1] > track[:-2]) & (track[1:-1] >= track[2:])) + 1
            top = top[track[top] > 0.3 * track.max()]
            far += [np.abs((t + 0.5) / 100 - STRESSES).min() for t in top]
        assert len(far) >= 6 and max(far) < 0.08


def test_without_sound_a_face_does_not_nod_or_raise_its_brows() -> None:
    still = Motion.still(500)
    assert not head_motion(still, HeadMotionSettings(**NOTHING | {"nod": 1.0})).euler.any()
    listening = head_motion(still, HeadMotionSettings())
    assert not listening.channel("browInnerUp").any()
    assert listening.euler.any() and listening.channel("eyeBlinkLeft").any()


@pytest.mark.parametrize("seed", range(3))
def test_blinks_are_like_peoples(seed: int) -> None:
    settings = HeadMotionSettings(**NOTHING | {"blink": 1.0}, seed=seed)
    lids = head_motion(Motion.still(60_000, 200.0), settings).channel("eyeBlinkLeft").numpy()
    starts = np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0))
    ends = np.flatnonzero((lids[1:] == 0) & (lids[:-1] > 0))
    assert 12 <= len(starts) / 5 <= 20
    shut = [np.flatnonzero(lids[a : b + 1] > 0.998) for a, b in zip(starts, ends, strict=False)]
    closing = np.mean([one[0] for one in shut]) / 200
    opening = np.mean([b - a - one[-1] for a, b, one in zip(starts, ends, shut, strict=False)]) / 200
    assert closing == pytest.approx(0.09, abs=0.015) and opening == pytest.approx(0.15, abs=0.02)


def test_more_blinks_at_the_end_of_a_phrase() -> None:
    phrase = [vowel("a", 0.4), hum(0.1), vowel("e", 0.4), hum(0.1), vowel("a", 0.5), silence(1.0)]
    audio, count = sound(*(phrase * 16)), []
    for seed in range(4):
        settings = HeadMotionSettings(**NOTHING | {"blink": 1.0}, seed=seed)
        lids = head_motion(Motion.still(1000), settings, audio).channel("eyeBlinkLeft").numpy()
        starts = (np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0)) + 1) / 25
        count += ((starts % 2.5 > 1.4) & (starts % 2.5 < 2.0)).tolist()
    assert np.mean(count) > 0.45  # 0.24 by chance


def test_a_blink_that_is_there_stays_and_gets_no_neighbour() -> None:
    weights = torch.zeros(1000, 52)
    blink = [ARKIT_NAMES.index("eyeBlinkLeft"), ARKIT_NAMES.index("eyeBlinkRight")]
    weights[100:900:20, blink] = 0.8
    motion = Motion(25.0, weights, torch.zeros(1000, 3), torch.zeros(1000, 3))
    moved = head_motion(motion, HeadMotionSettings(**NOTHING | {"blink": 2.0})).blendshapes[:, blink]
    assert torch.equal(moved[110:890], weights[110:890, blink])
    assert moved[:80].max() > 0.9


def test_eyes_stay_within_what_they_can_and_go_together() -> None:
    weights = torch.zeros(1000, 52)
    weights[:, ARKIT_NAMES.index("eyeLookOutLeft")] = weights[:, ARKIT_NAMES.index("eyeLookInRight")] = 0.9
    motion = Motion(25.0, weights, torch.zeros(1000, 3), torch.zeros(1000, 3))
    moved = head_motion(motion, HeadMotionSettings(**NOTHING | {"gaze": 2.0}))
    left = moved.channel("eyeLookOutLeft") - moved.channel("eyeLookInLeft")
    assert torch.equal(left, moved.channel("eyeLookInRight") - moved.channel("eyeLookOutRight"))
    assert moved.blendshapes.min() >= 0 and moved.blendshapes.max() <= 1 and left.min() < 0.8


def test_the_head_settles_in_silence_and_comes_home(stressed: Audio) -> None:
    spoken, silent = [], []
    for seed in range(8):
        settings = HeadMotionSettings(**NOTHING | {"sway": 1.0}, seed=seed)
        euler = np.degrees(head_motion(Motion.still(200), settings, stressed).euler.numpy())
        assert np.abs(euler[[0, -1]]).max() < 0.05 and (np.abs(euler).max(0) <= (7, 11, 4.5)).all()
        spoken.append(np.abs(euler[30:110]).mean())
        silent.append(np.abs(euler[160:175]).mean())
    assert np.mean(silent) < 0.7 * np.mean(spoken)


@pytest.mark.parametrize(
    "bad", [{"sway": -0.1}, {"blink": 2.1}, {"gaze": float("nan")}, {"seed": -1}], ids=str
)
def test_settings_that_cannot_be_used(bad: dict[str, float]) -> None:
    with pytest.raises(MotionError) as caught:
        HeadMotionSettings(**bad)
    assert_one_sentence(caught.value)


def test_what_cannot_be_used() -> None:
    with pytest.raises(AudioError):
        head_motion(busy(), HeadMotionSettings(), Audio(torch.full((1, 99), float("nan")), 16_000))
    with pytest.raises(MotionError) as caught:
        head_motion(Motion.still(5, 0.5), HeadMotionSettings())
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("frames", [1, 2, 3, 10])
@pytest.mark.parametrize("fps", [1.0, 25.0, 1000.0])
def test_the_shortest_clips(frames: int, fps: float, stressed: Audio) -> None:
    for audio in (None, stressed, Audio(torch.zeros(1, 1), 16_000)):
        assert len(head_motion(Motion.still(frames, fps), HeadMotionSettings(), audio)) == frames
