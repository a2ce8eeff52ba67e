"""Camera from Load3D: the camera of ComfyUI's 3D viewer as a camera of the head.

Convention
    The viewer is right-handed with y up; its camera at +z of its target sees the front. position and target
    are in scene units, fov is vertical in degrees, the quaternion turns camera axes (x right, y up, looking
    along -z) to the scene. Old front ends give position, target, zoom and cameraType alone.

See docs/model.md, "Camera from Load3D".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .camera_path.tracks import track
from .errors import CameraError
from .wires import Camera

VIEWER_FOV = 35.0
"""Degrees; the viewer's own lens where a camera does not tell its own."""

PARALLEL = 8.0
"""Dolly of an orthographic camera: so far away, with as much longer a lens, the view is all but parallel."""

FARTHEST = 1e6  # scene units
NEAREST, MOST = 0.05, 20.0  # of dolly and field of view
CURE = "connect the camera_info of Load 3D, Preview 3D or Create Camera Info"


@dataclass(frozen=True)
class ViewerCamera:
    """One camera of the viewer (module docstring).

    position, target    [3] scene units
    axes                [3, 3] columns: its right, its up, and backwards
    height              scene units seen at the target's distance, top to bottom
    orthographic        whether it has no perspective
    """

    position: np.ndarray
    target: np.ndarray
    axes: np.ndarray
    height: float
    orthographic: bool


@dataclass(frozen=True)
class _Seen:
    """A point as a viewer camera sees it: angles in rad, distance in scene units, place as a share of the
    picture's height from its middle, right and down."""

    yaw: float
    pitch: float
    roll: float
    distance: float
    right: float
    down: float


def camera_from_load3d(value: Any, front: Any = None, distance: float = 0.0) -> Camera:
    """A static camera that sees the head as the viewer's camera sees its scene.

    front       the viewer's camera that stands for the photo's own view, whose target is the head; None: a
                camera straight in front of its target, which is the head
    distance    scene units at which the head is as large as in the photo, where there is no front; 0: the
                camera's own, so that only angles and zoom count

    Raises CameraError for what is no camera of the viewer, or is too near or too far.
    """
    camera = viewer_camera(value)
    if front is None:
        seen = _seen(camera, camera.target)
        size = (1.0 if distance == 0 or camera.orthographic else seen.distance / distance) / _zoom(value)
        return _static(seen, 0.0, 0.0, 0.0, size, distance or seen.distance, camera)
    reference = viewer_camera(front)
    seen, rest = _seen(camera, reference.target), _seen(reference, reference.target)
    nearer = 1.0 if camera.orthographic else seen.distance / _distance(camera)
    size = camera.height * nearer / reference.height
    return _static(seen, rest.yaw, rest.pitch, rest.roll, size, rest.distance, camera)


def _static(
    seen: _Seen, yaw: float, pitch: float, roll: float, size: float, distance: float, camera: ViewerCamera
) -> Camera:
    """`size` is what the picture shows of the head's surroundings, against the photo."""
    dolly = PARALLEL if camera.orthographic else seen.distance / distance
    view = size / dolly
    if not (NEAREST <= dolly <= MOST and NEAREST / PARALLEL <= view <= MOST):
        raise CameraError(
            f"The 3D viewer's camera is {dolly:.3g} times as far away as the photo's and sees {size:.3g}"
            " times as much; set distance to that of the whole head, or connect the front view."
        )
    turn = math.remainder(seen.yaw - yaw, 2 * math.pi)
    return track(
        1,
        yaw=torch.tensor([turn]),
        pitch=torch.tensor([seen.pitch - pitch]),
        roll=torch.tensor([math.remainder(seen.roll - roll, 2 * math.pi)]),
        dolly=torch.tensor([dolly]),
        shift=torch.tensor([[seen.right, seen.down]]),
        field_of_view=torch.tensor([view]),
    )


def _distance(camera: ViewerCamera) -> float:
    return float(np.linalg.norm(camera.position - camera.target))


def _seen(camera: ViewerCamera, point: np.ndarray) -> _Seen:
    away = camera.position - point
    distance = float(np.linalg.norm(away))
    if distance < 1e-9:
        raise CameraError("The 3D viewer's camera lies inside of what it looks at; zoom out.")
    x, y, z = away / distance
    yaw, pitch = math.atan2(x, z), math.asin(min(max(float(y), -1.0), 1.0))
    level = _looking(away)
    up = camera.axes[:, 1]
    roll = math.atan2(-float(up @ level[:, 0]), float(up @ level[:, 1]))
    right, above, behind = camera.axes.T @ away  # the point lies at minus this
    if behind <= 0:
        raise CameraError("The 3D viewer's camera looks away from the head; turn it round.")
    height = camera.height if camera.orthographic else camera.height * float(behind) / _distance(camera)
    return _Seen(yaw, pitch, roll, distance, -float(right) / height, float(above) / height)


def _looking(away: np.ndarray) -> np.ndarray:
    """[3, 3] axes of a camera that lies at `away` from what it looks at, level with the ground."""
    back = away / np.linalg.norm(away)
    across = np.cross([0.0, 1.0, 0.0], back)
    if np.linalg.norm(across) < 1e-6:  # straight from above or below
        across = np.array([1.0, 0.0, 0.0])
    across = across / np.linalg.norm(across)
    return np.stack([across, np.cross(back, across), back], 1)


def viewer_camera(value: Any) -> ViewerCamera:
    """A LOAD3D_CAMERA of any server, checked. Raises CameraError."""
    if value is None or value == "":
        raise CameraError(
            "The 3D node gave no camera; load a model there and turn the view once, then run again."
        )
    if not isinstance(value, Mapping):
        raise CameraError(f"A camera of the 3D viewer is needed, not {type(value).__name__}; {CURE}.")
    position, target = (_point(value, name) for name in ("position", "target"))
    distance = float(np.linalg.norm(position - target))
    if distance < 1e-9:
        raise CameraError("The 3D viewer's camera lies at its own target; zoom out.")
    orthographic = str(value.get("cameraType", "perspective")).lower() == "orthographic"
    height = _height(value, distance, orthographic) / _zoom(value)
    axes = _axes(value.get("quaternion"), position - target)
    return ViewerCamera(position, target, axes, height, orthographic)


def _height(value: Mapping[str, Any], distance: float, orthographic: bool) -> float:
    """Scene units between top and bottom at the target, before the zoom."""
    frustum = value.get("frustum")
    if orthographic and isinstance(frustum, Mapping):
        height = _number(frustum, "top") - _number(frustum, "bottom")
        if not height > 0:
            raise CameraError(f"The 3D viewer's camera sees a height of {height:.3g}; {CURE}.")
        return height
    fov = _number(value, "fov") if value.get("fov") is not None else VIEWER_FOV
    if not 0 < fov < 180:
        raise CameraError(f"The 3D viewer's camera has a field of view of {fov:.6g} degrees; {CURE}.")
    return 2 * distance * math.tan(math.radians(fov) / 2)


def _zoom(value: Mapping[str, Any]) -> float:
    zoom = _number(value, "zoom") if value.get("zoom") is not None else 1.0
    if not 1e-3 <= zoom <= 1e3:
        raise CameraError(f"The 3D viewer's camera has a zoom of {zoom:.6g}; {CURE}.")
    return zoom


def _axes(quaternion: Any, away: np.ndarray) -> np.ndarray:
    """[3, 3] of a quaternion {x, y, z, w}; without one, level and looking at the target."""
    if not isinstance(quaternion, Mapping):
        return _looking(away)
    x, y, z, w = (_number(quaternion, name) for name in "xyzw")
    length = math.sqrt(x * x + y * y + z * z + w * w)
    if length < 1e-6:
        return _looking(away)
    x, y, z, w = x / length, y / length, z / length, w / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _point(value: Mapping[str, Any], name: str) -> np.ndarray:
    point = value.get(name)
    if not isinstance(point, Mapping):
        raise CameraError(f"The 3D viewer's camera has no {name} with x, y and z; {CURE}.")
    return np.array([_number(point, axis) for axis in "xyz"])


def _number(value: Mapping[str, Any], name: str) -> float:
    number = value.get(name)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) <= FARTHEST:
        shown = str(number)[:40]
        raise CameraError(
            f"The 3D viewer's camera has {shown!r} as its {name} where a number is needed; {CURE}."
        )
    return float(number)
