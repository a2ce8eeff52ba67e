"""What the person is made of, by colour and place: skin, hair and clothes (docs/model.md, "Load Portrait").

The line between head and torso cannot follow the jaw alone: a collar may stand as high as the mouth, and long
hair hangs below the chin. Colours learnt from where each material certainly is decide near that line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .filters import blur, grow, guided, shrink, smoothstep
from .nets import opencv
from .regions import EARS, EYES, LIPS, face_height, face_mask, face_width, jaw_distance, polygon

BINS = (16, 32, 32)  # L, a, b; a and b are taken from the middle half of their range, where portraits live
MIN_PIXELS = 150  # fewer cannot teach a colour
UNSEEN = 0.02  # share of a colour model that is spread evenly: no colour is impossible


@dataclass(frozen=True)
class Materials:
    """float32 [512, 512] 0..1 each: how much a pixel of the person is of that material; they sum to 1.

    skin        face, ears, neck and bare shoulders.
    hair        hair, and what is worn on the head.
    clothes     everything else below the head.
    """

    skin: np.ndarray
    hair: np.ndarray
    clothes: np.ndarray


def find_materials(image: np.ndarray, landmarks: np.ndarray, person: np.ndarray) -> Materials:
    """Materials of a crop float32 [512, 512, 3] with its landmarks and matte."""
    cells = _colour_cells(image)
    inside = person > 0.5
    distance = jaw_distance(landmarks)
    face = face_mask(landmarks) > 0
    core = shrink(face, max(2, int(0.05 * face_width(landmarks)))) > 0
    for ring in (*EYES, LIPS):
        core &= grow(polygon(landmarks[list(ring)]), 5) == 0
    skin = _colour_model(cells, core)
    even = 1.0 / np.prod(BINS)
    skin_like = skin[cells] > 3 * even

    # Above the eyes and away from the oval there is hair only, be it of the skin's colour.
    eyes_y = landmarks[list(EARS), 1].min()
    rows = np.arange(len(face))[:, None]
    close = grow(face, max(4, int(0.1 * face_height(landmarks)))) > 0
    above = inside & (rows < eyes_y) & ~(grow(face, 4) > 0) & ~(skin_like & close)
    hair = _colour_model(cells, above)
    below = shrink(inside, 3) > 0
    worn = below & (distance > 0.22) & ~skin_like
    if worn.sum() < MIN_PIXELS:
        worn = below & (distance > 0.45)
    clothes = _colour_model(cells, worn)
    logs = [np.log(model[cells]) for model in (skin, hair, clothes)]
    skin, hair, clothes = _combined(image, landmarks, distance, face, logs)
    # Dark collars, straps and the fringes of clothes look like hair or skin but do not hang on the head.
    stray = np.maximum(
        _loose((hair > 0.4) & inside, distance), _fringes((hair + skin > 0.5) & inside, distance)
    )
    clothes += (hair + skin) * stray
    return Materials(skin * (1 - stray), hair * (1 - stray), clothes)


def _combined(
    image: np.ndarray, landmarks: np.ndarray, distance: np.ndarray, face: np.ndarray, logs: list[np.ndarray]
) -> list[np.ndarray]:
    """Adds where each material is likely, smooths along the picture's edges, and normalises."""
    cv2 = opencv()
    height, width = face_height(landmarks), face_width(landmarks)
    x = np.arange(distance.shape[1]) + 0.5
    middle = landmarks[[234, 454], 0].mean()
    beside = np.abs(x - middle)[None] / (0.5 * width)
    oval = cv2.distanceTransform((~face).astype(np.uint8), 2, 5) / height
    places = (
        # Skin: the face, the ears close to it, the neck below it; less far away from the middle.
        -40 * np.clip(oval - 0.1, 0, 0.06) * (distance < 0) - 1.5 * smoothstep(1.2, 2.5, beside),
        # Hair: outside the face, above the jaw; it may hang down beside the neck, hardly in front of it.
        -30 * face - 4 * np.clip(distance, 0, 1) - 3 * smoothstep(1, 0.5, beside) * (distance > 0),
        # Clothes: never in the face nor above the mouth; likelier towards the bottom of the picture.
        -30 * face + 50 * np.clip(distance + 0.1, -0.5, 0) - 2 * smoothstep(0.4, 0, distance),
    )
    scores = [np.clip(log, -9, -3) + place for log, place in zip(logs, places, strict=True)]
    best = np.maximum.reduce(scores)
    shares = [np.exp(score - best) for score in scores]
    total = sum(shares)
    half = (distance.shape[1] // 2, distance.shape[0] // 2)
    guide = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    smooth = []
    for share in shares:
        rough = cv2.resize((share / total).astype(np.float32), half, interpolation=cv2.INTER_AREA)
        fine = guided(guide, blur(rough, 0.8), 3, 3e-3)
        fine = cv2.resize(fine, distance.shape[::-1], interpolation=cv2.INTER_LINEAR)
        smooth.append(np.clip(fine, 1e-4, 1))
    total = sum(smooth)
    return [(share / total).astype(np.float32) for share in smooth]


def _loose(hair: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """float32 0..1: pieces of hair that lie mostly below the jaw and do not hang on what is above it."""
    cv2 = opencv()
    _, labels = cv2.connectedComponents(shrink(hair, 2))  # threads along an edge are no connection
    count = np.bincount(labels.ravel())
    height = np.bincount(labels.ravel(), distance.ravel()) / np.maximum(count, 1)
    rooted = np.bincount(labels.ravel(), distance.ravel() < -0.3) > 0
    hanging = (rooted | (height < 0.02))[labels] & (labels > 0)
    loose = hair & ~(grow(hanging, 4) > 0) & (distance > -0.15)
    return blur(grow(loose, 3).astype(np.float32), 1.0)


def _fringes(head: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """float32 0..1: threads of a mask near and below the jaw that are thinner than nine pixels."""
    thin = head & ~(grow(shrink(head, 4), 5) > 0) & (distance > -0.2)
    return blur(grow(thin, 2).astype(np.float32), 1.0)


def _colour_cells(image: np.ndarray) -> np.ndarray:
    """int64 [512, 512]: the number of each pixel's cell in Lab space."""
    lab = opencv().cvtColor((image * 255).astype(np.uint8), opencv().COLOR_RGB2LAB).astype(np.int64)
    light = lab[..., 0] * BINS[0] // 256
    a = np.clip((lab[..., 1] - 64) * BINS[1] // 128, 0, BINS[1] - 1)
    b = np.clip((lab[..., 2] - 64) * BINS[2] // 128, 0, BINS[2] - 1)
    return (light * BINS[1] + a) * BINS[2] + b


def _colour_model(cells: np.ndarray, where: np.ndarray) -> np.ndarray:
    """[cells] probability of each colour cell among the pixels `where`; even if they are too few."""
    count = int(np.prod(BINS))
    if where.sum() < MIN_PIXELS:
        return np.full(count, 1.0 / count)
    seen = np.bincount(cells[where], minlength=count).reshape(BINS).astype(np.float64)
    for axis, sigma in enumerate((0.8, 1.2, 1.2)):
        rows = np.moveaxis(seen, axis, -1)
        smooth = opencv().GaussianBlur(rows.reshape(-1, BINS[axis]), (9, 1), sigma)
        seen = np.moveaxis(smooth.reshape(rows.shape), -1, axis)
    seen = seen.ravel()
    return (1 - UNSEEN) * seen / seen.sum() + UNSEEN / count
