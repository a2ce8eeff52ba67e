"""Face boxes: the short-range BlazeFace net on square windows of the photo (docs/model.md, "Face nets")."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .geometry import apply, sample, scale_of, square_map
from .nets import Net

MIN_SCORE = 0.5  # the net's own threshold in MediaPipe
SAME_FACE = 0.3  # boxes that overlap by more are the same face (the net's own suppression threshold)


@dataclass(frozen=True)
class Window:
    """A square of the photo: centre and side in photo pixels, turned clockwise on the screen by angle
    [rad].
    """

    x: float
    y: float
    side: float
    angle: float = 0.0


@dataclass(frozen=True)
class Detection:
    """A face box: centre and side in photo pixels, angle of the line from eye to eye [rad], score 0..1.

    points [4, 2]: right eye, left eye (the person's own), nose, mouth, in photo pixels.
    """

    x: float
    y: float
    side: float
    angle: float
    score: float
    points: np.ndarray


def anchors() -> np.ndarray:
    """[896, 2] centres of the detector's anchors, 0..1: 2 per 8-pixel cell, then 6 per 16-pixel cell."""
    rows = []
    for cells, count in ((16, 2), (8, 6)):
        y, x = np.mgrid[0:cells, 0:cells]
        centres = np.stack([x.ravel() + 0.5, y.ravel() + 0.5], 1) / cells
        rows.append(np.repeat(centres, count, 0))
    return np.concatenate(rows)


def detect(photo: np.ndarray, window: Window, net: Net) -> list[Detection]:
    """The faces in one window of a photo uint8 [H, W, 3], best first."""
    to_photo = square_map(window.x, window.y, window.side, window.angle, net.side)
    picture = sample(photo, to_photo, net.side).astype(np.float32) / 127.5 - 1
    outputs = sorted(net(picture), key=np.size)
    scores = 1 / (1 + np.exp(-np.clip(outputs[0].reshape(-1), -80, 80)))
    keep = scores >= MIN_SCORE
    if not keep.any():
        return []
    raw = outputs[1].reshape(-1, 16)[keep].astype(np.float64)
    centre = anchors()[keep] * net.side
    # Columns: box centre, box size, then right eye, left eye, nose, mouth, right ear, left ear.
    boxes = np.concatenate([raw[:, :2] + centre, raw[:, 2:4]], 1)
    points = raw[:, 4:12].reshape(-1, 4, 2) + centre[:, None]
    return _merged(boxes, points, scores[keep], to_photo)


def _merged(
    boxes: np.ndarray, points: np.ndarray, scores: np.ndarray, to_photo: np.ndarray
) -> list[Detection]:
    """Non-maximum suppression by weighted mean: overlapping boxes become one."""
    found, left = [], np.ones(len(scores), bool)
    while left.any():
        best = int(np.argmax(np.where(left, scores, -1)))
        same = left & (overlap(boxes[best], boxes) > SAME_FACE)
        same[best] = True
        weight = scores[same] / scores[same].sum()
        box = weight @ boxes[same]
        marks = apply(to_photo, np.einsum("n,nij->ij", weight, points[same]))
        x, y = apply(to_photo, box[:2]).tolist()
        angle = math.atan2(*(marks[1] - marks[0])[::-1])
        side = float(max(box[2:])) * scale_of(to_photo)
        found.append(Detection(x, y, side, angle, float(scores[best]), marks))
        left &= ~same
    return found


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """[n] intersection over union of one box (centre x, y, width, height) with n boxes [n, 4]."""
    low = np.maximum(boxes[:, :2] - boxes[:, 2:] / 2, box[:2] - box[2:] / 2)
    high = np.minimum(boxes[:, :2] + boxes[:, 2:] / 2, box[:2] + box[2:] / 2)
    both = np.clip(high - low, 0, None).prod(1)
    return both / np.maximum(boxes[:, 2:].prod(1) + box[2:].prod() - both, 1e-9)


def whole_window(photo: np.ndarray, angle: float = 0.0) -> Window:
    """The smallest square with the whole photo in it."""
    height, width = photo.shape[:2]
    return Window(width / 2, height / 2, float(max(height, width)), angle)


def tiles(photo: np.ndarray, side: float, angle: float = 0.0) -> Iterable[Window]:
    """Windows of one size over the photo; neighbours overlap by half, so that a face is whole in one of
    them.
    """
    height, width = photo.shape[:2]
    for y in _steps(height, side):
        for x in _steps(width, side):
            yield Window(x, y, side, angle)


def _steps(length: int, side: float) -> np.ndarray:
    if side >= length:
        return np.array([length / 2])
    return np.linspace(side / 2, length - side / 2, math.ceil((length - side) / (side / 2)) + 1)
