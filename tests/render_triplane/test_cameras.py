"""Cameras and poses: signs and equivalences of the conventions."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.errors import RenderError
from real3d_core.render_triplane.cameras import (
    DISTANCE,
    FOCAL,
    built_in_camera,
    checked_camera,
    head_transform,
    invert_rigid,
    project,
    resolve,
    rotation_from_euler,
    split_camera,
)
from real3d_core.wires import Camera, Motion, TriPlane
from tests.render_triplane.heads import ellipsoid_head

GOLDEN = Path(__file__).parent.parent / "golden"
NOSE, CROWN = torch.tensor([0.02, 0.0, 0.25]), torch.tensor([0.02, 0.33, 0.0])


def posed(euler: tuple[float, float, float], shift: tuple[float, float, float] = (0, 0, 0)) -> TriPlane:
    motion = Motion.still()
    motion = replace(
        motion, euler=torch.tensor([euler]), translation=torch.tensor([shift], dtype=torch.float)
    )
    return replace(ellipsoid_head(), motion=motion)


def track(**values: float) -> Camera:
    return replace(Camera.front(), **{name: torch.tensor([value]) for name, value in values.items()})


def seen(point: Tensor, triplane: TriPlane, camera: Camera | None = None) -> Tensor:
    cameras = resolve(triplane, camera or Camera.front(), 0, 1)
    return project(point, cameras.c2w[0], cameras.intrinsics[0])


def test_built_in_camera_shows_the_box_side_as_the_page_says() -> None:
    camera = split_camera(built_in_camera())
    uv = project(
        torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]), camera.c2w, camera.intrinsics
    )
    half = 0.5 * FOCAL / DISTANCE
    expected = torch.tensor([[0.5, 0.5], [0.5 + half, 0.5], [0.5, 0.5 - half]])
    torch.testing.assert_close(uv, expected)


def test_pose_signs() -> None:
    front = seen(NOSE, ellipsoid_head())
    assert seen(NOSE, posed((0, 0.2, 0)))[0] > front[0] + 0.03  # yaw > 0: to the image's right
    assert seen(NOSE, posed((0.2, 0, 0)))[1] > front[1] + 0.03  # pitch > 0: down
    crown = seen(CROWN, ellipsoid_head())
    assert seen(CROWN, posed((0, 0, 0.2)))[0] < crown[0] - 0.03  # roll > 0: the crown to the image's left
    moved = seen(NOSE, posed((0, 0, 0), (0.1, 0.05, 0)))
    assert moved[0] > front[0] + 0.05 and moved[1] < front[1] - 0.02


def test_camera_signs() -> None:
    head = ellipsoid_head()
    front, crown = seen(NOSE, head), seen(CROWN, head)
    assert (
        seen(NOSE, head, track(yaw=0.2))[0] < front[0] - 0.03
    )  # the camera went right, the nose points left
    assert seen(NOSE, head, track(pitch=0.2))[1] > front[1] + 0.03  # the camera went up
    assert seen(CROWN, head, track(roll=0.2))[0] > crown[0] + 0.03  # the picture turned clockwise
    view = resolve(head, track(yaw=0.2, pitch=0.1), 0, 1).view[0]
    assert view[0, 3] > 0.3 and view[1, 3] > 0.2


def test_dolly_field_of_view_and_shift() -> None:
    head = ellipsoid_head()
    far = resolve(head, track(dolly=1.5), 0, 1).view[0, :3, 3]
    near = resolve(head, Camera.front(), 0, 1).view[0, :3, 3]
    assert (far - head.pivot).norm() == pytest.approx(1.5 * float((near - head.pivot).norm()), rel=1e-5)
    wide = seen(NOSE, head, track(field_of_view=2.0))
    torch.testing.assert_close(wide - 0.5, (seen(NOSE, head) - 0.5) / 2)
    shifted = seen(NOSE, head, replace(Camera.front(), shift=torch.tensor([[0.1, -0.2]])))
    torch.testing.assert_close(shifted, seen(NOSE, head) + torch.tensor([0.1, -0.2]))


@pytest.mark.parametrize(
    ("pose", "camera"),
    [((0, 0.3, 0), {"yaw": -0.3}), ((0.3, 0, 0), {"pitch": 0.3}), ((0, 0, 0.3), {"roll": -0.3})],
)
def test_turning_the_head_is_orbiting_the_camera(pose: tuple[float, float, float], camera: dict) -> None:
    turned = resolve(posed(pose), Camera.front(), 0, 1)
    orbited = resolve(ellipsoid_head(), track(**camera), 0, 1)
    torch.testing.assert_close(turned.c2w, orbited.c2w, atol=1e-6, rtol=0)
    torch.testing.assert_close(turned.view, resolve(ellipsoid_head(), Camera.front(), 0, 1).view)


def test_head_transform_moves_points_as_the_camera_shows_them() -> None:
    euler, shift, pivot = (0.1, -0.2, 0.3), (0.02, -0.01, 0.05), ellipsoid_head().pivot
    moved = head_transform(torch.tensor([euler]), torch.tensor([shift]), pivot)[0]
    world = moved[:3, :3] @ NOSE + moved[:3, 3]
    torch.testing.assert_close(seen(NOSE, posed(euler, shift)), seen(world, ellipsoid_head()))
    back = invert_rigid(moved) @ moved
    torch.testing.assert_close(back, torch.eye(4), atol=1e-6, rtol=0)


def test_a_track_holds_its_last_frame() -> None:
    camera = Camera(*(torch.zeros(2) for _ in range(3)), torch.ones(2), torch.zeros(2, 2), torch.ones(2))
    camera = replace(camera, yaw=torch.tensor([0.0, 0.4]))
    clip = replace(ellipsoid_head(), motion=Motion.still(4))
    view = resolve(clip, camera, 0, 4).view
    torch.testing.assert_close(view[3], view[1])
    assert not torch.equal(view[0], view[1])


def test_bad_cameras_are_named() -> None:
    with pytest.raises(RenderError, match="NaN"):
        resolve(ellipsoid_head(), track(yaw=math.nan), 0, 1)
    away = replace(Motion.still(1), translation=torch.full((1, 3), 1e30))
    with pytest.raises(RenderError, match="farther"):
        resolve(replace(ellipsoid_head(), motion=away), Camera.front(), 0, 1)
    with pytest.raises(RenderError, match="farther"):
        resolve(ellipsoid_head(), track(dolly=1e20), 0, 1)
    with pytest.raises(RenderError, match="greater than 0"):
        resolve(ellipsoid_head(), track(dolly=0.0), 0, 1)
    zero, one = torch.zeros(2), torch.ones(2)
    for parts in (
        (zero, zero, zero[:1], one, torch.zeros(2, 2), one),
        (zero, zero, zero, one, zero, one),
        (zero[:0], zero[:0], zero[:0], one[:0], torch.zeros(0, 2), one[:0]),
    ):
        with pytest.raises(RenderError, match="one row per frame"):
            checked_camera(Camera(*parts))
    half = Camera(*(zero.half(),) * 3, one.double(), torch.zeros(2, 2), one.int())
    assert {getattr(checked_camera(half), part.name).dtype for part in fields(Camera)} == {torch.float32}
    with pytest.raises(RenderError, match="25"):
        split_camera(torch.zeros(24))


def test_rotation_agrees_with_the_reference_cameras() -> None:
    golden = np.load(GOLDEN / "camera_rays.npz")
    # The networks' camera looks with the transpose of the head's rotation and flips y and z.
    expected = torch.from_numpy(golden["c2w"][:, :3, :3]).float()
    rotation = rotation_from_euler(torch.from_numpy(golden["euler"])).mT @ torch.diag(
        torch.tensor([1.0, -1, -1])
    )
    torch.testing.assert_close(rotation, expected, atol=1e-6, rtol=0)
