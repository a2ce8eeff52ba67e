"""From how far the head can be seen: a soft limit of the camera, and of camera and head pose together.

The head is a volume, but what the photo did not show of it is made up; the torso is a picture that is warped.
Up to SAFE the pictures are good. Farther away an angle is brought back: up to SAFE it stays what it is to
the bit, beyond it grows ever more slowly towards MOST, so that a movement through the edge has no kink.

Convention
    Yaw and pitch are where the camera stands as seen from the head at rest, 0 as in the photo: yaw > 0 to
    the image's right, pitch > 0 above. A head that turns moves the camera the other way.

See docs/model.md, "Safe range".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..wires import Camera, TriPlane
from .cameras import check_values, checked_camera, rotation_from_euler

SAFE = (math.radians(25), math.radians(15))
"""Yaw and pitch up to which pictures are good (README, "How far a head can turn")."""

MOST = (math.radians(30), math.radians(20))
"""Yaw and pitch that a limited view never exceeds: nothing tears there."""

WIDEST = 1.03
"""How much more than the photo a camera may see before its edge shows."""

ROUNDS = 12
"""Of the correction of camera and head; turns of both do not simply add up."""


@dataclass(frozen=True)
class ViewAngles:
    """yaw, pitch [T] rad: where the camera stands as seen from the head (module docstring)."""

    yaw: Tensor
    pitch: Tensor

    @property
    def beyond(self) -> Tensor:
        """[T] bool, frames outside of the safe range."""
        return (self.yaw.abs() > SAFE[0] + 1e-5) | (self.pitch.abs() > SAFE[1] + 1e-5)

    def warning(self, limited: bool) -> str | None:
        """A sentence about what lies beyond the safe range; None if nothing does."""
        count, frames = int(self.beyond.sum()), len(self.yaw)
        if count == 0:
            return None
        yaw, pitch = (math.degrees(float(angle.abs().max())) for angle in (self.yaw, self.pitch))
        done = (
            f"limit keeps it within {math.degrees(MOST[0]):.0f} and {math.degrees(MOST[1]):.0f}."
            if limited
            else "Turn on limit, or move less."
        )
        where = "the one frame" if frames == 1 else f"{count} of {frames} frames"
        return (
            f"The head is seen from up to {yaw:.0f} degrees of yaw and {pitch:.0f} of pitch, beyond the good"
            f" range of {math.degrees(SAFE[0]):.0f} and {math.degrees(SAFE[1]):.0f} in {where}: the sides of"
            f" the head are made up there and the torso is stretched; {done}"
        )


@dataclass(frozen=True)
class LimitedView:
    """A head and its camera within the range, and the angles that they had before."""

    triplane: TriPlane
    camera: Camera
    asked: ViewAngles


def wide_warning(camera: Camera) -> str | None:
    """A sentence about a camera that shows more than the photo; None if it does not."""
    most = float((camera.dolly * camera.field_of_view).max())
    if most <= WIDEST:
        return None
    return (
        f"The camera sees up to {most:.2g} times as much as the photo: what lies past its edge is a mirror"
        " image, which shows in shoulders and clothes; go nearer, or lower field_of_view."
    )


def soft_limit(angle: Tensor, safe: float, most: float) -> Tensor:
    """`angle` up to +-safe, then smoothly towards +-most, which it never exceeds."""
    over = angle.abs() - safe
    room = most - safe
    return torch.where(over > 0, angle.sign() * (safe + room * torch.tanh(over / room)), angle)


def limited_camera(camera: Camera) -> Camera:
    """The track with its yaw and pitch limited, whatever the head does."""
    return replace(
        camera,
        yaw=soft_limit(camera.yaw, SAFE[0], MOST[0]),
        pitch=soft_limit(camera.pitch, SAFE[1], MOST[1]),
    )


def camera_angles(camera: Camera) -> ViewAngles:
    """The angles of a camera track alone, for a head that does not move."""
    return ViewAngles(camera.yaw, camera.pitch)


def view_angles(triplane: TriPlane, camera: Camera) -> ViewAngles:
    """The angles under which the frames of a clip are seen, head pose and camera together."""
    camera, euler = _rows(triplane, checked_camera(camera))
    return _angles(camera.yaw, camera.pitch, euler)


def limited_view(triplane: TriPlane, camera: Camera) -> LimitedView:
    """A clip whose head is seen from within the range in every frame.

    The camera is limited by itself, for the torso's sake; then camera and head each give back the share of
    the rest by which they went too far. Frames within the range keep their values to the bit, and
    a clip that stays within it is returned as it is. Raises RenderError for what no camera can be.
    """
    check_values(checked_camera(camera), torch.arange(len(camera), device=camera.yaw.device))
    asked = view_angles(triplane, camera)
    if not bool(asked.beyond.any()) and not bool(camera_angles(camera).beyond.any()):
        return LimitedView(triplane, camera, asked)
    track, euler = _rows(triplane, limited_camera(checked_camera(camera)))
    start = _angles(track.yaw, track.pitch, euler)
    beyond = start.beyond
    yaw, pitch, turned = track.yaw[beyond], track.pitch[beyond], euler[beyond]
    goal = (
        soft_limit(start.yaw[beyond], SAFE[0], MOST[0]),
        soft_limit(start.pitch[beyond], SAFE[1], MOST[1]),
    )
    share_yaw = _camera_share(yaw, -turned[:, 1], start.yaw[beyond])
    share_pitch = _camera_share(pitch, turned[:, 0], start.pitch[beyond])
    for _ in range(ROUNDS):
        now = _angles(yaw, pitch, turned)
        off_yaw = torch.remainder(goal[0] - now.yaw + math.pi, 2 * math.pi) - math.pi
        off_pitch = goal[1] - now.pitch
        yaw, pitch = yaw + share_yaw * off_yaw, pitch + share_pitch * off_pitch
        turned = torch.stack(
            [
                turned[:, 0] + (1 - share_pitch) * off_pitch,
                turned[:, 1] - (1 - share_yaw) * off_yaw,
                turned[:, 2],
            ],
            -1,
        )
    limited = replace(track, yaw=_put(track.yaw, beyond, yaw), pitch=_put(track.pitch, beyond, pitch))
    if triplane.motion is None:
        return LimitedView(triplane, limited, asked)
    motion = replace(triplane.motion, euler=_put(euler, beyond, turned).to(triplane.motion.euler.device))
    return LimitedView(replace(triplane, motion=motion), limited, asked)


def _rows(triplane: TriPlane, camera: Camera) -> tuple[Camera, Tensor]:
    """A camera with a row for each frame of the clip, and the head's euler [T, 3] (zeros without motion)."""
    camera = camera.to("cpu")
    if triplane.motion is None:
        return camera, torch.zeros(len(camera), 3)
    euler = triplane.motion.euler.detach().cpu()
    frames = torch.arange(len(euler)).clamp(max=len(camera) - 1)
    return camera.at(frames), euler


def _angles(yaw: Tensor, pitch: Tensor, euler: Tensor) -> ViewAngles:
    """For camera yaw and pitch [T] and head euler [T, 3]; yaw goes on smoothly past half a turn."""
    towards = torch.stack([yaw.sin() * pitch.cos(), pitch.sin(), yaw.cos() * pitch.cos()], -1)
    seen = (rotation_from_euler(euler).transpose(-1, -2) @ towards[..., None])[..., 0]
    around = np.unwrap(torch.atan2(seen[:, 0], seen[:, 2]).numpy())
    return ViewAngles(torch.from_numpy(around).to(seen), torch.asin(seen[:, 1].clamp(-1, 1)))


def _camera_share(camera: Tensor, head: Tensor, angle: Tensor) -> Tensor:
    """[T] 0..1 how much of an excess is the camera's; head [T] is what it adds, in the camera's sign."""
    own, other = (camera * angle.sign()).clamp(min=0), (head * angle.sign()).clamp(min=0)
    return own / (own + other).clamp(min=1e-6)


def _put(values: Tensor, where: Tensor, new: Tensor) -> Tensor:
    out = values.clone()
    out[where] = new.to(values)
    return out
