"""Expressions as motions, and the picture of their curves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from real3d_core.errors import MotionError
from real3d_core.motion.channels import columns_of
from real3d_core.motion.curves_picture import curves_picture, summary
from real3d_core.motion.presets import EXPRESSIONS, PresetSettings, preset_motion
from real3d_core.motion.strips import BACKGROUND
from real3d_core.wires import Motion
from tests.sentences import assert_one_sentence

from .random_motion import random_motion


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_comes_stays_and_goes(expression: str) -> None:
    motion = preset_motion(PresetSettings(expression, seconds=4.0))
    assert len(motion) == 100
    full, half = motion.blendshapes[50], preset_motion(PresetSettings(expression, 0.5)).blendshapes[37]
    assert torch.allclose(full * 0.5, half)
    assert motion.blendshapes[[0, -1]].abs().max() < 0.01 and motion.euler[[0, -1]].abs().max() < 0.01
    for name, weight in EXPRESSIONS[expression].weights.items():
        assert columns_of(name) and torch.allclose(full[list(columns_of(name))], torch.tensor(weight))
    assert motion.blendshapes.diff(dim=0).abs().max() < 0.25


def test_without_easing_it_is_there_from_first_to_last() -> None:
    motion = preset_motion(PresetSettings("surprise", seconds=1.0, ease_in=0, ease_out=0))
    assert torch.equal(motion.blendshapes, motion.blendshapes[:1].repeat(25, 1))
    assert float(motion.channel("jawOpen")[0]) == 0.5


@pytest.mark.parametrize(
    "settings", [{"expression": "bored"}, {"amount": 3}, {"seconds": 0}, {"ease_in": -1}, {"fps": 0}]
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(MotionError) as caught:
        PresetSettings(**settings)
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize("frames", [1, 2, 40, 5000])
def test_a_picture_of_any_motion(frames: int) -> None:
    picture = curves_picture(random_motion(frames, expression=True))
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    assert picture.shape == curves_picture(Motion.still(frames)).shape
    assert (picture != curves_picture(Motion.still(frames))).any()
    assert tuple(picture[0, 0]) == BACKGROUND
    assert f"{frames} frames" in summary(random_motion(frames))
