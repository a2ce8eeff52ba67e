"""Render passes: pictures of what the renderer saw, for compositing and for control networks.

Pictures are float32 0..1, [n, channels, r, r]. See docs/model.md, "Render passes".
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import RenderError
from ..wires import RenderedFrames
from .cameras import FARTHEST

SOLID = 0.5
"""Opacity from which a pixel's depth is that of the head: below, it may belong to a few thin samples."""


def colour_pass(frames: RenderedFrames) -> Tensor:
    """[n, 3, r, r] raw colour over black; colour + (1 - alpha) * ground puts it over anything else."""
    return ((frames.rgb + 1) / 2).clamp(0, 1)


def alpha_pass(frames: RenderedFrames) -> Tensor:
    """[n, 1, r, r] opacity."""
    return frames.alpha.clamp(0, 1)


def depth_pass(frames: RenderedFrames, near: float, far: float) -> Tensor:
    """[n, 1, r, r] depth as grey: `near` (box sides) and nearer is 1, `far` and farther, and nothing, is 0.

    Raises RenderError unless near < far, both at most FARTHEST.
    """
    if not -FARTHEST <= near < far <= FARTHEST:
        raise RenderError(
            f"The depth picture's near is {near} and its far is {far}; near must be less than far, and both"
            " some box sides."
        )
    grey = ((far - frames.depth) / (far - near)).clamp(0, 1)
    return torch.where(frames.alpha > SOLID, grey, 0.0)
