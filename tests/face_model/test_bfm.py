"""The 3D morphable face model: reading its entries, evaluating it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from real3d_core.errors import CheckpointError
from real3d_core.face_model.bfm import FaceModel
from tests.bfm_making import synthetic_face_model
from tests.deterministic import normal
from tests.sentences import assert_one_sentence

VERTICES, FACES = 12, 7


def entries() -> dict[str, np.ndarray]:
    """A small model of the original files' layout."""
    index = np.arange(468) % VERTICES
    index[[93, 454]] = -999
    return {
        "meanshape": normal("mean", (1, 3 * VERTICES)).numpy().astype(np.float64),
        "idBase": normal("id", (3 * VERTICES, 80)).numpy(),
        "exBase": normal("exp", (3 * VERTICES, 64)).numpy(),
        "tri": (np.arange(3 * FACES).reshape(FACES, 3) % VERTICES + 1).astype(np.uint16),
        "keypoints": np.array([[VERTICES, *range(1, VERTICES)] * 6])[:, :68],
        "index_mp468": index,
        "ncc_code": np.linspace(0, 1, 3 * VERTICES).reshape(3, VERTICES),
        "eye_faces_left": np.array([2]),
        "eye_faces_right": np.array([[5, 7]]),
    }


def test_entries_become_a_model() -> None:
    given = entries()
    model = FaceModel.from_tensors(given)
    mean = torch.from_numpy(given["meanshape"].reshape(-1, 3))
    assert torch.allclose(model.mean, (mean - mean.mean(0)).float(), atol=1e-6)
    assert {model.mean.dtype, model.identity_base.dtype, model.colours.dtype} == {torch.float32}
    assert model.triangles.tolist() == (given["tri"].astype(int) - 1).tolist()
    assert model.visible_triangles.tolist() == [model.triangles.tolist()[i] for i in (0, 2, 3, 5)]
    assert model.keypoints[:3].tolist() == [VERTICES - 1, 0, 1]
    # The vertex after the last one does not exist.
    assert model.trained_keypoints[:3].tolist() == [VERTICES - 1, 1, 2]
    assert model.index468[[0, 1, 93]].tolist() == [0, 1, 0]
    assert model.unmatched468.nonzero().flatten().tolist() == [93, 454]
    assert torch.equal(model.colours, torch.from_numpy(given["ncc_code"].T).float())


def test_a_few_points_alone_equal_those_of_the_whole() -> None:
    model = synthetic_face_model()
    identity, expression = normal("id", (1, 80)), normal("exp", (3, 64))
    points = torch.tensor([35708, 0, 17, 17])
    whole, few = model.shape(identity, expression), model.at(points).shape(identity, expression)
    assert whole.shape == (3, 35709, 3)
    assert torch.allclose(few, whole[:, points], atol=1e-5)


def test_shape_takes_one_row_for_all_frames() -> None:
    model = FaceModel.from_tensors(entries())
    identity, expression = normal("id", (80,)), normal("exp", (4, 64))
    each = model.shape(identity.expand(4, 80), expression)
    assert torch.allclose(model.shape(identity, expression), each, atol=1e-5)
    assert torch.allclose(model.shape(identity, expression[1]), each[1:2], atol=1e-5)
    assert torch.equal(model.shape(torch.zeros(80), torch.zeros(64))[0], model.mean)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("meanshape", np.zeros((1, 3 * VERTICES + 1))),
        ("meanshape", np.zeros((1, 0))),
        ("idBase", np.zeros((3 * VERTICES, 79))),
        ("exBase", np.full((3 * VERTICES, 64), np.nan)),
        ("tri", np.full((FACES, 3), VERTICES + 1)),
        ("tri", np.zeros((FACES, 3), int)),
        ("keypoints", np.ones((1, 67), int)),
        ("index_mp468", np.full(468, VERTICES)),
        ("index_mp468", np.full(468, -1)),
        ("ncc_code", np.zeros((VERTICES, 3))),
        ("eye_faces_left", np.array([FACES + 1])),
        ("eye_faces_right", np.array(3)),
    ],
)
def test_a_wrong_entry_is_named(name: str, value: np.ndarray) -> None:
    with pytest.raises(CheckpointError, match=f"'{name}'") as error:
        FaceModel.from_tensors({**entries(), name: value})
    assert_one_sentence(error.value)


def test_a_missing_entry_is_named() -> None:
    for name in entries():
        given = entries()
        del given[name]
        with pytest.raises(CheckpointError, match=f"'{name}'") as error:
            FaceModel.from_tensors(given)
        assert_one_sentence(error.value)
