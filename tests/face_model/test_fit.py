"""Fit of the face model to landmarks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from real3d_core.errors import FaceNotFoundError
from real3d_core.face_model import fit
from real3d_core.face_model.fit import fit_image, fit_video
from real3d_core.face_model.landmark_weights import IMAGE_WEIGHTS, VIDEO_WEIGHTS
from real3d_core.face_model.poses import PoseTrack, in_picture
from tests.bfm_making import synthetic_face_model
from tests.cancelling import ends_at_any_step
from tests.deterministic import coefficients
from tests.sentences import assert_one_sentence

SIZE = 512
MADE = coefficients(4)


TRUE = PoseTrack(torch.tensor(MADE.euler), torch.tensor(MADE.translation))


def landmarks(shape: float = 1.0) -> torch.Tensor:
    """[4, 478, 2] pixels: the landmarks of known coefficients (ten more points, as of the irises)."""
    model = synthetic_face_model()
    identity, expression = (shape * torch.tensor(part) for part in (MADE.identity, MADE.expression))
    points = model.at(model.index468).shape(identity, expression)
    return torch.cat([in_picture(TRUE.rigid().seen(points)) * SIZE, torch.full((4, 10, 2), torch.nan)], 1)


def test_finds_the_pose_of_a_rigid_face() -> None:
    """The bases of the made-up face model are waves that pass for small turns, so they are left out here."""
    model = synthetic_face_model()
    nothing = {name: torch.zeros_like(getattr(model, name)) for name in ("identity_base", "expression_base")}
    rigid = replace(model, **nothing)
    image, video = fit_image(rigid, landmarks(0)[2], SIZE), fit_video(rigid, landmarks(0), SIZE)
    assert torch.allclose(image.euler, TRUE.euler[2], atol=1e-4)
    assert torch.allclose(image.translation, TRUE.translation[2], atol=1e-3)
    assert torch.allclose(video.euler, TRUE.euler, atol=1e-3)
    assert torch.allclose(video.translation, TRUE.translation, atol=1e-3)
    assert torch.equal(video.frame(2).euler, video.poses.euler[2])


def test_finds_the_points_of_a_picture() -> None:
    model, wanted = synthetic_face_model(), landmarks()[1]
    found = fit_image(model, wanted, SIZE)
    assert (found.identity.shape, found.expression.shape) == ((80,), (64,))
    points = model.at(model.index468).shape(found.identity, found.expression)
    poses = PoseTrack(found.euler[None], found.translation[None]).rigid()
    missed = (in_picture(poses.seen(points))[0] * SIZE - wanted[:468])[~model.unmatched468]
    assert float(missed.norm(dim=1).median()) < 1.0  # pixel
    assert not found.expression.requires_grad


def test_the_size_of_the_picture_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "STEPS_PER_STAGE", 40)
    model, points = synthetic_face_model(), landmarks()[0]
    half, whole = fit_image(model, points / 2, SIZE // 2), fit_image(model, points, SIZE)
    assert torch.allclose(half.euler, whole.euler, atol=1e-4)


def test_a_clip_in_pieces_is_fitted_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "STEPS_PER_STAGE", 40)
    whole = fit_video(synthetic_face_model(), landmarks(), SIZE)
    monkeypatch.setattr(fit, "CHUNK", 3)
    pieces = fit_video(synthetic_face_model(), landmarks(), SIZE)
    assert torch.allclose(pieces.expression, whole.expression, atol=1e-3)
    assert torch.allclose(pieces.identity, whole.identity, atol=1e-3)
    assert torch.allclose(pieces.euler, whole.euler, atol=1e-3)


def test_can_be_cancelled_and_tells_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "STEPS_PER_STAGE", 10)
    points = landmarks()
    told: list[tuple[int, int]] = []
    fit_image(
        synthetic_face_model(), points[0], SIZE, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(i + 1, 20) for i in range(20)]
    ends_at_any_step(lambda check: fit_video(synthetic_face_model(), points, SIZE, check), 20)


@pytest.mark.parametrize(
    "points",
    [torch.zeros(467, 2), torch.zeros(468, 1), torch.zeros(468), torch.full((468, 2), torch.nan)],
)
def test_landmarks_that_cannot_be_fitted(points: torch.Tensor) -> None:
    with pytest.raises(FaceNotFoundError) as error:
        fit_image(synthetic_face_model(), points, SIZE)
    assert_one_sentence(error.value)


def test_a_clip_without_frames() -> None:
    with pytest.raises(FaceNotFoundError):
        fit_video(synthetic_face_model(), torch.zeros(0, 468, 2), SIZE)


def test_weights() -> None:
    image, video = IMAGE_WEIGHTS.each(), VIDEO_WEIGHTS.each()
    # cheek, forehead, nose; eye corner, upper lid, lower lid; lips outside and inside; outline without vertex
    for weights, groups in ((image, (1, 5, 5, 2)), (video, (1, 3, 20, 5))):
        rest, eyes, lids, lips = groups
        assert weights[[50, 10, 1]].tolist() == [rest] * 3
        assert weights[[33, 145, 263]].tolist() == [eyes] * 3
        assert weights[[159, 386]].tolist() == [lids] * 2
        assert weights[[61, 17, 13, 308]].tolist() == [lips] * 4
        assert weights[[93, 127, 454]].tolist() == [0] * 3
    assert [(video == w).sum().item() for w in (0, 3, 20, 5)] == [8, 22, 10, 40]
