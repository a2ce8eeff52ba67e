"""Where hair begins above a face, the fringe over the forehead included.

A portrait's segmentation calls all of the face's oval skin; here colour and grain decide. See docs/model.md,
"Blend Avatars".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face_model import topology as t
from ..portrait.filters import blur, grow, shrink
from ..portrait.nets import opencv
from ..portrait.regions import EYES, LIPS, face_mask, face_width, polygon
from ..portrait.segmentation import CLASSES
from ..wires import PORTRAIT_SIZE, Portrait

NEAR = 0.35  # face widths from the oval within which hair teaches what hair looks like
LEAST = 200  # pixels of hair and of skin: fewer teach nothing
GRAIN = 2.0  # pixels about which brightness is compared: hair is streaky, skin is not
GRAIN_WEIGHT = 4.0  # units of Lab per unit of that
SPREAD = 16.0  # least variance, units of Lab squared: no photo is that even
SURE = 5.0  # difference of log likelihoods beyond which more says nothing
TURN = 1500.0  # what a step of the hairline from ray to ray costs, per face width


def hair_of(portrait: Portrait) -> NDArray[np.float32]:
    """[512, 512] 0..1: hair outside the face's oval."""
    hair = portrait.segmentation[CLASSES.index("hair")].numpy()
    return blur(hair * (face_mask(portrait.landmarks.numpy()) == 0), 1.5)


def hair_odds(portrait: Portrait) -> NDArray[np.float64] | None:
    """[512, 512] how much likelier each pixel is hair than skin, -SURE..SURE (log); None without any hair."""
    points = portrait.landmarks.numpy().astype(np.float64)
    width, oval = face_width(points), face_mask(points)
    skin = shrink(oval, max(2, int(0.05 * width))) > 0
    for ring in (*EYES, LIPS):
        skin &= grow(polygon(points[list(ring)]), 5) == 0
    skin &= np.arange(PORTRAIT_SIZE)[:, None] > brow_line(points)[None]
    near = (grow(oval, int(NEAR * width)) > 0) & (shrink(portrait.person.numpy() > 0.5, 4) > 0)
    hair = (hair_of(portrait) > 0.9) & near
    if skin.sum() < LEAST or hair.sum() < LEAST:
        return None
    lab = opencv().cvtColor(portrait.image.numpy(), opencv().COLOR_RGB2LAB)
    light = lab[..., 0]
    grain = np.sqrt((blur(light * light, GRAIN) - blur(light, GRAIN) ** 2).clip(0))
    looks = blur(np.dstack([lab, GRAIN_WEIGHT * grain]), 1.0).astype(np.float64)
    return np.clip(_unlikely(looks, looks[skin]) - _unlikely(looks, looks[hair]), -SURE, SURE)


def _unlikely(looks: NDArray[np.float64], sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """[512, 512] minus the log likelihood of each pixel's look [4] among those of a sample [N, 4]."""
    middle = np.median(sample, 0)
    spread = np.cov((sample - middle).T) + SPREAD * np.eye(len(middle))
    away = looks - middle
    return 0.5 * ((away @ np.linalg.inv(spread)) * away).sum(-1) + 0.5 * np.linalg.slogdet(spread)[1]


def brow_line(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """[512] y of the brows' upper edge at each column's centre, carried on level at both sides."""
    line = points[[*t.RIGHT_BROW[:5], *t.LEFT_BROW[:5]], :2]
    line = line[np.argsort(line[:, 0])]
    return np.interp(np.arange(PORTRAIT_SIZE) + 0.5, line[:, 0], line[:, 1])


def hairline(odds: NDArray[np.float64], possible: NDArray[np.bool_], step: float) -> NDArray[np.int64]:
    """[rays] the sample of each ray at which hair begins: skin before, hair after, and as level as can be.

    odds, possible [rays, samples]: what speaks for hair, and where it may begin (somewhere on every ray);
    step: face widths between samples.
    """
    score = np.where(possible, -2 * np.cumsum(odds, 1), -np.inf)
    places = np.arange(odds.shape[1])
    turn = TURN * step * np.abs(places[:, None] - places[None])
    best, came = score[0], []
    for row in score[1:]:
        joined = best[:, None] - turn
        came.append(joined.argmax(0))
        best = joined.max(0) + row
    line = [int(best.argmax())]
    for back in reversed(came):
        line.append(int(back[line[-1]]))
    return np.array(line[::-1])
