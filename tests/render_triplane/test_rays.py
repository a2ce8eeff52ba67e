"""Rays: directions against reference numbers, and where they cross the box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from real3d_core.render_triplane.cameras import built_in_camera, project, split_camera
from real3d_core.render_triplane.rays import beside_planes, bounded, camera_rays
from real3d_core.render_triplane.sampling import sample_planes

GOLDEN = Path(__file__).parent.parent / "golden" / "camera_rays.npz"


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


def test_a_ray_may_miss_the_box_and_cross_a_plane() -> None:
    """In front of the box: above the xy plane. Behind its edge: above none. Along z: above it all the way."""
    origin = torch.tensor([0.0, 0.0, 1.0])
    direction = torch.tensor([[0.96, 0.0, -0.28], [0.8, 0.0, -0.6], [0.0, 0.0, 1.0]])
    rays = bounded(origin, torch.cat([direction, torch.tensor([[0.0, 0.0, -1.0]])]))
    assert rays.hit.tolist() == [False, False, False, True]

    def beside(least: float, greatest: float) -> list[bool]:
        ends = (torch.full((4,), value) for value in (least, greatest))
        return beside_planes(rays, *ends, 0.0).tolist()

    assert beside(0.1, 3.0) == [False, False, False, False]  # near the camera all are above the xy plane
    assert beside(0.7, 0.8) == [True, True, False, False]  # x > 0.5 and z > 0.5
    assert beside(0.9, 1.2) == [True, True, False, False]
    assert beside(0.5, 0.6) == [False, False, False, False]  # the first leaves at x = 0.5, after 0.52


def test_no_ray_is_set_aside_that_samples_a_plane() -> None:
    camera = split_camera(torch.from_numpy(np.load(GOLDEN)["camera25"][2]))
    rays = camera_rays(camera.c2w, camera.intrinsics, 128)
    half = (rays.far - rays.near) / 94
    aside = beside_planes(rays, rays.near + half, rays.far + half, 0.5 / 256) & ~rays.hit
    depths = rays.near[:, None] + half[:, None] * (2 * torch.arange(48) + 1)
    points = (rays.origin + rays.direction[:, None] * depths[..., None]).reshape(1, -1, 3)
    feature = sample_planes(torch.ones(1, 3, 1, 256, 256), points)[0, 0].reshape(-1, 48)
    assert int(aside.sum()) > 200 and feature[aside].eq(0).all()
    assert feature[~rays.hit & ~aside].gt(0).any()  # missing the box is not enough
