"""The two cameras of a stereo pair.

Convention
    Both eyes look along the same direction as the camera between them, half an eye distance to its left and
    right. Their pictures are shifted, not turned (off-axis frusta), so that what lies in the plane of
    convergence is at the same place in both, and nothing is at different heights. Depth is along that
    direction, in box sides; disparity is u of the left eye minus u of the right eye in picture widths:
    above 0 before the plane of convergence (out of the screen), below 0 behind it.

See docs/model.md, "Stereo".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import CameraError
from ..render_triplane.cameras import checked_camera, orbit, split_camera
from ..wires import Camera, TriPlane

NEAREST_PLANE = 0.3
"""Box sides; a plane of convergence that is nearer to the camera asks for a squint."""


@dataclass(frozen=True)
class Eyes:
    """left, right     the camera tracks, as long as the one between them
    focal           [T] of the lens, in picture widths
    pivot           [T] depth of the head's pivot
    plane           [T] depth of the plane of convergence
    eye_distance    box sides
    """

    left: Camera
    right: Camera
    focal: Tensor
    pivot: Tensor
    plane: Tensor
    eye_distance: float

    def disparity(self, depth: Tensor) -> Tensor:
        """[T] of what lies at depth [T] or []: focal * eye distance * (1 / depth - 1 / plane)."""
        return self.focal * self.eye_distance * (1 / depth - 1 / self.plane)


def eyes_of(triplane: TriPlane, camera: Camera, eye_distance: float, convergence: float) -> Eyes:
    """The eyes of a camera track. convergence: how far before the pivot their plane lies, box sides.

    Raises CameraError if the plane comes too near to a camera.
    """
    track = checked_camera(camera).to("cpu")
    base, pivot = split_camera(triplane.camera.cpu()), triplane.pivot.cpu()
    view = orbit(base.c2w, pivot, track, torch.arange(len(track)))
    depth = ((pivot - view[:, :3, 3]) * view[:, :3, 2]).sum(-1)
    plane = depth - convergence
    if not float(plane.min()) >= NEAREST_PLANE:
        raise CameraError(
            f"The plane of convergence is {float(plane.min()):.2f} box sides from the camera, which is too"
            " near; lower convergence, or keep the camera farther away."
        )
    focal = base.intrinsics[0, 0] / track.field_of_view
    half = torch.full_like(track.truck, eye_distance / 2)
    aside = torch.stack([focal * half / plane, torch.zeros_like(half)], -1)
    left = replace(track, truck=track.truck - half, shift=track.shift - aside)
    right = replace(track, truck=track.truck + half, shift=track.shift + aside)
    return Eyes(left, right, focal, depth, plane, eye_distance)
