"""Cameras: the built-in framing, head poses, and the orbit of a camera track.

Convention
    World       right-handed, x to the image's right, y up, z towards the viewer (the front camera is at z >
                0).
    Camera      x right, y down, z forward; `c2w` maps camera coordinates to the world.
    Intrinsics  3x3, normalised by the image size: u = fx x/z + cx, v = fy y/z + cy, with (u, v) = (0, 0) at
                the outer top-left corner of the picture and (1, 1) at the bottom-right one.
    Angles      radians; euler = (pitch, yaw, roll), R = Rz(roll) Ry(yaw) Rx(pitch).

A head that moves by G under a fixed camera looks like a head at rest under the camera G^-1 c2w, so nothing in
the volume ever moves: pose and camera track both end up in one matrix. See docs/model.md, "Cameras".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ..errors import RenderError
from ..face_model.smoothing import WINDOW, smooth_cameras
from ..wires import Camera, TriPlane

FOCAL = 2985.29 / 1024
"""Focal length of the built-in framing in image widths: the box side fills 0.98 of the picture at z = 0."""

DISTANCE = 2.861
"""Distance of the built-in camera from the centre of the box, in box sides."""

FARTHEST = 1e4
"""Box sides; a head is a thousandth of a ray's sample there, and further away float32 loses it."""


@dataclass(frozen=True)
class Pinhole:
    """One camera, taken apart. c2w [4, 4], intrinsics [3, 3] (module docstring)."""

    c2w: Tensor
    intrinsics: Tensor


@dataclass(frozen=True)
class ResolvedCameras:
    """The cameras of n frames.

    c2w         [n, 4, 4] in the frame of the head: head pose and camera track together.
    view        [n, 4, 4] in the frame of the torso: the camera track alone.
    intrinsics  [n, 3, 3]
    """

    c2w: Tensor
    view: Tensor
    intrinsics: Tensor


def built_in_camera() -> Tensor:
    """[25] the camera of a prepared portrait: in front of the box, looking along -z."""
    c2w = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0]))
    c2w[2, 3] = DISTANCE
    intrinsics = torch.tensor([[FOCAL, 0.0, 0.5], [0.0, FOCAL, 0.5], [0.0, 0.0, 1.0]])
    return torch.cat([c2w.flatten(), intrinsics.flatten()])


def split_camera(camera: Tensor) -> Pinhole:
    """Takes the 25 numbers of a camera apart. Raises RenderError if there are not 25."""
    if camera.numel() != 25:
        raise RenderError(
            f"A camera has {camera.numel()} numbers where 25 are needed: c2w 4x4 and intrinsics 3x3, by rows."
        )
    flat = camera.reshape(25)
    return Pinhole(c2w=flat[:16].reshape(4, 4), intrinsics=flat[16:].reshape(3, 3))


def rotation_from_euler(euler: Tensor) -> Tensor:
    """[..., 3] (pitch, yaw, roll) -> [..., 3, 3] R = Rz(roll) Ry(yaw) Rx(pitch)."""
    (sx, sy, sz), (cx, cy, cz) = euler.sin().unbind(-1), euler.cos().unbind(-1)
    rows = [
        torch.stack([cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx], -1),
        torch.stack([sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx], -1),
        torch.stack([-sy, cy * sx, cy * cx], -1),
    ]
    return torch.stack(rows, -2)


def head_transform(euler: Tensor, translation: Tensor, pivot: Tensor) -> Tensor:
    """G = [R | p - R p + t], which takes a point of the head at rest to where the pose puts it.

    euler [n, 3] rad, translation [n, 3] box sides, pivot p [3] -> [n, 4, 4].
    """
    return _about(rotation_from_euler(euler), pivot, translation)


def _about(rotation: Tensor, pivot: Tensor, translation: Tensor | None = None) -> Tensor:
    """[n, 4, 4] turn by `rotation` [n, 3, 3] about `pivot` [3], then move by `translation` [n, 3]."""
    out = torch.zeros(*rotation.shape[:-2], 4, 4, dtype=rotation.dtype, device=rotation.device)
    out[..., :3, :3] = rotation
    out[..., :3, 3] = pivot - rotation @ pivot
    if translation is not None:
        out[..., :3, 3] += translation
    out[..., 3, 3] = 1
    return out


def invert_rigid(matrix: Tensor) -> Tensor:
    """Inverse of a rotation with translation, [..., 4, 4], without a solver."""
    turned = matrix[..., :3, :3].transpose(-1, -2)
    out = torch.zeros_like(matrix)
    out[..., :3, :3] = turned
    out[..., :3, 3] = -(turned @ matrix[..., :3, 3:])[..., 0]
    out[..., 3, 3] = 1
    return out


def orbit(c2w: Tensor, pivot: Tensor, camera: Camera, frames: Tensor) -> Tensor:
    """Applies frames `frames` [n] of a camera track to one camera: c2w [4, 4] -> [n, 4, 4].

    The roll turns the camera about the z axis through the pivot first, then pitch takes it up and yaw to the
    image's right; then the dolly scales its distance to the pivot, and truck moves it to its own right last.
    """
    pitch, yaw, roll = camera.pitch[frames], camera.yaw[frames], camera.roll[frames]
    zero = torch.zeros_like(yaw)
    # Right-handed about x, a positive angle takes a camera at +z down; the track counts up as positive.
    turn = rotation_from_euler(torch.stack([-pitch, yaw, zero], -1))
    turn = turn @ rotation_from_euler(torch.stack([zero, zero, roll], -1))
    view = _about(turn, pivot) @ c2w
    view[:, :3, 3] = pivot + camera.dolly[frames][:, None] * (view[:, :3, 3] - pivot)
    if camera.truck is not None:
        view[:, :3, 3] += camera.truck[frames][:, None] * view[:, :3, 0]
    return view


def framed(intrinsics: Tensor, camera: Camera, frames: Tensor) -> Tensor:
    """Applies field of view, then shift, of frames `frames` [n]: intrinsics [3, 3] -> [n, 3, 3]."""
    out = intrinsics.expand(len(frames), 3, 3).clone()
    out[:, :2, :2] /= camera.field_of_view[frames][:, None, None]
    out[:, :2, 2] += camera.shift[frames]
    return out


def resolve(triplane: TriPlane, camera: Camera, start: int, stop: int) -> ResolvedCameras:
    """The cameras of frames start..stop. A track or motion that ends early holds its last frame.

    The networks were trained under cameras smoothed over 7 frames, so theirs are.

    Raises RenderError if a camera is not finite or too far away, its parts are not of one length, or its
    dolly or field of view is not positive.
    """
    if triplane.model.kind != "network":
        return _as_posed(triplane, camera, start, stop)
    length, margin = len(camera) if triplane.motion is None else len(triplane.motion), WINDOW // 2
    first = max(0, start - margin)
    wide = _as_posed(triplane, camera, first, max(stop, min(length, stop + margin)))
    given = torch.cat([wide.c2w.flatten(1), wide.intrinsics.flatten(1)], 1)
    some = slice(start - first, stop - first)
    c2w = smooth_cameras(given)[some, :16].unflatten(1, (4, 4))
    return ResolvedCameras(c2w=c2w, view=wide.view[some], intrinsics=wide.intrinsics[some])


def _as_posed(triplane: TriPlane, camera: Camera, start: int, stop: int) -> ResolvedCameras:
    device = triplane.planes.device
    camera = checked_camera(camera).to(device)
    frames = torch.arange(start, stop, device=device)
    on_track = frames.clamp(max=len(camera) - 1)
    check_values(camera, on_track)
    base = split_camera(triplane.camera.to(device))
    pivot = triplane.pivot.to(device)
    view = orbit(base.c2w, pivot, camera, on_track)
    c2w = view
    if triplane.motion is not None:
        posed = frames.clamp(max=len(triplane.motion) - 1)
        euler, translation = triplane.motion.euler.to(device), triplane.motion.translation.to(device)
        c2w = invert_rigid(head_transform(euler[posed], translation[posed], pivot)) @ view
    if not float(torch.maximum(c2w[:, :3, 3].abs().max(), view[:, :3, 3].abs().max())) < FARTHEST:
        raise RenderError(
            "The camera is farther from the head than can be reckoned with; lower the translation of the"
            " motion and the dolly of the camera."
        )
    return ResolvedCameras(c2w=c2w, view=view, intrinsics=framed(base.intrinsics, camera, on_track))


def checked_camera(camera: Camera) -> Camera:
    """The track in float32, each part with its rows. Raises RenderError if its parts are not of one length,
    or it has no frame.
    """
    count = camera.yaw.shape[0] if camera.yaw.ndim == 1 else 0
    parts = {part.name: getattr(camera, part.name) for part in fields(camera)}
    if camera.truck is None:
        parts["truck"] = torch.zeros_like(camera.yaw)
    for name, value in parts.items():
        shape = [count, 2] if name == "shift" else [count]
        if list(value.shape) != shape or count == 0:
            raise RenderError(
                f"A camera's {name} has the shape {list(value.shape)} and its yaw {list(camera.yaw.shape)};"
                " build the camera track with one row per frame."
            )
    return Camera(**{name: value.float() for name, value in parts.items()})


def check_values(camera: Camera, frames: Tensor) -> None:
    """Raises RenderError if rows `frames` of a checked track hold what no camera can be."""
    values = (getattr(camera, part.name)[frames] for part in fields(camera))
    if not all(math.isfinite(float(value.sum())) for value in values):
        raise RenderError("The camera track holds NaN or infinite values; check the node that made it.")
    if float(torch.minimum(camera.dolly[frames].min(), camera.field_of_view[frames].min())) <= 0:
        raise RenderError(
            "The camera's distance and field of view must be factors greater than 0; raise them."
        )


def project(points: Tensor, c2w: Tensor, intrinsics: Tensor) -> Tensor:
    """Where world points appear: points [..., 3], c2w [..., 4, 4], intrinsics [..., 3, 3] -> uv [..., 2].

    uv is 0..1 inside the picture; leading dimensions broadcast. Points must lie in front of the camera.
    """
    seen = (
        invert_rigid(c2w)[..., :3, :] @ torch.cat([points, torch.ones_like(points[..., :1])], -1)[..., None]
    )
    image = (intrinsics @ seen)[..., 0]
    return image[..., :2] / image[..., 2:]
