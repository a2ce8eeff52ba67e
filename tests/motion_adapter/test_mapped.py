"""What a motion asks of the face model: blendshapes, expressions, or both."""

from dataclasses import replace

import pytest
import torch

from real3d_core.face_model.expression_map import expression_to_shapes, shapes_to_expression
from real3d_core.motion.groups import GROUP_COLUMNS
from real3d_core.motion_adapter.expression import HIGHEST
from real3d_core.motion_adapter.mapped import mapped_expressions
from real3d_core.wires import ARKIT_INDEX, ARKIT_NAMES, FaceCoefficients, Motion
from tests.deterministic import normal
from tests.expressive_bfm import expressive_face_model

FRAMES = 12
OTHERS = list(GROUP_COLUMNS["brows"] + GROUP_COLUMNS["eyes"])
LIDS_AND_GAZE = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith(("eyeBlink", "eyeLook"))]


@pytest.fixture(scope="module")
def portrait():
    zero = torch.zeros(3)
    return FaceCoefficients(0.5 * normal("mapped identity", (80,)), 0.3 * normal("own", (64,)), zero, zero)


@pytest.fixture(scope="module")
def spoken():
    """A motion with an expression and the blendshapes that look like it, as speech has them."""
    expression = 0.4 * normal("spoken", (FRAMES, 64))
    weights = expression_to_shapes(expressive_face_model())(expression)
    weights[3:5, ARKIT_INDEX["eyeBlinkLeft"]] = 0.8
    return replace(Motion.still(FRAMES), blendshapes=weights, expression=expression)


def mapped(motion, portrait):
    return mapped_expressions(motion, expressive_face_model(), portrait)


def with_weights(motion, **weights):
    rows = motion.blendshapes.clone()
    for name, value in weights.items():
        rows[:, ARKIT_INDEX[name]] = value
    return replace(motion, blendshapes=rows)


def shape(portrait, name):
    """[64] what a shape adds at weight 1."""
    shapes = shapes_to_expression(expressive_face_model(), portrait.identity, portrait.expression)
    return shapes.matrix[shapes.names.index(name)]


def test_rest_blinks_and_gaze_leave_the_portraits_expression(portrait):
    still = Motion.still(2)
    assert torch.equal(mapped(still, portrait), portrait.expression.expand(2, 64))
    looking = with_weights(
        still, eyeBlinkLeft=1.0, eyeBlinkRight=0.4, eyeLookInLeft=0.5, eyeLookDownRight=0.5
    )
    assert torch.equal(mapped(looking, portrait), portrait.expression.expand(2, 64))


def test_blendshapes_are_added_to_the_portraits_expression(portrait):
    motion = with_weights(Motion.still(3), browInnerUp=0.5, mouthSmileLeft=0.25)
    added = 0.5 * shape(portrait, "browInnerUp") + 0.25 * shape(portrait, "mouthSmileLeft")
    assert torch.allclose(mapped(motion, portrait), portrait.expression + added, atol=1e-5)


def test_correctives_and_limits_are_those_of_the_built_in_avatar(portrait):
    closed = mapped(with_weights(Motion.still(1), jawOpen=0.6, mouthClose=0.6), portrait)
    parts = ("jawOpen", "mouthClose", "jawOpenLipsTogether")
    expected = portrait.expression + 0.6 * sum(shape(portrait, name) for name in parts)
    relaxed = shape(portrait, "smileRelax")
    assert torch.allclose(closed[0], expected + 0.45 * relaxed, atol=1e-4)
    wild = mapped(with_weights(Motion.still(1), cheekPuff=50.0), portrait)
    assert torch.allclose(wild[0], portrait.expression + HIGHEST * shape(portrait, "cheekPuff"), atol=1e-5)


def test_an_expression_is_taken_as_it_is(portrait, spoken):
    assert torch.equal(mapped(spoken, portrait), spoken.expression)
    alone = spoken.blendshapes.clone()
    alone[:, [i for i in range(len(ARKIT_NAMES)) if i not in LIDS_AND_GAZE]] = 0
    assert torch.equal(mapped(replace(spoken, blendshapes=alone), portrait), spoken.expression)
    halved = mapped(spoken[4:9], portrait)
    assert torch.allclose(halved, spoken.expression[4:9], atol=1e-6)


def test_brows_from_elsewhere_come_on_top_and_the_mouth_does_not_move_twice(portrait, spoken):
    raised = spoken.blendshapes.clone()
    raised[:, ARKIT_INDEX["browInnerUp"]] += 0.3
    raised[:, ARKIT_INDEX["jawOpen"]] += 0.3  # the expression says what the mouth does
    got = mapped(replace(spoken, blendshapes=raised), portrait)
    assert torch.allclose(got, spoken.expression + 0.3 * shape(portrait, "browInnerUp"), atol=1e-4)


def test_the_brows_of_another_face_replace_those_of_the_expression(portrait, spoken):
    """Mouth from sound, brows and eyes from a video: the sound's own are gone."""
    other = torch.zeros(FRAMES, len(ARKIT_NAMES))
    other[:, ARKIT_INDEX["browDownLeft"]] = 0.7
    joined = spoken.blendshapes.clone()
    joined[:, OTHERS] = other[:, OTHERS]
    got = expression_to_shapes(expressive_face_model())(
        mapped(
            replace(spoken, blendshapes=joined), FaceCoefficients(*(torch.zeros(n) for n in (80, 64, 3, 3)))
        )
    )
    brows, eyes = list(GROUP_COLUMNS["brows"]), list(GROUP_COLUMNS["eyes"])
    assert (got - other)[:, brows].abs().mean() < 0.05 < 0.15 < spoken.blendshapes[:, brows].abs().mean()
    assert (got - other)[:, eyes].abs().mean() < spoken.blendshapes[:, eyes].abs().mean()
    jaw = ARKIT_INDEX["jawOpen"]
    assert (got - spoken.blendshapes)[:, jaw].abs().max() < 0.05
