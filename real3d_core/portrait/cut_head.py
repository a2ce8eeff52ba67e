"""Heads whose top the photo cuts off: the crop continues the edge, this rounds it off (docs/model.md, "Load
Portrait")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .crop import Crop
from .filters import blur, grow
from .nets import opencv
from .regions import EARS, face_width

SMALLEST_CUT = 0.06  # face widths of hair at the photo's edge; less is a wisp
DOME_HEIGHT = 0.6  # of half the cut's width: a skull goes on about so


@dataclass(frozen=True)
class CutHead:
    """The part of the crop where hair ran into the photo's edge.

    person  float32 [512, 512]: the matte, closed by a dome beyond the edge.
    beyond  uint8 [512, 512] 0/1: where the continued edge shows hair instead of scenery.
    share   length of the cut in face widths; 0 = the head is whole.
    """

    person: np.ndarray
    beyond: np.ndarray
    share: float


def close_cut_head(crop: Crop, landmarks: np.ndarray, person: np.ndarray) -> CutHead:
    """Closes the matte [512, 512] of a head that the photo's edge cuts above the eyes."""
    rows, columns = np.indices(person.shape)
    above = rows < landmarks[list(EARS), 1].min()
    outside = (crop.outside > 0).astype(np.uint8)
    rim = (opencv().dilate(outside, np.ones((3, 3), np.uint8)) > 0) & (outside == 0) & above & (person > 0.5)
    share = float(rim.sum()) / face_width(landmarks)
    if share <= SMALLEST_CUT:
        return CutHead(person, np.zeros_like(outside), 0.0)
    beyond = (outside > 0) & above
    y, x = np.nonzero(rim)
    low, high = np.percentile(x, (1, 99))
    half = max((high - low) / 2, 1.0)
    across, up = (columns - (low + high) / 2) / half, (rows - np.median(y)) / (DOME_HEIGHT * half)
    dome = blur((across**2 + up**2 < 1).astype(np.float32), 1.5)
    closed = np.where(beyond, np.minimum(person, dome), person).astype(np.float32)
    return CutHead(closed, grow(beyond & (person > 0.02), 9), share)
