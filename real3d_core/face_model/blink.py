"""Blinks drawn into SECC maps: the eye holes close from both sides, column by column.

Nothing is learned here: the networks simply see a map whose eye holes are filled with the colours of the
face around them. See docs/model.md, "Face model and SECC maps".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..errors import MotionError
from .kd_order import KdOrder

PERIOD_SECONDS = 5.0
SHORTEST, LONGEST = 8, 12
"""Frames of a blink."""

_FPS = 25.0
_MARGIN = 4
"""Pixels by which the box around an eye is greater than the eye; one fewer at its lower and right end."""

_RIM = 5
"""Pixels of face around a hole that count as the eye: they move with the lids."""

_FRAMES_AT_ONCE = 4
_FAR = 1 << 24
"""A squared distance that no two pixels of the searched area have."""


def blink_percent(frames: int) -> Tensor:
    """[frames] float32: how far the eyes are closed in each frame of one blink, 0 (the first) .. 1."""
    at = torch.arange(frames, dtype=torch.float64)
    return (1 - (2 * at / max(frames, 1) - 1) ** 2).float()


def period_blinks(frames: int, seed: int, fps: float = _FPS, amount: float = 1.0) -> Tensor:
    """[frames] float32 0..1: a blink of 8 to 12 frames every five seconds, the first at frame 0.

    A longer clip of the same seed begins with the shorter one. At another rate than 25 frames per second,
    blinks take as long in seconds. amount is how many there are, 0 (none) .. 2 (every 2.5 s).
    """
    draws = np.random.Generator(np.random.PCG64(seed))
    curve = torch.zeros(frames)
    if amount == 0:
        return curve
    period = max(1.0, PERIOD_SECONDS * fps / amount)
    for start in (round(number * period) for number in range(math.ceil(frames / period))):
        length = int(draws.integers(SHORTEST, LONGEST + 1))
        one = blink_percent(max(2, round(length * fps / _FPS)))[: min(int(period), frames - start)]
        curve[start : start + len(one)] = one
    return curve


def blink(secc: Tensor, percent: Tensor) -> Tensor:
    """Closes the eyes of SECC maps.

    secc      [n, 3, h, w] float32 -1..1, -1 (all channels) where there is no face; h, w 32 to 2048
    percent   [n] 0 (as they are) .. 1 (closed)
    returns   [n, 3, h, w] float32 on the device of `secc`

    Colours are rounded down to 8 bits in every frame, also where percent is 0: so did the maps that the
    networks saw, and a clip must not change its colours when a blink begins. A map without eye holes, or with
    no face around them, is only rounded. A frame's result does not depend on the others.

    Raises MotionError if the shapes do not fit or percent is not within 0..1.
    """
    _check(secc, percent)
    levels = torch.floor((secc.float().clamp(-1, 1) + 1) * 127.5)
    height, width = secc.shape[-2:]
    # Eyes are searched in the second quarter of the rows, in the second and third quarter of the columns.
    rows = slice(height // 4 - _MARGIN, height // 2 + _MARGIN)
    columns = slice(width // 4 - _MARGIN, width * 3 // 4 + _MARGIN)
    for some in torch.nonzero(percent > 0)[:, 0].to(secc.device).split(_FRAMES_AT_ONCE):
        part = levels[some, :, rows, columns]
        levels[some, :, rows, columns] = _closed(part, percent.to(secc.device)[some].float(), width)
    return levels / 127.5 - 1


def _check(secc: Tensor, percent: Tensor) -> None:
    fits = secc.ndim == 4 and secc.shape[1] == 3 and 32 <= min(secc.shape[2:]) <= max(secc.shape[2:]) <= 2048
    if not fits or list(percent.shape) != [len(secc)]:
        raise MotionError(
            f"SECC maps of the shape {list(secc.shape)} and blinks of the shape {list(percent.shape)} were "
            "given; maps need [n, 3, h, w] with 32 to 2048 pixels a side, blinks [n]."
        )
    if not bool(((percent >= 0) & (percent <= 1)).all()):
        raise MotionError("A blink outside 0..1 was given; choose 0 for open eyes to 1 for closed ones.")


@dataclass(frozen=True)
class _Span:
    """First and last index of what is set in each frame, [n] int64; first > last where nothing is."""

    first: Tensor
    last: Tensor

    def mask(self, size: int) -> Tensor:
        """[n, size] bool: from a margin before the first to just before a margin after the last."""
        at = torch.arange(size, device=self.first.device)
        inside = (at >= self.first[:, None] - _MARGIN) & (at < self.last[:, None] + _MARGIN)
        return inside & (self.first <= self.last)[:, None]


def _span(flags: Tensor) -> _Span:
    """flags [n, size] bool."""
    size = flags.shape[1]
    at = torch.arange(size, device=flags.device)
    return _Span(torch.where(flags, at, size).amin(1), torch.where(flags, at, -1).amax(1))


def _closed(levels: Tensor, percent: Tensor, width: int) -> Tensor:
    """levels [n, 3, h, w] 0..255 of the searched area with a margin -> the same with closed eyes."""
    face = (levels > 0).all(1)
    hole = ~face
    hole[:, :_MARGIN] = hole[:, -_MARGIN:] = False
    middle = width // 2 - (width // 4 - _MARGIN)
    last = levels.shape[3] - _MARGIN
    hole[:, :, :_MARGIN] = hole[:, :, last:] = False
    rows = _span(hole.any(2)).mask(levels.shape[2])
    columns = torch.zeros_like(hole[:, 0])
    for eye in (slice(_MARGIN, middle), slice(middle, last)):
        across = torch.zeros_like(hole[:, 0])
        across[:, eye] = hole[:, :, eye].any(1)
        columns |= _span(across).mask(levels.shape[3])
    box = rows[:, :, None] & columns[:, None]
    # The smallest window that holds the boxes of all frames.
    y, x = (_span(box.any(axis).any(0)[None]) for axis in (2, 1))
    closed = levels.clone()
    if int(y.last) >= 0:
        window = (..., slice(int(y.first), int(y.last) + 1), slice(int(x.first), int(x.last) + 1))
        closed[window] = _close_eyes(levels[window], face[window], hole[window], box[window], percent)
    return closed


def _close_eyes(levels: Tensor, face: Tensor, hole: Tensor, box: Tensor, percent: Tensor) -> Tensor:
    """Fills the eyes: levels [n, 3, h, w]; face, hole, box (around each eye) [n, h, w] bool; percent [n]."""
    lids = (~face | (face & _beside(hole))) & box
    sources = face & ~lids & box
    row = torch.arange(lids.shape[1], device=lids.device, dtype=torch.float32)[:, None]
    top = torch.where(lids, row, _FAR).amin(1, keepdim=True)
    bottom = torch.where(lids, row, -_FAR).amax(1, keepdim=True)
    mean = torch.where(lids, row, 0).sum(1, keepdim=True) / lids.sum(1, keepdim=True).clamp(min=1)
    p = percent[:, None, None]
    # A line that falls on a pixel's row belongs to the lid, however it was rounded.
    upper, lower = top + p * (mean - top) + 1e-4, bottom + p * (mean - bottom) - 1e-4
    filled = lids & ((row <= upper) | (row >= lower)) & sources.any(2, True).any(1, True)
    frame, *at = filled.nonzero().unbind(1)
    y, x = _nearest(sources, frame, *at).unbind(1)
    closed = levels.clone()
    closed[frame, :, at[0], at[1]] = levels[frame, :, y, x]
    return closed


def _beside(hole: Tensor) -> Tensor:
    """[n, h, w] bool: pixels within _RIM of a hole."""
    away = torch.arange(-_RIM, _RIM + 1, device=hole.device)
    disc = (away[:, None].square() + away.square() <= _RIM * _RIM).float()
    return functional.conv2d(hole[:, None].float(), disc[None, None], padding=_RIM)[:, 0] > 0.5


def _nearest(sources: Tensor, frame: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """[Q, 2] row and column of the source that is nearest to each of Q pixels.

    sources [n, h, w] bool; frame, row, column [Q] of pixels, in frames that have sources. The nearest
    row in each column first, then the best of the columns. Where several are equally near, it is the one
    that the released code's search meets first.
    """
    height, width = sources.shape[1:]
    y, x = (torch.arange(size, device=sources.device, dtype=torch.int32) for size in (height, width))
    away = (y[:, None] - y).abs() * height + y  # [row, candidate row]
    none = height * height
    best = torch.where(sources.transpose(1, 2)[:, None], away[:, None], none).amin(3)[frame, row]
    steps, rows = torch.div(best, height, rounding_mode="floor"), best % height  # [Q, w]
    vertical = torch.where(best < none, steps.square(), _FAR)
    distances = (x - column[:, None].int()).square() + vertical
    distance, nearest = distances.min(1)
    found = torch.stack([rows.gather(1, nearest[:, None])[:, 0].long(), nearest], 1)
    # All that are as near, one after another; a source on the other side of a pixel may be one, too.
    query, columns = (distances == distance[:, None]).nonzero().unbind(1)
    here = rows[query, columns].long()
    there = 2 * row[query] - here
    twice = (there != here) & (there >= 0) & (there < height)
    twice &= sources[frame[query], there.clamp(0, height - 1), columns]
    query, columns = torch.cat([query, query[twice]]), torch.cat([columns, columns[twice]])
    rows = torch.cat([here, there[twice]])
    several = torch.zeros_like(row).index_add_(0, query, torch.ones_like(query)) > 1
    for number in frame[several].unique().tolist():
        number_of = (sources[number].flatten().cumsum(0) - 1).view(height, width)
        points, asked = sources[number].nonzero(), (several & (frame == number)).nonzero()[:, 0]
        some = torch.isin(query, asked)
        of = torch.searchsorted(asked, query[some])
        queries = torch.stack([row[asked], column[asked]], 1)
        first = KdOrder.of(points).first(queries, of, number_of[rows[some], columns[some]])
        found[asked] = points[first]
    return found
