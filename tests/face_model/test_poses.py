"""Head poses of the face model as cameras, landmarks and motions."""

from __future__ import annotations

import math

import pytest
import torch

from real3d_core.face_model.poses import (
    PIVOT,
    SCALE,
    PoseTrack,
    camera_pose,
    euler_from_rotation,
    in_picture,
    key_points,
    mapped_to_source,
    network_cameras,
    relative_to_source,
    source_camera,
    source_pose,
)
from real3d_core.render_triplane.cameras import (
    head_transform,
    invert_rigid,
    project,
    rotation_from_euler,
    split_camera,
)
from real3d_core.wires import FaceCoefficients
from tests.bfm_making import synthetic_face_model
from tests.deterministic import normal
from tests.pretended_gpu import GPU, PretendedGpu

PIVOT_POINT = torch.tensor(PIVOT)


def source(
    euler: tuple[float, ...] = (0, 0, 0), translation: tuple[float, ...] = (0, 0, 0)
) -> FaceCoefficients:
    return FaceCoefficients(
        0.5 * normal("id", (80,)), 0.5 * normal("exp", (64,)), torch.tensor(euler), torch.tensor(translation)
    )


def track(frames: int = 6) -> PoseTrack:
    return PoseTrack(0.4 * normal("euler", (frames, 3)), 0.2 * normal("translation", (frames, 3)))


def composed(portrait: FaceCoefficients, motion: PoseTrack) -> torch.Tensor:
    """c2w [n, 4, 4] as the renderer composes the photo's camera and a motion."""
    camera = split_camera(source_camera(portrait))
    return invert_rigid(head_transform(motion.euler, motion.translation, PIVOT_POINT)) @ camera.c2w


def test_from_a_source_pose_of_zero_a_motion_is_the_absolute_pose() -> None:
    absolute = track()
    c2w = composed(source(), PoseTrack(absolute.euler, SCALE * absolute.translation))
    cameras = network_cameras(absolute)
    assert torch.allclose(c2w.flatten(1), cameras[:, :16], atol=2e-6)
    assert torch.allclose(source_camera(source())[16:], cameras[0, 16:])


def test_a_motion_of_zero_is_the_photo() -> None:
    portrait = source((0.2, -0.3, 0.1), (0.1, 0.2, -0.3))
    still = PoseTrack(torch.zeros(1, 3), torch.zeros(1, 3))
    assert torch.allclose(composed(portrait, still).flatten(), source_camera(portrait)[:16], atol=1e-6)


def test_cameras_give_the_absolute_pose_back() -> None:
    absolute = track().rigid()
    c2w = network_cameras(track())[:, :16].reshape(-1, 4, 4)
    found = camera_pose(c2w)
    assert torch.allclose(found.rotation, absolute.rotation, atol=1e-6)
    assert torch.allclose(found.translation, absolute.translation, atol=1e-5)


def test_a_composed_camera_gives_the_pose_of_source_and_motion_together() -> None:
    portrait, motion = source((0.2, -0.3, 0.1), (0.1, 0.2, -0.3)), track()
    found, at_source = camera_pose(composed(portrait, motion)), source_pose(portrait).rigid()
    assert torch.allclose(found.rotation, at_source.rotation @ motion.rigid().rotation, atol=1e-6)
    moved = (at_source.rotation @ motion.translation[..., None])[..., 0] / SCALE
    assert torch.allclose(found.translation, at_source.translation + moved, atol=1e-5)


def test_a_driving_track_relative_to_the_photo_composes_to_its_own_cameras() -> None:
    portrait, absolute = source((0.2, -0.3, 0.1), (0.1, 0.2, -0.3)), track()
    relative = relative_to_source(absolute, source_pose(portrait))
    cameras = network_cameras(absolute)[:, :16]
    assert torch.allclose(composed(portrait, relative).flatten(1), cameras, atol=3e-6)
    at_source = relative_to_source(source_pose(portrait), source_pose(portrait))
    assert torch.allclose(at_source.euler, torch.zeros(1, 3), atol=1e-6)
    assert torch.allclose(at_source.translation, torch.zeros(1, 3), atol=1e-6)


def test_the_face_lies_where_the_networks_camera_sees_it() -> None:
    """Seen through the camera, a model point is where the pose puts it, but for the two focal lengths."""
    absolute, points = track(), normal("points", (1, 20, 3)).expand(6, 20, 3)
    posed = in_picture(absolute.rigid().seen(points)) - 0.5
    cameras = network_cameras(absolute)
    for number, camera in enumerate(cameras):
        parts = split_camera(camera)
        seen = project(SCALE * points[number] + PIVOT_POINT, parts.c2w, parts.intrinsics) - 0.5
        assert torch.allclose(seen * (1015 / 224) / 4.2647, posed[number], atol=1e-5)


def test_key_points_of_the_photo_are_the_trained_landmarks() -> None:
    model, portrait = synthetic_face_model(), source((0.1, -0.2, 0.05), (0.02, -0.1, 0.1))
    c2w = source_camera(portrait)[None, :16].reshape(1, 4, 4)
    points = model.shape(portrait.identity, portrait.expression)[:, model.keypoints + 1]
    wanted = in_picture(source_pose(portrait).rigid().seen(points)) * 2 - 1
    found = key_points(model, portrait, c2w)
    assert found.shape == (1, 68, 3) and float(found[..., 2].abs().max()) == 0
    assert torch.allclose(found[..., :2], wanted.clamp(-1, 1), atol=2e-5)


def test_key_points_follow_pose_camera_zoom_and_shift() -> None:
    model, portrait = synthetic_face_model(), source()
    c2w = composed(
        portrait, PoseTrack(torch.tensor([[0.0, 0, 0]] * 2), torch.tensor([[0.0, 0, 0], [0.02, 0, 0]]))
    )
    resting, moved = key_points(model, portrait, c2w)
    inside = (resting[:, :2].abs() < 0.9).all(1)
    step = (
        2 * 0.02 * (1015 / 224) / 2.7
    )  # picture widths of a point at the pivot's depth, on a scale of -1..1
    assert torch.allclose((moved - resting)[inside, 0].median(), torch.tensor(step), rtol=0.1)
    far = c2w.clone()
    far[:, :3, 3] = PIVOT_POINT + 2 * (far[:, :3, 3] - PIVOT_POINT)
    assert float(key_points(model, portrait, far)[0, inside].norm()) < 0.7 * float(resting[inside].norm())
    intrinsics = split_camera(source_camera(portrait)).intrinsics.expand(2, 3, 3).clone()
    assert torch.equal(key_points(model, portrait, c2w, intrinsics)[0], resting)
    intrinsics[:, :2, :2] /= 2
    intrinsics[:, 0, 2] += 0.1
    zoomed = key_points(model, portrait, c2w, intrinsics)[0]
    assert torch.allclose(zoomed[inside, :2], resting[inside, :2] / 2 + torch.tensor([0.2, 0]), atol=1e-5)


def test_one_expression_serves_every_camera_and_tracks_have_their_own() -> None:
    model, portrait, poses = synthetic_face_model(), source(), track(3)
    c2w = network_cameras(poses)[:, :16].reshape(-1, 4, 4)
    one = key_points(model, portrait, c2w)
    each = FaceCoefficients(
        portrait.identity, portrait.expression.expand(3, 64), portrait.euler, portrait.translation
    )
    assert torch.allclose(key_points(model, each, c2w), one, atol=1e-6)
    assert torch.allclose(key_points(model, portrait, c2w[1:2])[0], one[1], atol=1e-6)


def test_mapping_keeps_changes_and_starts_at_the_source() -> None:
    driving, portrait = track(), PoseTrack(torch.tensor([[0.1, 0.2, 0.3]]), torch.tensor([[0.5, 0.4, 0.3]]))
    before = driving.translation.clone()
    mapped = mapped_to_source(driving, portrait)
    assert torch.allclose(mapped.euler[:1], portrait.euler, atol=1e-6)
    assert torch.allclose(mapped.translation[:1], portrait.translation, atol=1e-6)
    assert torch.allclose(mapped.euler.diff(dim=0), driving.euler.diff(dim=0), atol=1e-6)
    assert torch.allclose(mapped.translation[:, 2], portrait.translation[:, 2].expand(6), atol=1e-6)
    assert torch.equal(driving.translation, before)


@pytest.mark.parametrize("euler", [(0.1, -0.4, 2.0), (-2.5, 0.3, -0.1), (0.0, 0.0, math.pi / 2)])
def test_euler_angles_of_a_rotation(euler: tuple[float, ...]) -> None:
    angles = torch.tensor(euler)
    assert torch.allclose(euler_from_rotation(rotation_from_euler(angles)), angles, atol=1e-5)


def test_cameras_and_key_points_stay_on_their_device() -> None:
    model, portrait, poses = synthetic_face_model(), source(), track(2)
    expected = key_points(model, portrait, network_cameras(poses)[:, :16].reshape(-1, 4, 4))
    with PretendedGpu(), torch.no_grad():
        c2w = network_cameras(poses.to(GPU))[:, :16].reshape(-1, 4, 4)
        found = key_points(model.to(GPU), portrait.to(GPU), c2w)
        assert found.device == GPU
        assert torch.allclose(found.cpu(), expected, atol=1e-5)
