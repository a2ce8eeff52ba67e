"""The layers of a portrait: what moves with the head, the torso behind it, the person's colours beyond the
edge.

head over torso over background gives the photo again (docs/model.md, "Load Portrait").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..wires import PORTRAIT_SIZE
from .filters import blur, grow, push_pull, shrink, smoothstep
from .materials import Materials
from .nets import opencv
from .regions import CHIN, MOUTH_CORNERS, face_height, face_width, jaw_distance

SKIN_FALL = (0.02, 0.22)  # face heights below the jaw over which the neck passes from the head to the torso
HAIR_FALL = (0.10, 0.55)  # hair hangs on longer: its ends lie on the shoulders
NECK_HALF_WIDTH = 0.45  # of the face's width: no neck is wider
MIN_THROAT = 100  # pixels of bare neck: fewer say nothing about its place and colour
TUCK = 0.10  # face widths by which the torso goes on behind the head, so that small movements open no gap
HAIR_TUCK = 0.35  # the same for hair that hangs over the shoulders: it is its own background


@dataclass(frozen=True)
class Layers:
    """float32 pictures of the crop, as the fields of the same names in wires.Portrait."""

    head_weight: np.ndarray
    foreground: np.ndarray
    torso: np.ndarray


def make_layers(image: np.ndarray, landmarks: np.ndarray, person: np.ndarray, materials: Materials) -> Layers:
    """Layers of a crop float32 [512, 512, 3] with its landmarks, matte and materials."""
    hard = (person > 0.5).astype(np.uint8)
    head_weight = _head_weight(landmarks, hard, materials)
    outside = push_pull(image, shrink(hard, 4).astype(np.float32))
    inside = blur(shrink(hard, 2).astype(np.float32), 1.0)[..., None]
    foreground = (image * inside + outside * (1 - inside)).astype(np.float32)
    return Layers(head_weight, foreground, _torso(foreground, landmarks, person, head_weight, materials))


def _head_weight(landmarks: np.ndarray, hard: np.ndarray, materials: Materials) -> np.ndarray:
    """float32 [512, 512]: 1 in face and hair, 0 in the clothes, falling along neck and long hair."""
    distance = jaw_distance(landmarks)
    neck, hair = (1 - smoothstep(*fall, distance) for fall in (SKIN_FALL, HAIR_FALL))
    hair_share = materials.hair / np.maximum(materials.hair + materials.skin, 1e-6)
    weight = neck * (1 - hair_share) + hair * hair_share
    weight = weight * (1 - smoothstep(0.25, 0.75, materials.clothes))
    # Materials mean nothing outside the person: the weight at the edge is continued.
    known = shrink(hard, 1).astype(np.float32)
    carried = push_pull(np.repeat(weight[..., None], 3, -1).astype(np.float32), known)[..., 0]
    return np.clip(np.where(known > 0, weight, carried), 0, 1).astype(np.float32)


def _torso(
    foreground: np.ndarray,
    landmarks: np.ndarray,
    person: np.ndarray,
    head_weight: np.ndarray,
    materials: Materials,
) -> np.ndarray:
    """float32 [512, 512, 4]: the torso as it is, and as it goes on behind the head."""
    hard = shrink(person > 0.5, 2) > 0
    own = 1 - smoothstep(0.45, 0.9, head_weight)
    known = (head_weight < 0.35) & hard
    behind = push_pull(foreground, known.astype(np.float32)) if known.any() else foreground
    distance = jaw_distance(landmarks)
    throat = hard & (materials.skin > 0.6) & (distance > 0.05) & (head_weight < 0.75)
    neck = _neck_column(landmarks, throat, known)
    if throat.sum() > MIN_THROAT:
        skin = push_pull(foreground, throat.astype(np.float32))
        behind = behind * (1 - neck[..., None]) + skin * neck[..., None]
    locks = _reach(known & (materials.hair > 0.15), HAIR_TUCK, landmarks) * (materials.hair > 0.5) * hard
    own = np.maximum(own, blur(locks.astype(np.float32), 2.0))
    colour = foreground * own[..., None] + behind * (1 - own[..., None])
    tucked = np.maximum(_reach(known, TUCK, landmarks), locks)
    solid = np.maximum.reduce([1 - smoothstep(0.5, 0.95, head_weight), neck, tucked])
    # Corners between neck, hair and collar must not show the scenery when the head moves.
    radius = max(1, int(TUCK * face_width(landmarks)))
    closed = blur(shrink(grow(solid > 0.5, radius), radius).astype(np.float32), 1.5)
    alpha = person * np.maximum(solid, closed)
    return np.concatenate([colour, alpha[..., None]], -1).astype(np.float32)


def _reach(mask: np.ndarray, distance: float, landmarks: np.ndarray) -> np.ndarray:
    """[512, 512] 0..1: 1 in a mask and around it, falling to 0 at a distance in face widths."""
    if not mask.any():
        return np.zeros(mask.shape)
    away = opencv().distanceTransform((~mask).astype(np.uint8), 2, 5) / face_width(landmarks)
    return smoothstep(distance, 0.3 * distance, away)


def _neck_column(landmarks: np.ndarray, throat: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float32 [512, 512] 0..1: the neck behind chin and mouth, narrowing a little upwards."""
    width, height = face_width(landmarks), face_height(landmarks)
    chin_x, chin_y = landmarks[CHIN, :2]
    mouth_y = float(landmarks[list(MOUTH_CORNERS), 1].mean())
    top = 0.35 * chin_y + 0.65 * mouth_y
    rows = np.s_[max(0, int(chin_y - 0.2 * height)) : int(chin_y + 0.12 * height)]
    seen = np.flatnonzero((throat if throat[rows].sum() > MIN_THROAT else known)[rows].any(0)) + 0.5
    reach = NECK_HALF_WIDTH * width
    seen = seen[np.abs(seen - chin_x) < reach]
    left, right = (
        np.percentile(seen, (2, 98)) if len(seen) > 0.3 * width else (chin_x - reach, chin_x + reach)
    )
    y, x = np.mgrid[0:PORTRAIT_SIZE, 0:PORTRAIT_SIZE] + 0.5
    inset = 0.12 * np.clip(chin_y - y, 0, None)
    column = smoothstep(left - 3, left + 3, x - inset) * smoothstep(right + 3, right - 3, x + inset)
    return (column * smoothstep(top - 0.15 * height, top, y) * (y < chin_y + 0.25 * height)).astype(
        np.float32
    )
