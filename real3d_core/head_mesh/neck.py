"""Where a head ends: below the jaw, where its weight in the picture falls off.

See docs/model.md, "Mesh".
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..image_to_plane.geometry import project
from ..ops import remap_torch
from ..portrait.filters import blur, disk
from ..portrait.regions import jaw_distance
from ..render_triplane.cameras import DISTANCE, FOCAL
from ..wires import PORTRAIT_SIZE, Portrait

OPENED = 6  # pixels: slivers that are narrower are no neck
EVEN = 4.0  # pixels: blur of the cut's line
BEGINS = (-0.10, 0.02)  # face heights below the jaw line between which the cut becomes exact
SPARED = 8.0  # pixels around the head's mask that stay above the jaw: its edge is the volume's


def neck_cut(portrait: Portrait) -> Tensor:
    """[1, 512, 512, 1] distance to the cut in box sides, positive in the head.

    Above the jaw it leaves the volume's own edge alone, and takes off what is no head, such as a collar.
    """
    import cv2

    portrait = portrait.to("cpu")
    head = (portrait.head.numpy() > 0.5).astype(np.uint8)
    head = cv2.morphologyEx(head, cv2.MORPH_OPEN, disk(OPENED))
    inside = cv2.distanceTransform(head, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - head, cv2.DIST_L2, 5)
    low, high = BEGINS
    above = np.clip((high - jaw_distance(portrait.landmarks.numpy())) / (high - low), 0, 1)
    pixels = blur(inside - outside, EVEN) + SPARED * above
    return torch.from_numpy((pixels / PORTRAIT_SIZE * DISTANCE / FOCAL).astype(np.float32))[None, ..., None]


def cut_depth(cut: Tensor, points: Tensor) -> Tensor:
    """points [n, 3] -> [n] how far inside of the cut, box sides."""
    u, v = project(points[:, 0], points[:, 1], points[:, 2])
    x, y = u * PORTRAIT_SIZE - 0.5, v * PORTRAIT_SIZE - 0.5
    return remap_torch(cut, x[None, None], y[None, None])[0, 0, :, 0]
