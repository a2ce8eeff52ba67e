"""Heads whose top the photo cuts off: the crop continues the edge, this rounds it off (docs/model.md, "Load
Portrait")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .crop import Crop
from .filters import blur
from .nets import opencv
from .regions import EARS, face_width

SMALLEST_CUT = 0.06  # face widths of hair at the photo's edge; less is a wisp
RIM = 3.0  # pixels inside the photo where the hair is measured
BLEED = 50  # pixels to each side over which the softened continuation of hair tints the scenery
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
    """Closes the matte [512, 512] of a head that the photo's upper edge cuts."""
    if not crop.above.any():
        return CutHead(person, np.zeros_like(crop.above), 0.0)
    rows, columns = np.indices(person.shape)
    away = opencv().distanceTransform(1 - crop.above, 2, 5)
    rim = (away > 0.5) & (away <= RIM) & (person > 0.5) & (rows < landmarks[list(EARS), 1].min())
    share = float(np.unique(columns[rim]).size) / face_width(landmarks)
    if share <= SMALLEST_CUT:
        return CutHead(np.where(crop.above > 0, 0, person).astype(np.float32), np.zeros_like(crop.above), 0.0)
    low, high = np.percentile(columns[rim], (1, 99))
    edge, half = float(np.median(rows[rim])), max(float(high - low) / 2, 1.0)
    across, up = (columns - (low + high) / 2) / half, (rows - edge) / (DOME_HEIGHT * half)
    dome = blur((across**2 + up**2 < 1).astype(np.float32), 1.5) * (rows <= edge)
    closed = np.where(crop.above > 0, dome, np.maximum(person, dome * rim)).astype(np.float32)
    near = (columns > low - BLEED) & (columns < high + BLEED)
    return CutHead(closed, (crop.above * near).astype(np.uint8), share)
