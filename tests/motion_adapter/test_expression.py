"""ARKit weights become shape weights and gaze."""

import pytest
import torch

from real3d_core.motion.presets import PresetSettings, preset_motion
from real3d_core.motion_adapter.expression import HIGHEST, SMILE_RELAX, combined, shape_weights
from real3d_core.wires import ARKIT_INDEX, Motion
from tools.measure_lips import Sitter

NAMES = (
    "jawOpen",
    "mouthClose",
    "jawOpenLipsTogether",
    "eyeBlinkLeft",
    "eyeHalfClosedLeft",
    "smileRelax",
    "eyeWideLeft",
)


def frame(**weights: float) -> Motion:
    motion = Motion.still(1)
    for name, value in weights.items():
        motion.blendshapes[0, ARKIT_INDEX[name]] = value
    return motion


def weights_of(**weights: float) -> dict[str, float]:
    shapes = shape_weights(frame(**weights), NAMES).shapes[0]
    return {name: float(v) for name, v in zip(NAMES, shapes, strict=True)}


def test_rest_moves_nothing():
    result = shape_weights(Motion.still(3), NAMES)
    assert not result.shapes.any()
    assert not result.gaze.any()


def test_correctives_follow_their_causes():
    w = weights_of(jawOpen=0.6, mouthClose=0.4)
    assert w["jawOpenLipsTogether"] == pytest.approx(0.4)
    assert w["smileRelax"] == pytest.approx(SMILE_RELAX)
    assert weights_of(eyeBlinkLeft=0.5)["eyeHalfClosedLeft"] == pytest.approx(1.0, abs=0.01)
    assert weights_of(eyeBlinkLeft=1.0)["eyeHalfClosedLeft"] == pytest.approx(0.0)


def test_a_frown_takes_a_photo_s_smile_back_and_leaves_closed_lips_closed(portrait, nets):
    assert weights_of(mouthFrownLeft=1.0, mouthFrownRight=1.0)["smileRelax"] == pytest.approx(1.0)
    lips = Sitter(portrait, nets)
    for expression in ("anger", "sad"):
        motion = preset_motion(PresetSettings(expression, seconds=1.0, ease_in=0.0, ease_out=0.0))
        assert lips.geometry(motion).opening[12] < 0.02  # 0.14 in the photo


def test_wild_weights_are_bounded():
    assert weights_of(jawOpen=50.0)["jawOpen"] == pytest.approx(HIGHEST)


def test_lids_follow_the_gaze():
    assert 0.1 < weights_of(eyeLookDownLeft=0.5)["eyeBlinkLeft"] < 0.4
    assert weights_of(eyeLookDownLeft=1.0, eyeBlinkLeft=1.0)["eyeBlinkLeft"] == pytest.approx(1.0)
    assert weights_of(eyeLookUpLeft=1.0)["eyeWideLeft"] > 0.2


def test_gaze_to_the_persons_left_goes_to_the_images_right_in_both_eyes():
    gaze = shape_weights(frame(eyeLookOutLeft=1.0, eyeLookInRight=1.0), NAMES).gaze[0]
    assert (gaze[:, 0] > 0.2).all()
    assert (gaze[:, 1] == 0).all()
    down = shape_weights(frame(eyeLookDownLeft=1.0, eyeLookDownRight=1.0), NAMES).gaze[0]
    assert (down[:, 1] > 0.1).all()


def test_combined_adds_and_holds_the_last_frame():
    first, second = frame(jawOpen=0.3), Motion.still(3)
    second.euler[:, 1] = torch.tensor([0.1, 0.2, 0.3])
    both = combined(first, second)
    assert len(both) == 3
    assert both.channel("jawOpen").tolist() == pytest.approx([0.3] * 3)
    assert both.euler[:, 1].tolist() == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize(("fps", "expected"), [(50.0, [0.0, 0.2, 0.4]), (12.5, [0.0, 0.05, 0.1, 0.15])])
def test_combined_brings_the_second_motion_to_the_rate_of_the_first(fps, expected):
    count = round(len(expected) * fps / 25)
    second = Motion.still(count, fps)
    second.euler[:, 0] = torch.arange(count) * 0.1
    both = combined(Motion.still(1), second)
    assert both.fps == 25 and len(both) == len(expected)
    assert both.euler[:, 0].tolist() == pytest.approx([*expected[:-1], min(expected[-1], 0.1 * (count - 1))])
