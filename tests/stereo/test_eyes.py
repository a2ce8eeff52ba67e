"""The two cameras: off-axis, level, and apart by the formula."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from real3d_core.camera_path.tracks import track
from real3d_core.errors import CameraError
from real3d_core.render_triplane.cameras import project, resolve
from real3d_core.stereo.eyes import eyes_of
from real3d_core.wires import Camera
from tests.render_triplane.heads import ellipsoid_head
from tests.sentences import assert_one_sentence


def seen(point: torch.Tensor, camera: Camera, frame: int = 0) -> torch.Tensor:
    cameras = resolve(ellipsoid_head(), camera, 0, len(camera))
    return project(point, cameras.view[frame], cameras.intrinsics[frame])


def test_what_lies_in_the_plane_is_at_one_place_and_the_rest_apart_by_the_formula() -> None:
    head = ellipsoid_head()
    eyes = eyes_of(head, Camera.front(), 0.15, 0.2)
    for x, y, z in ((0.0, 0.0, 0.2), (0.3, -0.2, 0.2), (0.1, 0.1, 0.35), (-0.2, 0.3, -0.4)):
        point = torch.tensor([x, y, z]) + torch.tensor([0, 0, float(head.pivot[2])])
        left, right = seen(point, eyes.left), seen(point, eyes.right)
        expected = float(eyes.disparity(eyes.pivot - z))
        assert float(left[0] - right[0]) == pytest.approx(expected, abs=2e-6)
        assert float(left[1] - right[1]) == pytest.approx(0, abs=1e-6)
        assert expected == pytest.approx(0, abs=1e-7) if z == 0.2 else abs(expected) > 1e-3
    assert float(eyes.disparity(eyes.pivot - 0.4)) > 0 > float(eyes.disparity(eyes.pivot + 1))


def test_the_eyes_go_with_a_camera_that_moves() -> None:
    """However it stands, turns, goes nearer or changes its lens: the plane stays with the head."""
    camera = track(
        2,
        yaw=torch.tensor([0.0, 0.4]),
        pitch=torch.tensor([0.0, 0.2]),
        roll=torch.tensor([0.0, 0.3]),
        dolly=torch.tensor([1.0, 0.7]),
        field_of_view=torch.tensor([1.0, 1.2]),
        shift=torch.tensor([[0.0, 0.0], [0.05, -0.02]]),
    )
    head = ellipsoid_head()
    eyes = eyes_of(head, camera, 0.1, 0.0)
    mono = resolve(head, camera, 0, 2)
    for frame in (0, 1):
        left, right = seen(head.pivot, eyes.left, frame), seen(head.pivot, eyes.right, frame)
        torch.testing.assert_close(left, right, atol=1e-5, rtol=0)
        middle = project(head.pivot, mono.view[frame], mono.intrinsics[frame])
        torch.testing.assert_close(left, middle, atol=1e-5, rtol=0)
    cameras = [resolve(head, one, 0, 2).view for one in (eyes.left, eyes.right)]
    torch.testing.assert_close(cameras[0][:, :3, :3], cameras[1][:, :3, :3])  # no toe-in
    apart = (cameras[1][:, :3, 3] - cameras[0][:, :3, 3]).norm(dim=-1)
    torch.testing.assert_close(apart, torch.full((2,), 0.1), atol=1e-6, rtol=0)


def test_a_camera_that_has_a_truck_already_keeps_it() -> None:
    camera = track(1, truck=torch.tensor([0.3]))
    eyes = eyes_of(ellipsoid_head(), camera, 0.2, 0.1)
    assert float(eyes.left.truck) == pytest.approx(0.2) and float(eyes.right.truck) == pytest.approx(0.4)


@pytest.mark.parametrize(("dolly", "convergence"), [(1.0, 2.9), (0.1, 0.2), (1.0, math.nan)])
def test_a_screen_at_the_camera_is_refused(dolly: float, convergence: float) -> None:
    with pytest.raises(CameraError) as error:
        eyes_of(ellipsoid_head(), replace(Camera.front(), dolly=torch.tensor([dolly])), 0.1, convergence)
    assert_one_sentence(error.value)
