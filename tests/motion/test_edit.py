"""Editing motions."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from real3d_core.errors import MotionError
from real3d_core.motion.channels import parse_changes
from real3d_core.motion.edit import EditSettings, edit_motion
from real3d_core.motion.groups import GROUP_COLUMNS, GROUPS, GroupAmounts
from real3d_core.wires import ARKIT_INDEX, ARKIT_NAMES, Motion
from tests.sentences import assert_one_sentence

from .random_motion import assert_same, random_motion


def test_the_defaults_change_nothing() -> None:
    motion = random_motion(expression=True)
    assert edit_motion(motion, EditSettings()) is motion


@pytest.mark.parametrize("group", GROUPS)
def test_a_scale_is_of_one_group_alone(group: str) -> None:
    motion = random_motion(expression=True)
    edited = edit_motion(motion, EditSettings(scale=replace(GroupAmounts(), **{group: 0.5})))
    for name in ARKIT_NAMES:
        factor = 0.5 if ARKIT_INDEX[name] in GROUP_COLUMNS[group] else 1.0
        assert torch.equal(edited.channel(name), motion.channel(name) * factor)
    head, mouth = (0.5 if group == one else 1.0 for one in ("head", "mouth"))
    assert torch.equal(edited.euler, motion.euler * head)
    assert torch.equal(edited.translation, motion.translation * head)
    assert torch.equal(edited.expression, motion.expression * mouth)


def test_mirrored_twice_is_the_motion_itself() -> None:
    motion = random_motion()
    once = edit_motion(motion, EditSettings(mirror=True))
    assert torch.equal(once.channel("mouthSmileLeft"), motion.channel("mouthSmileRight"))
    assert torch.equal(once.channel("jawLeft"), motion.channel("jawRight"))
    assert torch.equal(once.channel("jawOpen"), motion.channel("jawOpen"))
    assert torch.equal(once.euler, motion.euler * torch.tensor([1.0, -1, -1]))
    assert_same(edit_motion(once, EditSettings(mirror=True)), motion)


def test_the_mirror_of_one_group_leaves_the_others() -> None:
    motion = random_motion(expression=True)
    eyes = edit_motion(motion, EditSettings(mirror=True, group="eyes"))
    assert torch.equal(eyes.channel("eyeBlinkLeft"), motion.channel("eyeBlinkRight"))
    assert torch.equal(eyes.channel("browDownLeft"), motion.channel("browDownLeft"))
    assert torch.equal(eyes.euler, motion.euler)
    with pytest.raises(MotionError) as caught:
        edit_motion(motion, EditSettings(mirror=True))
    assert_one_sentence(str(caught.value))


def test_trim_keeps_the_frames_of_the_time_given() -> None:
    motion = random_motion(50)
    part = edit_motion(motion, EditSettings(start=0.4, end=1.0))
    assert_same(part, motion[10:25])
    with pytest.raises(MotionError) as caught:
        edit_motion(motion, EditSettings(start=2.0))
    assert_one_sentence(str(caught.value))


def test_retiming_keeps_the_shape() -> None:
    time = (torch.arange(200) + 0.5) / 100
    motion = replace(Motion.still(200, 100.0), euler=time[:, None].repeat(1, 3))
    for fps, speed in ((25.0, 1.0), (60.0, 1.0), (100.0, 2.0), (30.0, 0.5)):
        edited = edit_motion(motion, EditSettings(fps=fps, speed=speed))
        assert len(edited) == round(2 * fps / speed) and edited.fps == fps
        expected = (torch.arange(len(edited)) + 0.5) / fps * speed
        assert torch.allclose(edited.euler[:, 1], expected.clamp(0.005, 1.995), atol=1e-5)


def test_a_loop_has_no_jump() -> None:
    ramp = torch.linspace(0, 1, 25)
    motion = replace(Motion.still(25), blendshapes=ramp[:, None].repeat(1, 52))
    hard = edit_motion(motion, EditSettings(loops=3, loop_blend=0))
    soft = edit_motion(motion, EditSettings(loops=3, loop_blend=0.4))
    assert len(hard) == 75 and len(soft) == 75 - 2 * 10
    assert torch.equal(hard.blendshapes[25:50], motion.blendshapes)
    assert hard.channel("jawOpen").diff().abs().max() > 0.9
    assert soft.channel("jawOpen").diff().abs().max() < 0.15
    assert torch.equal(soft.blendshapes[:15], motion.blendshapes[:15])
    assert torch.equal(soft.blendshapes[-15:], motion.blendshapes[-15:])


def test_smoothing_removes_jitter_without_delay() -> None:
    time = torch.arange(250) / 25
    wave = torch.sin(2 * math.pi * 0.5 * time)
    jitter = 0.1 * torch.randn(250, generator=torch.Generator().manual_seed(1))
    motion = replace(Motion.still(250), blendshapes=(wave + jitter)[:, None].repeat(1, 52))
    smooth = edit_motion(motion, EditSettings(smooth=0.08, group="mouth"))
    left = smooth.channel("jawOpen") - wave
    assert left.std() < 0.6 * jitter.std()
    inner = slice(25, -25)
    lag = [float((smooth.channel("jawOpen").roll(k)[inner] * wave[inner]).sum()) for k in (-3, -1, 0, 1, 3)]
    assert lag.index(max(lag)) == 2
    assert torch.equal(smooth.channel("browInnerUp"), motion.channel("browInnerUp"))


def test_limits() -> None:
    motion = replace(random_motion(), blendshapes=random_motion().blendshapes * 3 - 1)
    edited = edit_motion(motion, EditSettings(limit=True, most_degrees=5))
    assert edited.blendshapes.min() == 0 and edited.blendshapes.max() == 1
    assert edited.euler.abs().max() == pytest.approx(math.radians(5))
    head = edit_motion(motion, EditSettings(limit=True, most_degrees=5, group="head"))
    assert torch.equal(head.blendshapes, motion.blendshapes) and torch.equal(head.euler, edited.euler)


def test_changes_of_channels() -> None:
    motion = random_motion()
    changes = parse_changes("jawOpen * 0.5, mouthSmile + 0.25\nYAW - 10; yaw*-1, x + .01,")
    edited = edit_motion(motion, EditSettings(changes=changes))
    assert torch.equal(edited.channel("jawOpen"), motion.channel("jawOpen") * 0.5)
    for side in ("Left", "Right"):
        assert torch.allclose(edited.channel(f"mouthSmile{side}"), motion.channel(f"mouthSmile{side}") + 0.25)
    assert torch.allclose(edited.euler[:, 1], math.radians(10) - motion.euler[:, 1])
    assert torch.allclose(edited.translation[:, 0], motion.translation[:, 0] + 0.01)
    assert torch.equal(edited.channel("browInnerUp"), motion.channel("browInnerUp"))


@pytest.mark.parametrize(
    "text",
    [
        "jawOpen",
        "jaw_open * 2",
        "nobody + 1",
        "yaw + nan",
        "yaw + 1e99",
        "yaw * 1 2",
        "jawOpen ** 2",
        "y" * 20_000,
    ],
)
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(MotionError) as caught:
        parse_changes(text)
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize(
    "settings",
    [
        {"start": -1},
        {"smooth": math.nan},
        {"speed": 0},
        {"loops": 0},
        {"fps": 0.5},
        {"lowest": 2},
        {"group": "ears"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(MotionError) as caught:
        EditSettings(**settings)
    assert_one_sentence(str(caught.value))


def test_a_motion_does_not_become_endless() -> None:
    with pytest.raises(MotionError) as caught:
        edit_motion(random_motion(100), EditSettings(loops=1_000_000))
    assert_one_sentence(str(caught.value))
