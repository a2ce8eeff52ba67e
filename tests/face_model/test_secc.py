"""SECC maps of a whole face model: directions, holes, independence of frames, errors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from real3d_core.errors import MotionError
from real3d_core.face_model import secc
from real3d_core.face_model.bfm import FaceModel
from real3d_core.face_model.secc import SeccRenderer, draw_secc
from tests.bfm_making import synthetic_face_model
from tests.deterministic import coefficients

SIZE = 96


@pytest.fixture(scope="module")
def face() -> FaceModel:
    return synthetic_face_model()


@pytest.fixture(scope="module")
def identity() -> Tensor:
    return torch.from_numpy(coefficients(4).identity[0])


@pytest.fixture(scope="module")
def expression() -> Tensor:
    return torch.from_numpy(coefficients(4).expression)


def test_axes(face: FaceModel) -> None:
    """Red grows to the image's right, green upwards: they are the coordinates of the mean shape."""
    drawn = SeccRenderer(face, SIZE).render(torch.zeros(80), torch.zeros(64))[0]
    inside = drawn[:, SIZE // 2 - 20 : SIZE // 2 + 20, SIZE // 2 - 20 : SIZE // 2 + 20]
    seen = (inside != -1).all(0)
    assert seen.float().mean() > 0.7
    assert (inside[0].diff(dim=1)[seen[:, 1:] & seen[:, :-1]] > 0).all()
    assert (inside[1].diff(dim=0)[seen[1:] & seen[:-1]] < 0).all()


def test_range_ground_and_eyes(face: FaceModel, identity: Tensor, expression: Tensor) -> None:
    drawn = SeccRenderer(face, SIZE).render(identity, expression[:1])
    assert drawn.min() == -1
    assert drawn.max() <= 1
    assert (drawn[0, :, 0, 0] == -1).all()
    shapes = face.shape(identity, expression[:1])
    blind = draw_secc(shapes, face.triangles, face.colours, SIZE).colours
    holes = ((drawn == -1) & (blind != -1)).all(1)[0]
    assert 20 < holes.sum() < 0.03 * SIZE * SIZE
    columns = torch.nonzero(holes.any(0))[:, 0]
    assert columns.min() < SIZE // 2 < columns.max()
    assert not holes[:, SIZE // 2 - 2 : SIZE // 2 + 2].any()


def test_a_frame_does_not_depend_on_the_others(
    face: FaceModel, identity: Tensor, expression: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer = SeccRenderer(face, SIZE)
    together = renderer.render(identity, expression)
    assert together.shape == (4, 3, SIZE, SIZE)
    monkeypatch.setattr(secc, "_frames_at_once", lambda device: 3)  # as on a GPU
    assert torch.equal(renderer.render(identity, expression.flip(0)), together.flip(0))
    assert torch.equal(renderer.render(identity, expression[2])[0], together[2])
    assert renderer.render(identity, expression[:0]).shape == (0, 3, SIZE, SIZE)


def test_another_identity_is_not_drawn_with_the_kept_one(
    face: FaceModel, identity: Tensor, expression: Tensor
) -> None:
    renderer = SeccRenderer(face, SIZE)
    first = renderer.render(identity, expression[0])
    other = renderer.render(-identity, expression[0])
    assert not torch.equal(first, other)
    assert torch.equal(other, SeccRenderer(face, SIZE).render(-identity[None], expression[:1]))
    reused = identity.clone()
    renderer.render(reused, expression[0])
    reused.neg_()  # the caller's own tensor is not what is kept
    assert torch.equal(renderer.render(reused, expression[0]), other)


def test_threads(face: FaceModel, identity: Tensor, expression: Tensor) -> None:
    renderer = SeccRenderer(face, SIZE)
    wanted = [SeccRenderer(face, SIZE).render(sign * identity, expression[0]) for sign in (1, -1)]
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(renderer.render, (1 - 2 * (k % 2)) * identity, expression[0]) for k in range(4)]
        for k, job in enumerate(jobs):
            assert torch.equal(job.result(), wanted[k % 2])


def test_bad_coefficients_are_refused(face: FaceModel, identity: Tensor, expression: Tensor) -> None:
    renderer = SeccRenderer(face, SIZE)
    for bad in (identity[:79], torch.stack([identity, identity]), identity * float("nan")):
        with pytest.raises(MotionError):
            renderer.render(bad, expression)
    for bad in (expression[:, :52], expression[None], expression * float("inf")):
        with pytest.raises(MotionError):
            renderer.render(identity, bad)
