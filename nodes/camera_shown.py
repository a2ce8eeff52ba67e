"""What nodes that make or limit cameras show: curves with the warning, and the warning as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..real3d_core.wires import Camera
from . import host
from .host import io


def camera_shown(camera: Camera, fps: float, node: type[io.ComfyNode], warning: str | None) -> dict[str, Any]:
    """The `ui` of a node that makes a camera: its curves, its length, and warnings if there are any."""
    from ..real3d_core.camera_path.picture import camera_picture
    from ..real3d_core.render_triplane.safe_range import wide_warning

    notes = tuple(note for note in (warning, wide_warning(camera)) if note is not None)
    frames = f"{len(camera)} frames" if len(camera) > 1 else "a camera that stands still"
    return picture_shown(camera_picture(camera, fps, notes), node, frames, *notes)


def picture_shown(picture: np.ndarray, node: type[io.ComfyNode], *lines: str) -> dict[str, Any]:
    """The `ui` of a node: a picture [h, w, 3] uint8 and lines of text."""
    import torch

    image = torch.from_numpy(picture.copy()).float()[None] / 255
    return host.ui.PreviewImage(image, cls=node).as_dict() | {"text": lines}
