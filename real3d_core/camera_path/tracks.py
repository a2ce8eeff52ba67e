"""Camera tracks: building, adding, holding."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import CameraError
from ..render_triplane.cameras import checked_camera
from ..wires import Camera


def track(frames: int, **parts: Tensor) -> Camera:
    """A track of `frames` rows that is the photo's own view but for the given parts ([frames] or [1])."""
    zero, one = torch.zeros(frames), torch.ones(frames)
    still = {
        "yaw": zero,
        "pitch": zero,
        "roll": zero,
        "dolly": one,
        "shift": torch.zeros(frames, 2),
        "field_of_view": one,
        "truck": zero,
    }
    given = {name: value.float().expand_as(still[name]).clone() for name, value in parts.items()}
    return Camera(**(still | given))


def held(camera: Camera, frames: int) -> Camera:
    """The first `frames` rows; the last one is held where the track is shorter."""
    return camera.at(torch.arange(frames, device=camera.yaw.device).clamp(max=len(camera) - 1))


def together(first: Camera, second: Camera) -> Camera:
    """Both movements at once, as long as the longer: sums of angles, shifts and truck, products of factors.

    Raises CameraError if a track holds NaN or infinite values, RenderError if its parts do not fit together.
    """
    frames = max(len(first), len(second))
    a, b = (held(checked_camera(one).to("cpu"), frames) for one in (first, second))
    both = Camera(
        yaw=a.yaw + b.yaw,
        pitch=a.pitch + b.pitch,
        roll=a.roll + b.roll,
        dolly=a.dolly * b.dolly,
        shift=a.shift + b.shift,
        field_of_view=a.field_of_view * b.field_of_view,
        truck=a.truck + b.truck,
    )
    parts = (both.yaw, both.pitch, both.roll, both.dolly, both.shift, both.field_of_view, both.truck)
    if not all(bool(torch.isfinite(part).all()) for part in parts):
        raise CameraError("The camera holds NaN or infinite values; check the node that made it.")
    return both
