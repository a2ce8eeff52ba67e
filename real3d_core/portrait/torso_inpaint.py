"""The torso without the head: clothes and neck are drawn upwards into what the head hid (docs/model.md,
"Portrait preparation for the networks").

The network that moves the torso was trained with exactly these pictures, stripes included: they only have to
tell it which colours go on behind the chin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .nets import opencv
from .segmentation import CLASSES

NECK, CLOTHES = CLASSES.index("body skin"), CLASSES.index("clothes")
HEAD_CLASSES = tuple(CLASSES.index(name) for name in ("hair", "face skin", "others"))
FADE = 0.98  # each row upwards is that much darker than the one below
CLOTHES_ROWS, NECK_ROWS = 9, 53
NECK_GROWTH = 3  # pixels by which the neck reaches up and down into its neighbours
NECK_DEPTH = 4  # pixels below the grown neck's top where its colour is taken: under the chin's rim
SOFTENING, SIGMA = (5, 5), 4.0  # kernel and width of the blur of the drawn neck


@dataclass(frozen=True)
class Torso:
    """The picture of the torso on black, uint8 [H, W, 3], and where it is, bool [H, W]."""

    picture: np.ndarray
    mask: np.ndarray


def inpaint_torso(image: np.ndarray, segmentation: np.ndarray) -> Torso:
    """The torso of a picture uint8 [H, W, 3] with its one-hot segmentation [6, H, W]."""
    classes = segmentation > 0.5
    head = classes[list(HEAD_CLASSES)].any(0)
    kernel = np.ones((2 * NECK_GROWTH + 1, 1), np.uint8)
    neck = opencv().dilate(classes[NECK].astype(np.uint8), kernel) > 0
    picture = np.where(head[..., None], 0, image).astype(np.uint8)

    columns, tops = _columns_below(classes[CLOTHES], head)
    drawn = _drawn_upwards(picture, image, columns, tops, CLOTHES_ROWS)
    columns, tops = _columns_below(neck, head)
    depth = np.minimum(neck[:, columns].sum(0) - 1, NECK_DEPTH)
    drawn_neck = _drawn_upwards(picture, picture.copy(), columns, tops + depth, NECK_ROWS)

    soft = opencv().GaussianBlur(picture, SOFTENING, SIGMA)
    picture[drawn_neck] = soft[drawn_neck]
    mask = neck | classes[CLOTHES] | drawn | drawn_neck
    picture[~mask] = 0
    return Torso(picture, mask)


def head_only(image: np.ndarray, segmentation: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3]: hair, face and what is worn on the head, on black."""
    head = segmentation[list(HEAD_CLASSES)].sum(0) > 0.5
    return np.where(head[..., None], image, 0).astype(np.uint8)


def _columns_below(mask: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(columns, rows) of the mask's topmost pixels that have the head directly above them."""
    columns = np.flatnonzero(mask.any(0))
    tops = mask.argmax(0)[columns]
    under = (tops > 0) & head[np.maximum(tops - 1, 0), columns]
    return columns[under], tops[under]


def _drawn_upwards(
    picture: np.ndarray, source: np.ndarray, columns: np.ndarray, starts: np.ndarray, rows: int
) -> np.ndarray:
    """Continues the colour of `source` at (starts, columns) upwards in `picture`, in place.

    bool [H, W]: what was written; rows above the picture's edge are left out.
    """
    steps = np.arange(rows)[:, None]
    where = np.broadcast_to(starts - steps, (rows, len(columns)))
    inside = where >= 0
    colours = source[starts, columns].astype(np.float64) * (FADE**steps)[..., None]
    across = np.broadcast_to(columns, where.shape)
    picture[where[inside], across[inside]] = colours.astype(np.uint8)[inside]
    drawn = np.zeros(picture.shape[:2], bool)
    drawn[where[inside], across[inside]] = True
    return drawn
