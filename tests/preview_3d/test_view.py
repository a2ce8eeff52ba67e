"""What the viewer wrote becomes a camera and a motion; what it cannot have written is refused."""

from __future__ import annotations

import math

import pytest
import torch

from real3d_core.arkit import ARKIT_INDEX
from real3d_core.errors import CameraError, MotionError
from real3d_core.preview_3d.view import SHAPES, camera_of, checked_sliders, motion_of, on_top, shape_amounts
from real3d_core.wires import Motion
from tests.sentences import assert_one_sentence


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_an_empty_text_is_the_photo_s_view(text):
    camera = camera_of(text)
    assert len(camera) == 1
    assert float(camera.yaw) == float(camera.pitch) == 0 and float(camera.dolly) == 1


def test_the_viewer_s_text_is_a_camera():
    camera = camera_of('{"yaw":-13.64,"pitch":4.55,"dolly":0.8187}')
    assert math.degrees(float(camera.yaw)) == pytest.approx(-13.64)
    assert math.degrees(float(camera.pitch)) == pytest.approx(4.55)
    assert float(camera.dolly) == pytest.approx(0.8187)


@pytest.mark.parametrize(
    "text",
    [
        "yaw 10", "[1, 2, 3]", "7", "null", '{"yaw": 181}', '{"yaw": NaN}', '{"dolly": 0}',
        '{"dolly": -1e999}', '{"yaw": "10"}', '{"yaw": true}', '{"yaw": null}', '{"yaw": [1]}', '{"zoom": 2}',
        '{"yaw": 1' + "0" * 300, '{"yaw": 1' + "0" * 150 + "}", "[" * 199, "\0", None, 7,
        '{"yaw": 1, "<b>hello</b> it is a long name": 2}',
    ],
)  # fmt: skip
def test_other_texts_are_refused_in_a_sentence(text):
    with pytest.raises(CameraError) as error:
        camera_of(text)
    assert_one_sentence(error.value)


def test_sliders_become_blendshapes():
    motion = motion_of({"jaw": 0.5, "blink": 1.0, "smile": 0.0, "brow": -0.8}, 3, 30.0)
    assert len(motion) == 3 and motion.fps == 30.0 and not motion.euler.any() and not motion.translation.any()
    wanted = {
        "jawOpen": 0.5,
        "eyeBlinkLeft": 1,
        "eyeBlinkRight": 1,
        "browDownLeft": 0.8,
        "browDownRight": 0.8,
    }
    for name, index in ARKIT_INDEX.items():
        assert motion.blendshapes[:, index].tolist() == pytest.approx([wanted.get(name, 0.0)] * 3)


def test_sliders_go_on_top_of_a_motion():
    speech = Motion.still(4, 30.0)
    speech.blendshapes[:, ARKIT_INDEX["jawOpen"]] = torch.tensor([0.0, 0.2, 0.4, 0.1])
    before = speech.blendshapes.clone()
    made = on_top(speech, {"jaw": 0.0, "blink": 0.5, "smile": 0.0, "brow": 0.0})
    assert len(made) == 4 and made.fps == 30.0 and torch.equal(speech.blendshapes, before)
    assert torch.equal(made.blendshapes[:, ARKIT_INDEX["jawOpen"]], before[:, ARKIT_INDEX["jawOpen"]])
    assert made.blendshapes[:, ARKIT_INDEX["eyeBlinkLeft"]].tolist() == [0.5] * 4


def test_the_brows_have_two_ends():
    assert (
        shape_amounts({"brow": 0.25})["brow_up"] == 0.25 and shape_amounts({"brow": 0.25})["brow_down"] == 0
    )
    assert shape_amounts({"brow": -0.25})["brow_down"] == 0.25
    assert set(shape_amounts({})) == set(SHAPES) and not any(shape_amounts({}).values())


@pytest.mark.parametrize(
    "values", [{"jaw": 1.5}, {"jaw": -0.1}, {"brow": math.nan}, {"blink": "1"}, {"smile": None}]
)
def test_other_sliders_are_refused_in_a_sentence(values):
    with pytest.raises(MotionError) as error:
        checked_sliders(values)
    assert_one_sentence(error.value)


@pytest.mark.parametrize(("frames", "fps"), [(0, 25.0), (10**9, 25.0), (1, 0.0), (1, math.nan), (1, 1e9)])
def test_other_lengths_are_refused_in_a_sentence(frames, fps):
    with pytest.raises(MotionError) as error:
        motion_of({}, frames, fps)
    assert_one_sentence(error.value)
