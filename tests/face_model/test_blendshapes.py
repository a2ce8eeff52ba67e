"""Every ARKit weight moves the right part of the face, on the right side, the right way."""

import numpy as np
import pytest

from real3d_core.face_model import topology as t
from real3d_core.face_model.blendshapes import CORRECTIVES, canonical_shapes, personal_shapes, smile_of
from real3d_core.face_model.canonical import canonical_face
from real3d_core.face_model.mesh import Similarity
from real3d_core.wires import ARKIT_NAMES

PLACED = Similarity(0.025, np.eye(3), np.zeros(3))


def face_with(move: dict[int, tuple[float, float, float]]) -> np.ndarray:
    """The canonical face in world units with some points moved (cm)."""
    v = canonical_face().vertices.copy()
    for k, d in move.items():
        v[k] += d
    return PLACED(v)


def all_shapes() -> dict[str, np.ndarray]:
    return canonical_shapes() | personal_shapes(face_with({}), PLACED)


def test_every_arkit_weight_but_gaze_and_tongue_has_a_shape():
    covered = set(all_shapes()) | {n for n in ARKIT_NAMES if n.startswith("eyeLook")} | {"tongueOut"}
    assert covered == set(ARKIT_NAMES) | set(CORRECTIVES)


@pytest.mark.parametrize("name", [n for n in ARKIT_NAMES if n.endswith("Left") and "Look" not in n])
def test_left_and_right_mirror_each_other(name):
    shapes = all_shapes()
    left, right = shapes[name], shapes[name.replace("Left", "Right")]
    mirrored = right[canonical_face().mirror] * [-1, 1, 1]
    assert np.abs(left - mirrored).max() < 0.02 * np.abs(left).max() + 1e-3
    if name not in ("mouthLeft", "jawLeft"):
        side = canonical_face().vertices[:, 0]
        assert np.abs(left[side > 1]).max() > 3 * np.abs(left[side < -1]).max()


@pytest.mark.parametrize(
    ("name", "vertex", "axis", "sign"),
    [
        ("jawOpen", 152, 1, -1),
        ("mouthSmileLeft", 291, 1, 1),
        ("mouthFrownRight", 61, 1, -1),
        ("mouthPucker", 291, 0, -1),
        ("mouthStretchRight", 61, 0, -1),
        ("mouthUpperUpLeft", 267, 1, 1),
        ("mouthLowerDownLeft", 314, 1, -1),
        ("mouthLeft", 13, 0, 1),
        ("jawRight", 152, 0, -1),
        ("browInnerUp", 107, 1, 1),
        ("browDownLeft", 336, 1, -1),
        ("browOuterUpRight", 70, 1, 1),
        ("eyeBlinkLeft", 386, 1, -1),
        ("eyeWideRight", 159, 1, 1),
        ("cheekPuff", 205, 2, 1),
        ("noseSneerLeft", 327, 1, 1),
    ],
)
def test_moves_the_right_way(name, vertex, axis, sign):
    assert sign * all_shapes()[name][vertex, axis] > 0.04


def test_eyes_and_ears_stay_while_the_mouth_moves():
    for name in ("jawOpen", "mouthPucker", "mouthFunnel", "mouthSmileLeft", "mouthStretchRight"):
        still = [33, 133, 362, 263, 10, t.EAR_LEFT, t.EAR_RIGHT]
        assert np.abs(canonical_shapes()[name][still]).max() < 0.05


def test_mouth_close_closes_an_open_mouth():
    points = face_with({k: (0, -0.8 * (1 - abs(i - 4) / 5), 0) for i, k in enumerate(t.LOWER_LIP_RINGS[0])})
    shape = personal_shapes(points, PLACED)["mouthClose"]
    gap_before = points[13, 1] - points[14, 1]
    gap_after = gap_before + PLACED.scale * (shape[13, 1] - shape[14, 1])
    assert gap_before > 0.02
    assert -0.3 * gap_before < gap_after <= 0


def test_blink_covers_the_eye():
    points = face_with({})
    shapes = personal_shapes(points, PLACED)
    for slit, name in ((t.LEFT_EYE, "eyeBlinkLeft"), (t.RIGHT_EYE, "eyeBlinkRight")):
        up, low = slit.upper[4], slit.lower[4]
        gap = points[up, 1] - points[low, 1]
        closed = gap + PLACED.scale * (shapes[name][up, 1] - shapes[name][low, 1])
        assert -0.3 * gap < closed <= 0


def test_a_neutral_face_does_not_smile_and_a_smile_is_seen():
    assert smile_of(face_with({}), PLACED) < 0.05
    smiling = (
        canonical_face().vertices
        + canonical_shapes()["mouthSmileLeft"]
        + canonical_shapes()["mouthSmileRight"]
    )
    assert smile_of(PLACED(smiling), PLACED) > 0.6
