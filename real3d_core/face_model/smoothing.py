"""Smoothing of camera and key point tracks over time, and tracks played back and forth.

See docs/model.md, "Face model and SECC maps".
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 7
"""Frames, the middle one included."""


def smooth_cameras(cameras: Tensor, window: int = WINDOW) -> Tensor:
    """A moving average of cameras [n, 25] over an odd `window`, cut short at the ends of the track.

    Positions are averaged, rotations too (chordal mean: the rotation nearest to the mean matrix); intrinsics
    stay. Reckoned in float64, given back in the dtype and on the device of `cameras`.
    """
    exact = cameras.cpu().double()
    c2w = exact[:, :16].unflatten(1, (4, 4)).clone()
    half = window // 2
    spans = [slice(max(0, i - half), i + half + 1) for i in range(len(c2w))]
    mean = torch.stack([c2w[span, :3].mean(0) for span in spans])
    u, _, v = torch.linalg.svd(mean[:, :, :3])
    flip = torch.ones(len(mean), 3, dtype=mean.dtype)
    flip[:, 2] = torch.linalg.det(u @ v)
    c2w[:, :3, :3] = u * flip[:, None] @ v
    c2w[:, :3, 3] = mean[:, :, 3]
    return torch.cat([c2w.flatten(1), exact[:, 16:]], 1).to(cameras.dtype).to(cameras.device)


def smooth_track(values: Tensor, window: int = WINDOW) -> Tensor:
    """A moving average of values [n, ...] over an odd `window`; beyond its ends a track runs backwards."""
    half = window // 2
    mirrored = values[mirror_index(torch.arange(-half, len(values) + half), len(values)).to(values.device)]
    return mirrored.unfold(0, window, 1).mean(-1)


def mirror_index(frames: Tensor, length: int) -> Tensor:
    """The frames of a track of `length` frames that is played back and forth: 0, 1, 2, 2, 1, 0, 0, 1, ...

    frames [n] int64 may run beyond either end.
    """
    turn = frames % (2 * length)
    return torch.minimum(turn, 2 * length - 1 - turn)
