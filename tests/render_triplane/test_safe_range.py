"""The safe range: nothing changes within it, nothing kinks at its edge, camera and head count together."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from real3d_core.camera_path.tracks import track
from real3d_core.errors import RenderError
from real3d_core.render_triplane.cameras import resolve, split_camera
from real3d_core.render_triplane.safe_range import (
    MOST,
    SAFE,
    camera_angles,
    limited_camera,
    limited_view,
    soft_limit,
    view_angles,
)
from real3d_core.wires import Camera, Motion, TriPlane
from tests.render_triplane.heads import ellipsoid_head
from tests.sentences import assert_one_sentence

DEGREE = math.pi / 180


def turning(yaw: torch.Tensor, pitch: torch.Tensor | None = None) -> TriPlane:
    """A head that turns by yaw, pitch [T] degrees."""
    pitch = torch.zeros_like(yaw) if pitch is None else pitch
    euler = torch.stack([pitch, yaw, torch.zeros_like(yaw)], -1) * DEGREE
    return replace(ellipsoid_head(), motion=replace(Motion.still(len(yaw)), euler=euler))


def seen_from(triplane: TriPlane, camera: Camera) -> tuple[torch.Tensor, torch.Tensor]:
    """Yaw and pitch in degrees of the cameras that the renderer really uses, seen from the head."""
    frames = len(triplane) if triplane.motion is not None else len(camera)
    c2w = resolve(triplane, camera, 0, frames).c2w
    rest = split_camera(triplane.camera).c2w
    towards = (c2w[:, :3, :3] @ rest[:3, :3].T)[:, :, 2]
    return torch.atan2(towards[:, 0], towards[:, 2]) / DEGREE, torch.asin(towards[:, 1]) / DEGREE


def test_soft_limit_leaves_the_range_alone_and_has_no_kink() -> None:
    angle = torch.linspace(-2, 2, 4001, dtype=torch.float64)
    limited = soft_limit(angle, *(SAFE[0], MOST[0]))
    inside = angle.abs() <= SAFE[0]
    assert torch.equal(limited[inside], angle[inside])
    assert limited.abs().max() <= MOST[0]
    slope = limited.diff() / angle.diff()
    assert slope.min() >= 0 and slope.max() <= 1 + 1e-9
    assert slope.diff().abs().max() < 0.02  # a kink would be a jump of the slope
    torch.testing.assert_close(limited.flip(0), -limited)


def test_within_the_range_everything_stays_the_same_object() -> None:
    head, camera = turning(torch.tensor([10.0, -10.0])), track(2, yaw=torch.tensor([14 * DEGREE]))
    view = limited_view(head, camera)
    assert view.triplane is head and view.camera is camera
    assert view.asked.warning(limited=True) is None


def test_angles_are_those_of_the_renderers_cameras() -> None:
    head = turning(torch.tensor([12.0, -30.0, 5.0]), torch.tensor([5.0, -9.0, 25.0]))
    camera = track(3, yaw=torch.tensor([0.3, -0.1, 0.2]), pitch=torch.tensor([0.1, 0.2, -0.3]))
    angles = view_angles(head, camera)
    yaw, pitch = seen_from(head, camera)
    torch.testing.assert_close(angles.yaw / DEGREE, yaw, atol=1e-3, rtol=0)
    torch.testing.assert_close(angles.pitch / DEGREE, pitch, atol=1e-3, rtol=0)


def test_camera_and_head_count_together() -> None:
    """Each alone is within the range; a head that turns towards the camera takes nothing."""
    camera = track(1, yaw=torch.tensor([20 * DEGREE]))
    away, towards = turning(torch.tensor([-20.0])), turning(torch.tensor([20.0]))
    assert limited_view(towards, camera).triplane is towards
    view = limited_view(away, camera)
    assert float(view.asked.yaw) / DEGREE == pytest.approx(40, abs=0.01)
    shown = float(view_angles(view.triplane, view.camera).yaw) / DEGREE
    assert 25 < shown <= 30.01
    gave = 20 - float(view.camera.yaw) / DEGREE, 20 + float(view.triplane.motion.euler[0, 1]) / DEGREE
    assert gave[0] == pytest.approx(gave[1], abs=0.3) and min(gave) > 4  # both give back the same


def test_only_the_one_that_went_too_far_is_brought_back() -> None:
    view = limited_view(turning(torch.tensor([-50.0])), Camera.front())
    assert view.camera.yaw.abs().max() < 1e-6 and view.camera.pitch.abs().max() < 1e-6
    assert -30.01 <= float(view.triplane.motion.euler[0, 1]) / DEGREE < -25


@pytest.mark.parametrize("roll", [0.0, 20.0])
def test_everything_asked_for_is_shown_within_the_limit(roll: float) -> None:
    random = torch.Generator().manual_seed(5)
    yaw, pitch = (torch.rand(40, generator=random) * 2 - 1 for _ in range(2))
    head = turning(60 * yaw, 40 * pitch)
    head = replace(
        head, motion=replace(head.motion, euler=head.motion.euler + torch.tensor([0, 0, roll * DEGREE]))
    )
    camera = track(
        40,
        yaw=torch.rand(40, generator=random) * 80 * DEGREE,
        pitch=torch.rand(40, generator=random) * 40 * DEGREE,
    )
    view = limited_view(head, camera)
    shown = view_angles(view.triplane, view.camera)
    assert float(shown.yaw.abs().max()) / DEGREE < 30.6 and float(shown.pitch.abs().max()) / DEGREE < 20.6
    inside = ~view.asked.beyond & ~camera_angles(camera).beyond
    assert bool(inside.any())
    assert torch.equal(view.triplane.motion.euler[inside], head.motion.euler[inside])
    assert torch.equal(view.camera.yaw[inside], camera.yaw[inside])


def test_a_movement_through_the_edge_has_no_kink() -> None:
    yaw = 40 * torch.sin(torch.linspace(0, 2 * math.pi, 200))
    view = limited_view(turning(-yaw), track(200, yaw=yaw * DEGREE / 2))
    shown = view_angles(view.triplane, view.camera).yaw / DEGREE
    before = view.asked.yaw / DEGREE
    assert float(before.max()) > 55
    hard = before.clamp(-math.degrees(SAFE[0]), math.degrees(SAFE[0]))
    assert float(shown.diff().diff().abs().max()) < 0.3 * float(hard.diff().diff().abs().max())
    assert float(shown.abs().max()) < 30.05


def test_a_whole_turn_ends_at_the_side() -> None:
    turn = limited_camera(track(90, yaw=torch.linspace(0, 2 * math.pi, 90)))
    assert (turn.yaw.diff() >= -1e-6).all() and float(turn.yaw.max()) < MOST[0] + 1e-6


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_camera_that_is_nowhere_is_not_limited_but_refused(value: float) -> None:
    with pytest.raises(RenderError) as error:
        limited_view(ellipsoid_head(), track(2, yaw=torch.tensor([0.0, value])))
    assert_one_sentence(error.value)


def test_the_motion_given_is_not_changed() -> None:
    head = turning(torch.tensor([50.0]))
    before = head.motion.euler.clone()
    with torch.inference_mode():
        limited_view(head, track(1, yaw=torch.tensor([-0.6])))
    assert torch.equal(head.motion.euler, before)


def test_the_warning_says_how_far_and_what_to_do() -> None:
    angles = camera_angles(track(4, yaw=torch.tensor([0.0, 10, 20, 40]) * DEGREE))
    warning = angles.warning(limited=True)
    assert (
        "40 degrees of yaw" in warning
        and "1 of 4 frames" in warning
        and "keeps it within 30 and 20" in warning
    )
    assert "Turn on limit" in angles.warning(limited=False)
