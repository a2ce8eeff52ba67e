"""Blending two motions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from real3d_core.errors import MotionError
from real3d_core.motion.blend import AFTER, LENGTHS, BlendSettings, blend_motions
from real3d_core.motion.groups import GROUP_COLUMNS, GroupAmounts
from real3d_core.motion.resample import resampled
from real3d_core.wires import Motion
from tests.sentences import assert_one_sentence

from .random_motion import assert_same, random_motion

NONE, WHOLE = GroupAmounts(0, 0, 0, 0), GroupAmounts()


@pytest.mark.parametrize("mode", ["mix", "add"])
def test_nothing_of_the_second_is_the_first_bit_for_bit(mode: str) -> None:
    first, second = random_motion(40, expression=True), random_motion(40, 30.0, seed=1)
    assert_same(blend_motions(first, second, BlendSettings(mode, NONE)), first)


def test_all_of_the_second_is_the_second_bit_for_bit() -> None:
    first, second = random_motion(40), random_motion(40, seed=1, expression=True)
    assert_same(blend_motions(first, second, BlendSettings()), second)
    assert_same(blend_motions(second, first, BlendSettings()), first)


def test_mouth_of_one_and_brows_of_the_other() -> None:
    first, second = random_motion(40, expression=True), random_motion(60, seed=1)
    mixed = blend_motions(first, second, BlendSettings(amounts=GroupAmounts(0, 1, 0, 0.25)))
    for group, source in (("mouth", first), ("eyes", first), ("brows", second)):
        columns = list(GROUP_COLUMNS[group])
        assert torch.equal(mixed.blendshapes[:, columns], source.blendshapes[:40, columns])
    assert torch.equal(mixed.expression, first.expression)
    assert torch.allclose(mixed.euler, 0.75 * first.euler + 0.25 * second.euler[:40], atol=1e-6)


def test_the_lengths() -> None:
    first, second = random_motion(50), random_motion(100, 50.0, seed=1)
    start = BlendSettings(start=1.0)
    got = {one: len(blend_motions(first, second, replace(start, length=one))) for one in LENGTHS}
    assert got == {"first": 50, "second": 75, "longest": 75, "shortest": 50}


def test_the_second_comes_in_and_goes_out_softly() -> None:
    first, second = Motion.still(100), replace(Motion.still(25), blendshapes=torch.ones(25, 52))
    curve = blend_motions(first, second, BlendSettings(start=1.0, crossfade=0.4)).channel("jawOpen")
    assert torch.equal(curve[:25], torch.zeros(25)) and torch.equal(curve[50:], torch.zeros(50))
    assert torch.equal(curve[35:40], torch.ones(5)) and curve.diff().abs().max() < 0.2
    hard = blend_motions(first, second, BlendSettings(start=1.0, crossfade=0)).channel("jawOpen")
    assert torch.equal(hard, ((torch.arange(100) >= 25) & (torch.arange(100) < 50)).float())


def test_one_after_the_other() -> None:
    first, second = random_motion(50), random_motion(40, seed=1)
    joined = blend_motions(first, second, BlendSettings(AFTER, WHOLE, crossfade=0.4))
    assert len(joined) == 80
    assert_same(joined[:40], first[:40])
    assert_same(joined[50:], second[10:])
    hard = blend_motions(first, second, BlendSettings(AFTER, WHOLE, crossfade=0))
    assert_same(hard[:50], first)
    assert_same(hard[50:], second)


def test_added_on_top() -> None:
    first, second = random_motion(40), random_motion(40, seed=1)
    both = blend_motions(first, second, BlendSettings("add", GroupAmounts(0.5, 0.5, 0.5, 0.5)))
    assert torch.allclose(both.blendshapes, first.blendshapes + 0.5 * second.blendshapes)
    assert torch.allclose(both.euler, first.euler + 0.5 * second.euler)


def test_an_expression_of_one_alone() -> None:
    first, second = random_motion(20, expression=True), random_motion(20, seed=1)
    half = blend_motions(first, second, BlendSettings(amounts=GroupAmounts(0.5, 1, 1, 1)))
    assert torch.allclose(half.expression, first.expression * 0.5)
    assert torch.equal(blend_motions(first, second, BlendSettings("add")).expression, first.expression)
    assert blend_motions(second, first, BlendSettings(amounts=NONE)).expression is None


def test_another_frame_rate_is_taken_over_in_time() -> None:
    first, second = random_motion(40, 25.0), random_motion(100, 60.0, seed=1)
    mixed = blend_motions(first, second, BlendSettings())
    assert mixed.fps == 25.0
    assert torch.equal(mixed.blendshapes, resampled(second, 25.0).blendshapes[:40])


@pytest.mark.parametrize("settings", [{"mode": "both"}, {"length": "9"}, {"start": -1}, {"crossfade": 1e9}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(MotionError) as caught:
        BlendSettings(**settings)
    assert_one_sentence(str(caught.value))
