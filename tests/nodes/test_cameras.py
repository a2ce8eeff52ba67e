"""Camera Path, Camera from Load3D, and what Render Triplane does about the safe range."""

import math
from dataclasses import replace

import pytest
import torch

from real3d_core.errors import CameraError
from real3d_core.wires import Motion
from real3d_portrait.nodes import CameraFromLoad3D, CameraPath, RenderTriplane
from real3d_portrait.nodes.headless.session import Session, using
from tests.render_triplane.heads import ellipsoid_head
from tests.sentences import assert_one_sentence

FRONT = {"position": {"x": 0, "y": 0, "z": 5}, "target": {"x": 0, "y": 0, "z": 0}, "zoom": 1}
SIDE = FRONT | {"position": {"x": 5, "y": 0, "z": 5}, "cameraType": "perspective"}


@pytest.fixture(autouse=True)
def session(tmp_path):
    with using(Session(tmp_path, tmp_path, tmp_path, tmp_path)), torch.inference_mode():
        yield


def settings(**given):
    defaults = {one.id: one.default for one in CameraPath.define_schema().inputs if hasattr(one, "default")}
    return defaults | given


def turned(yaw):
    euler = torch.tensor([[0.0, math.radians(yaw), 0.0]]).expand(3, 3)
    return replace(ellipsoid_head(), motion=replace(Motion.still(3), euler=euler))


def test_camera_path_by_default_is_an_orbit_in_the_good_range():
    answer = CameraPath.execute(**settings())
    (camera,) = answer.result
    assert len(camera) == 100 and math.degrees(camera.yaw.max()) == pytest.approx(15, abs=0.1)
    assert answer.ui["images"] and answer.ui["text"] == ("100 frames",)


def test_camera_path_follows_a_motion():
    (camera,) = CameraPath.execute(**settings(), motion=Motion.still(30, fps=10.0)).result
    assert len(camera) == 30
    longer = CameraPath.execute(**settings(frames=300)).result[0]
    (camera,) = CameraPath.execute(**settings(), motion=Motion.still(30), camera=longer).result
    assert len(camera) == 30


def test_camera_path_warns_and_limits():
    wide = CameraPath.execute(**settings(amount=4.0))
    assert math.degrees(wide.result[0].yaw.max()) < 30 and "60 degrees of yaw" in wide.ui["text"][1]
    free = CameraPath.execute(**settings(amount=4.0, limit=False))
    assert math.degrees(free.result[0].yaw.max()) > 59 and "Turn on limit" in free.ui["text"][1]


def test_camera_path_names_the_line_of_a_wrong_keyframe():
    with pytest.raises(CameraError, match="line 2") as error:
        CameraPath.execute(**settings(keyframes="0: yaw 1\n1: jaw 5"))
    assert_one_sentence(error.value)


def test_camera_from_load3d_limits_and_adds():
    (front,) = CameraFromLoad3D.execute(FRONT, 0.0, True).result
    assert front.yaw.abs() < 1e-6
    answer = CameraFromLoad3D.execute(SIDE, 0.0, False)
    assert math.degrees(answer.result[0].yaw) == pytest.approx(45) and "45 degrees" in answer.ui["text"][1]
    (limited,) = CameraFromLoad3D.execute(SIDE, 0.0, True).result
    assert 25 < math.degrees(limited.yaw) <= 30
    path = CameraPath.execute(**settings(amount=0.2)).result[0]
    (both,) = CameraFromLoad3D.execute(FRONT, 0.0, True, camera=path).result
    torch.testing.assert_close(both.yaw, path.yaw)


def test_render_triplane_warns_and_limits_camera_and_head_together():
    camera = CameraPath.execute(**settings(preset="static", yaw=20.0)).result[0]
    answer = RenderTriplane.execute(turned(-20), 128, 48, 48, "fast", camera)
    assert "40 degrees of yaw" in answer.ui["text"][0] and answer.ui["images"]
    head = answer.result[0]
    assert math.degrees(head.triplane.motion.euler[0, 1]) > -17 and math.degrees(head.camera.yaw[0]) < 17
    free = RenderTriplane.execute(turned(-20), 128, 48, 48, "fast", camera, limit=False)
    assert math.degrees(free.result[0].camera.yaw[0]) == pytest.approx(20, abs=1e-3) and free.ui["text"]


def test_render_triplane_changes_nothing_within_the_range():
    triplane, camera = turned(9), CameraPath.execute(**settings()).result[0]
    answer = RenderTriplane.execute(triplane, 128, 48, 48, "fast", camera)
    assert answer.result[0].triplane is triplane and answer.ui is None
    assert torch.equal(answer.result[0].camera.yaw, camera.yaw)


def test_a_camera_that_sees_more_than_the_photo_says_so():
    answer = CameraPath.execute(**settings(dolly=1.3))
    assert "1.3 times as much as the photo" in answer.ui["text"][1]
    assert len(CameraPath.execute(**settings(dolly=0.7, field_of_view=1.4)).ui["text"]) == 1
