"""The 3D viewer's camera as a camera of the head, with the dicts that front ends send."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from real3d_core.camera_from_load3d import PARALLEL, camera_from_load3d
from real3d_core.errors import CameraError
from real3d_core.render_triplane.cameras import project, resolve
from real3d_core.wires import Camera
from tests.render_triplane.heads import ellipsoid_head
from tests.sentences import assert_one_sentence

# As the viewers of ComfyUI 0.33 and 0.8 hand them out: three.js vectors become dicts in JSON.
NEW = {
    "position": {"x": 1.7320508, "y": 1.0, "z": 3.0},
    "target": {"x": 0, "y": 1.0, "z": 0},
    "zoom": 1,
    "cameraType": "perspective",
    "quaternion": {"x": 0, "y": 0.2588190451, "z": 0, "w": 0.9659258263},
    "fov": 35,
    "aspect": 1.0,
    "near": 0.01,
    "far": 10000,
    "frustum": {"left": -5, "right": 5, "top": 5, "bottom": -5},
}
OLD = {
    "position": {"x": 10, "y": 10, "z": 10},
    "target": {"x": 0, "y": 0, "z": 0},
    "zoom": 1,
    "cameraType": "perspective",
}


def degrees(value: torch.Tensor) -> float:
    return math.degrees(float(value))


def changed(camera: dict, **values: object) -> dict:
    return {**copy.deepcopy(camera), **values}


def test_angles_of_a_new_and_an_old_viewer() -> None:
    new, old = camera_from_load3d(NEW), camera_from_load3d(OLD)
    assert degrees(new.yaw) == pytest.approx(30, abs=1e-3) and degrees(new.pitch) == pytest.approx(
        0, abs=1e-3
    )
    assert degrees(new.roll) == pytest.approx(0, abs=1e-3)
    assert degrees(old.yaw) == pytest.approx(45, abs=1e-3) and degrees(old.pitch) == pytest.approx(
        35.264, abs=1e-2
    )
    for camera in (new, old):
        assert camera.dolly == 1 and camera.field_of_view == 1 and camera.shift.abs().max() < 1e-5


def test_straight_in_front_is_the_photos_view() -> None:
    front = {**OLD, "position": {"x": 0, "y": 0, "z": 4}}
    camera = camera_from_load3d(front)
    for name in ("yaw", "pitch", "roll", "dolly", "shift", "field_of_view"):
        torch.testing.assert_close(getattr(camera, name), getattr(Camera.front(), name))


def test_zoom_and_distance() -> None:
    zoomed = camera_from_load3d(changed(NEW, zoom=2))
    assert float(zoomed.field_of_view) == pytest.approx(0.5)
    far = camera_from_load3d(NEW, distance=math.sqrt(12) / 2)
    assert float(far.dolly) == pytest.approx(2, rel=1e-5) and float(far.field_of_view) == pytest.approx(
        1, rel=1e-5
    )


def test_everything_is_relative_to_a_front() -> None:
    same = camera_from_load3d(NEW, NEW)
    assert same.yaw.abs() < 1e-6 and same.dolly == 1 and float(same.field_of_view) == pytest.approx(1)
    tele = camera_from_load3d(changed(NEW, fov=20), NEW)
    assert float(tele.field_of_view) == pytest.approx(
        math.tan(math.radians(10)) / math.tan(math.radians(17.5))
    )
    nearer = changed(NEW, position={"x": 0.0, "y": 1.0, "z": 1.7320508})
    moved = camera_from_load3d(nearer, NEW)
    assert degrees(moved.yaw) == pytest.approx(-30, abs=1e-3) and float(moved.dolly) == pytest.approx(
        0.5, rel=1e-5
    )
    assert float(moved.field_of_view) == pytest.approx(1, rel=1e-5)


def test_roll_turns_the_picture_as_the_viewer_does() -> None:
    angle = math.radians(20)  # about the camera's own backward axis: its up leans to its left
    rolled = changed(
        OLD,
        position={"x": 0, "y": 0, "z": 5},
        quaternion={"x": 0, "y": 0, "z": math.sin(angle / 2), "w": math.cos(angle / 2)},
    )
    camera = camera_from_load3d(rolled)
    assert degrees(camera.roll) == pytest.approx(20, abs=1e-3)
    head, crown = ellipsoid_head(), torch.tensor([0.02, 0.33, 0.0])
    front, turned = (
        project(crown, *(part[0] for part in (seen.c2w, seen.intrinsics)))
        for seen in (resolve(head, one, 0, 1) for one in (Camera.front(), camera))
    )
    assert turned[0] > front[0] + 0.05  # a camera that leans left sees the crown to the right


def test_a_moved_target_moves_the_head_in_the_picture() -> None:
    front = changed(OLD, position={"x": 0, "y": 0, "z": 10}, fov=35)
    moved = changed(front, position={"x": 1, "y": 0.5, "z": 10}, target={"x": 1, "y": 0.5, "z": 0})
    camera = camera_from_load3d(moved, front)
    height = 2 * 10 * math.tan(math.radians(17.5))
    assert float(camera.shift[0, 0]) == pytest.approx(-1 / height, rel=1e-3)
    assert float(camera.shift[0, 1]) == pytest.approx(0.5 / height, rel=1e-3)


def test_orthographic_is_far_away_with_a_long_lens() -> None:
    flat = changed(NEW, cameraType="orthographic", zoom=2)
    camera = camera_from_load3d(flat, changed(flat, zoom=1))
    assert camera.dolly == PARALLEL
    assert float(camera.dolly * camera.field_of_view) == pytest.approx(0.5)
    alone = camera_from_load3d(flat, distance=3.0)
    assert float(alone.dolly * alone.field_of_view) == pytest.approx(0.5)


def test_straight_from_above_has_a_direction() -> None:
    camera = camera_from_load3d(changed(OLD, position={"x": 0, "y": 5, "z": 0}))
    assert degrees(camera.pitch) == pytest.approx(90, abs=0.1) and math.isfinite(float(camera.roll))


def test_the_viewers_dict_is_not_changed() -> None:
    before = copy.deepcopy(NEW)
    camera_from_load3d(NEW, NEW)
    assert before == NEW


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "camera",
        5,
        {},
        changed(NEW, position=None),
        changed(NEW, position={"x": 1, "y": 2}),
        changed(NEW, position={"x": "1", "y": 2, "z": 3}),
        changed(NEW, position={"x": float("nan"), "y": 2, "z": 3}),
        changed(NEW, position={"x": 1e30, "y": 2, "z": 3}),
        changed(NEW, position=NEW["target"]),
        changed(NEW, zoom=0),
        changed(NEW, zoom=float("inf")),
        changed(NEW, zoom=True),
        changed(NEW, fov=180),
        changed(NEW, fov=-3),
        changed(NEW, quaternion={"x": 0, "y": "up", "z": 0, "w": 1}),
        changed(NEW, cameraType="orthographic", frustum={"top": 1, "bottom": 1}),
        changed(NEW, zoom=0.001),
    ],
)
def test_what_is_no_camera_is_refused(value: object) -> None:
    with pytest.raises(CameraError) as error:
        camera_from_load3d(value)
    assert_one_sentence(error.value)


def test_a_camera_that_looks_away_from_the_head_is_refused() -> None:
    away = changed(OLD, target={"x": 0, "y": 0, "z": 20})
    with pytest.raises(CameraError, match="looks away") as error:
        camera_from_load3d(changed(away, position={"x": 0, "y": 0, "z": 10}), OLD)
    assert_one_sentence(error.value)
    with pytest.raises(CameraError, match="times as far away") as error:
        camera_from_load3d(NEW, distance=1e-3)
    assert_one_sentence(error.value)
