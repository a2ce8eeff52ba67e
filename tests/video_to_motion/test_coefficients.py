"""3DMM expressions of a driver: the landmarks of known coefficients, measured back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.face_model.poses import PoseTrack, in_picture
from real3d_core.portrait.network_crop import MIN_FACE_AREA
from real3d_core.video_to_motion import FrameOfFace, VideoMotion, VideoToMotionSettings, video_to_motion
from real3d_core.video_to_motion.coefficients import framed
from real3d_core.wires import PORTRAIT_SIZE
from tests.cancelling import ends_at_any_step
from tests.deterministic import normal
from tests.expressive_bfm import expressive_face_model

FRAMES = 24
PICTURE = np.zeros((8, 8, 3), np.uint8)
LOST = 10


@dataclass(frozen=True)
class Driver:
    """expression [T, 64] that comes and goes, and the landmarks [T, 478, 3] of a film that shows it."""

    expression: Tensor
    landmarks: np.ndarray


@cache
def driver(side: float = 300.0, left: float = 800.0, top: float = 90.0) -> Driver:
    """A head that turns; it fills a square of `side` pixels of a wide film."""
    model, time = expressive_face_model(), torch.linspace(0, 2 * torch.pi, FRAMES)[:, None]
    waves = torch.cat([1 - time.cos(), 1 - (2 * time).cos()], 1) / 2
    expression = waves @ normal("drivers_expressions", (2, 64))
    identity = 0.5 * normal("drivers_identity", (80,))
    euler = torch.cat([0.1 * time.sin(), 0.25 * (2 * time).sin(), 0.05 * time.cos()], 1)
    points = model.at(model.index468).shape(identity, expression)
    seen = PoseTrack(euler, torch.zeros(FRAMES, 3)).rigid().seen(points)
    flat = in_picture(seen) * side + torch.tensor([left, top])
    deep = -(10 - seen[..., 2:]) * side / 2.2
    marks = torch.cat([flat, deep], -1)
    return Driver(expression, torch.cat([marks, marks[:, [468 // 2] * 10]], 1).numpy())


def driven(film: Driver, take: str = "both", fitted: bool = True) -> VideoMotion:
    """The motion of the film; its face is lost in one picture."""
    return video_to_motion(
        [PICTURE] * FRAMES,
        25.0,
        lambda index, picture: FrameOfFace(None if index == LOST else film.landmarks[index]),
        VideoToMotionSettings(take=take, smoothing=0),
        face_model=expressive_face_model() if fitted else None,
    )


def moved(expression: Tensor) -> np.ndarray:
    """[T, 468 * 3] how the matched landmarks move with an expression, against the clip's mean."""
    model = expressive_face_model()
    base = model.at(model.index468).expression_base.unflatten(0, (-1, 3))[~model.unmatched468].flatten(0, 1)
    points = expression @ base.T
    return (points - points.mean(0)).numpy()


@pytest.fixture(scope="module")
def found() -> VideoMotion:
    return driven(driver())


def test_known_expressions_are_measured_back(found: VideoMotion) -> None:
    asked, got = moved(driver().expression), moved(found.motion.expression)
    assert found.motion.expression.shape == (FRAMES, 64) and found.lost == 1
    assert np.corrcoef(asked.ravel(), got.ravel())[0, 1] >= 0.95
    assert 0.7 <= got.std() / asked.std() <= 1.1  # held small, as all fits of clips are


def test_where_in_the_film_the_face_is_does_not_matter() -> None:
    here, there = (framed(film.landmarks) for film in (driver(), driver(120.0, 20.0, 400.0)))
    np.testing.assert_allclose(there, here, atol=0.01)  # pixels
    size = (here.max(1) - here.min(1)).prod(1) / PORTRAIT_SIZE**2
    assert np.median(size) == pytest.approx(MIN_FACE_AREA, rel=1e-4)


def test_the_rest_of_the_motion_is_the_same(found: VideoMotion) -> None:
    without = driven(driver(), fitted=False).motion
    assert without.expression is None
    for name in ("blendshapes", "euler", "translation"):
        assert torch.equal(getattr(without, name), getattr(found.motion, name))


def test_a_pose_alone_has_no_expression() -> None:
    assert driven(driver(), "pose").motion.expression is None


def test_can_be_cancelled_while_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    from real3d_core.face_model import fit

    monkeypatch.setattr(fit, "STEPS_PER_STAGE", 3)
    film = driver()
    ends_at_any_step(
        lambda check: video_to_motion(
            [PICTURE] * FRAMES,
            25.0,
            lambda index, picture: FrameOfFace(film.landmarks[index]),
            check=check,
            face_model=expressive_face_model(),
        ),
        FRAMES + 6,
    )
