"""What nodes that make motions show: the curves, and a line of text."""

from __future__ import annotations

from typing import Any

from ..real3d_core.wires import Motion
from . import host
from .host import io


def motion_shown(motion: Motion, node: type[io.ComfyNode], *lines: str) -> dict[str, Any]:
    """The `ui` of a node: the curves as a picture, a summary of the motion, and the node's own lines."""
    import torch

    from ..real3d_core.motion.curves_picture import curves_picture, summary

    picture = torch.from_numpy(curves_picture(motion).copy()).float()[None] / 255
    return host.ui.PreviewImage(picture, cls=node).as_dict() | {"text": (summary(motion), *lines)}
