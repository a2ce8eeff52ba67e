"""Reading a motion at other moments than its own frames: straight lines between frames, ends held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import MotionError
from ..wires import Motion

MOST_FRAMES = 500_000
"""Longest motion that the tools make: 5.5 hours at 25 frames/s, 116 MB."""


def each_tensor(motion: Motion, change: Callable[[Tensor], Tensor]) -> Motion:
    """The motion with `change` applied to each of its tensors [T, n]."""
    return replace(
        motion,
        blendshapes=change(motion.blendshapes),
        euler=change(motion.euler),
        translation=change(motion.translation),
        expression=None if motion.expression is None else change(motion.expression),
    )


def check_length(frames: float) -> int:
    """`frames` as a whole number of at least 1. Raises MotionError above MOST_FRAMES."""
    if not frames <= MOST_FRAMES:
        raise MotionError(
            f"The motion would have {frames:.6g} frames where {MOST_FRAMES} are possible; make it shorter."
        )
    return max(1, int(frames))


def between(values: Tensor, positions: Tensor) -> Tensor:
    """[N, n] rows of `values` [T, n] at fractional row numbers `positions` [N] float64, clipped to 0..T-1.

    At whole numbers the rows come back bit for bit.
    """
    at = positions.to(values.device).clamp(0, len(values) - 1)
    low = at.floor().long()
    high = (low + 1).clamp(max=len(values) - 1)
    share = (at - low)[:, None].to(values.dtype)
    mixed = values[low] + (values[high] - values[low]) * share
    return torch.where(share == 0, values[low], mixed)


def at_rows(motion: Motion, positions: Tensor, fps: float | None = None) -> Motion:
    """The motion at fractional frame numbers [N], at another frame rate if one is given."""
    changed = each_tensor(motion, lambda values: between(values, positions))
    return changed if fps is None else replace(changed, fps=fps)


def resampled(motion: Motion, fps: float, speed: float = 1.0) -> Motion:
    """The motion `speed` times as fast, at `fps` frames per second; the same object where nothing changes.

    A frame stands for the middle of its time on screen. Raises MotionError if it would be too long.
    """
    if fps == motion.fps and speed == 1:
        return motion
    step = motion.fps * speed / fps
    count = check_length(round(len(motion) / step))
    positions = (torch.arange(count, dtype=torch.float64) + 0.5) * step - 0.5
    return at_rows(motion, positions, fps)
