"""Head poses of the face model, as landmarks in the picture and as cameras of the renderer.

Convention
    Absolute pose  a point p of model space is seen at q = R p + t, R = Rz(roll) Ry(yaw) Rx(pitch), by a
                   camera at q = (0, 0, 10) that looks along -z.
    Picture        224 x 224, origin at the lower left, focal length 1015 pixels:
                   u = 1015 q_x / (10 - q_z) + 112, v likewise upwards.
    World          0.27 model units + PIVOT, so that the head of absolute pose zero lies in the tri-plane box.

The networks put the absolute pose into the camera: the world is the head. A motion is relative to the photo
and turns the head about PIVOT, so the camera of the photo and the motion compose as everywhere else
(render_triplane/cameras.py), and `camera_pose` gets the absolute pose back. See docs/model.md, "Cameras".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..render_triplane.cameras import rotation_from_euler
from ..wires import FaceCoefficients, _Movable
from .bfm import FaceModel

PIVOT = (0.0, 0.006, 0.161)
"""World point of the model's origin: all poses turn about it."""

SCALE = 0.27
"""World units (box sides) in a unit of model space."""

CAMERA_DISTANCE = 10.0
FIT_FOCAL, FIT_SIZE = 1015.0, 224.0
"""The picture of the face model, in its pixels."""

NETWORK_FOCAL = 4.2647
"""Focal length of the networks' cameras in picture widths: 2985.29 / 700 as the networks know it."""

INTRINSICS = (NETWORK_FOCAL, 0.0, 0.5, 0.0, NETWORK_FOCAL, 0.5, 0.0, 0.0, 1.0)
"""Of every camera of the networks, by rows."""

CAMERA_AXES = (1.0, -1.0, -1.0)
"""From axes x right, y up, z to the viewer to the axes of a camera: x right, y down, z forward."""


@dataclass(frozen=True)
class PoseTrack(_Movable):
    """Absolute poses of n frames: euler [n, 3] rad (pitch, yaw, roll), translation [n, 3] model units."""

    euler: Tensor
    translation: Tensor

    def rigid(self) -> RigidPoses:
        return RigidPoses(rotation_from_euler(self.euler), self.translation)


@dataclass(frozen=True)
class RigidPoses(_Movable):
    """Absolute poses of n frames: q = rotation [n, 3, 3] @ p + translation [n, 3]."""

    rotation: Tensor
    translation: Tensor

    def seen(self, points: Tensor) -> Tensor:
        """Points [n, k, 3] of model space -> [n, k, 3]: x, y as posed, z the distance from the camera."""
        posed = points @ self.rotation.transpose(-1, -2) + self.translation[..., None, :]
        return torch.cat([posed[..., :2], CAMERA_DISTANCE - posed[..., 2:]], -1)


def projected(seen: Tensor) -> Tensor:
    """Points [..., 3] of `RigidPoses.seen` -> [..., 2] in the 224 x 224 picture, y upwards."""
    return FIT_FOCAL * seen[..., :2] / seen[..., 2:] + FIT_SIZE / 2


def in_picture(seen: Tensor) -> Tensor:
    """The same as [..., 2] 0..1 of the picture, y downwards."""
    x, y = (projected(seen) / FIT_SIZE).unbind(-1)
    return torch.stack([x, 1 - y], -1)


def source_pose(coefficients: FaceCoefficients) -> PoseTrack:
    """The absolute pose of a portrait as a track of one frame."""
    return PoseTrack(coefficients.euler.reshape(1, 3), coefficients.translation.reshape(1, 3))


def network_cameras(poses: PoseTrack) -> Tensor:
    """[n, 25] the networks' cameras of absolute poses, in the dtype of the poses."""
    rigid = poses.rigid()
    c2w = rigid.rotation.new_zeros(len(rigid.rotation), 4, 4)
    front = _alike((0.0, 0.0, CAMERA_DISTANCE), c2w)
    turned = rigid.rotation.transpose(-1, -2)
    c2w[:, :3, :3] = turned * _alike(CAMERA_AXES, c2w)
    centre = (turned @ (front - rigid.translation)[..., None])[..., 0]
    c2w[:, :3, 3] = SCALE * centre + _alike(PIVOT, c2w)
    c2w[:, 3, 3] = 1
    return torch.cat([c2w.flatten(1), _alike(INTRINSICS, c2w).expand(len(c2w), 9)], 1)


def _alike(numbers: tuple[float, ...], other: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=other.dtype, device=other.device)


def source_camera(coefficients: FaceCoefficients) -> Tensor:
    """[25] the camera under which the canonical planes show the photo (TriPlane.camera); turns about PIVOT.

    From a source pose of zero, a motion (euler, translation) gives the networks' camera of the absolute pose
    (euler, translation / 0.27).
    """
    return network_cameras(source_pose(coefficients))[0]


def camera_pose(c2w: Tensor) -> RigidPoses:
    """The absolute poses that composed cameras c2w [n, 4, 4] show: the inverse of `network_cameras`.

    Any camera will do, also one that a camera track moved: only where the head is in the picture counts.
    """
    rotation = (c2w[:, :3, :3] * _alike(CAMERA_AXES, c2w)).transpose(-1, -2)
    centre = (c2w[:, :3, 3] - _alike(PIVOT, c2w)) / SCALE
    front = _alike((0.0, 0.0, CAMERA_DISTANCE), c2w)
    return RigidPoses(rotation, front - (rotation @ centre[..., None])[..., 0])


def key_points(
    face_model: FaceModel, coefficients: FaceCoefficients, c2w: Tensor, intrinsics: Tensor | None = None
) -> Tensor:
    """The 68 key points that move the torso, as the networks were trained on them: [n, 68, 3], -1..1, z = 0.

    coefficients  identity [80], expression [64] or [n, 64]; their pose is not used
    c2w           [n, 4, 4] composed cameras of the head (ResolvedCameras.c2w)
    intrinsics    [n, 3, 3] of those cameras; a zoom or shift against the networks' own moves the key points
                  as it moves the picture. None: the networks' own.
    """
    poses = camera_pose(c2w)
    points = face_model.at(face_model.trained_keypoints).shape(coefficients.identity, coefficients.expression)
    flat = 2 * in_picture(poses.seen(points)) - 1
    if intrinsics is not None:
        zoom = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1) / NETWORK_FOCAL
        flat = flat * zoom[:, None] + 2 * (intrinsics[:, None, :2, 2] - 0.5)
    return torch.nn.functional.pad(flat.clamp(-1, 1), (0, 1))


def mapped_to_source(track: PoseTrack, source: PoseTrack) -> PoseTrack:
    """A driving track as seen from the portrait: depth held at its first frame's, then shifted so that its
    first frame has the pose `source` (one frame). Angles and translations are shifted number by number."""
    translation = track.translation.clone()
    translation[:, 2] = translation[0, 2]
    return PoseTrack(
        track.euler - track.euler[:1] + source.euler, translation - translation[:1] + source.translation
    )


def relative_to_source(track: PoseTrack, source: PoseTrack) -> PoseTrack:
    """Absolute poses as a motion of the portrait: euler [n, 3] rad and translation [n, 3] in box sides.

    Together with `source_camera` the motion gives exactly the networks' cameras of `track`.
    """
    back = rotation_from_euler(source.euler).transpose(-1, -2)
    rotation = back @ rotation_from_euler(track.euler)
    moved = (back @ (track.translation - source.translation)[..., None])[..., 0]
    return PoseTrack(euler_from_rotation(rotation), SCALE * moved)


def euler_from_rotation(rotation: Tensor) -> Tensor:
    """[..., 3, 3] -> [..., 3] (pitch, yaw, roll) yaw within -pi/2..pi/2: undoes rotation_from_euler."""
    pitch = torch.atan2(rotation[..., 2, 1], rotation[..., 2, 2])
    yaw = torch.asin((-rotation[..., 2, 0]).clamp(-1, 1))
    roll = torch.atan2(rotation[..., 1, 0], rotation[..., 0, 0])
    return torch.stack([pitch, yaw, roll], -1)
