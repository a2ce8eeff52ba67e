"""Rays: directions against reference numbers, and where they cross the box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from real3d_core.render_triplane.cameras import built_in_camera, project, split_camera
from real3d_core.render_triplane.rays import bounded, camera_rays

GOLDEN = Path(__file__).parent.parent / "golden" / "camera_rays.npz"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_directions_are_those_of_the_reference(number: int) -> None:
    golden = np.load(GOLDEN)
    camera = split_camera(torch.from_numpy(golden["camera25"][number]))
    rays = camera_rays(camera.c2w, camera.intrinsics, 128)
    expected = torch.from_numpy(golden[f"cam{number}_ray_d"][0])
    torch.testing.assert_close(rays.direction[::6], expected, atol=3e-7, rtol=0)
    assert torch.equal(rays.origin, camera.c2w[:3, 3])


def test_a_point_on_a_ray_projects_to_the_middle_of_its_pixel() -> None:
    camera = split_camera(built_in_camera())
    rays = camera_rays(camera.c2w, camera.intrinsics, 8)
    uv = project(rays.origin + 2.7 * rays.direction, camera.c2w, camera.intrinsics)
    row, column = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    torch.testing.assert_close(uv, (torch.stack([column, row], -1).reshape(-1, 2) + 0.5) / 8)


def test_box_crossings() -> None:
    direction = torch.tensor([[0.0, 0.0, -1.0], [0.6, 0.0, -0.8], [0.8, 0.0, 0.6]])
    rays = bounded(torch.tensor([-0.9, 0.0, 1.0]), direction)
    assert rays.hit.tolist() == [False, True, False]
    assert float(rays.near[1]) == pytest.approx(0.4 / 0.6)  # through x = -0.5
    assert float(rays.far[1]) == pytest.approx(1.5 / 0.8)  # through z = -0.5
    # Rays that miss take the least and the greatest near of those that hit.
    assert rays.near[0] == rays.near[1] and rays.far[0] == rays.near[1]


def test_no_ray_hits() -> None:
    rays = bounded(torch.tensor([0.0, 0.0, 3.0]), torch.tensor([[0.0, 0.0, 1.0]]))
    assert not rays.hit.any() and float(rays.near) == float(rays.far) == 3.0


def test_a_camera_inside_the_box_does_not_look_back() -> None:
    rays = bounded(torch.zeros(3), torch.tensor([[0.0, 0.0, -1.0]]))
    assert float(rays.near) == 0 and float(rays.far) == 0.5
