"""What the back of a head looks like, of which a photo shows nothing.

See docs/model.md, "Mesh".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..portrait.filters import blur, grow, push_pull, shrink, smoothstep
from ..portrait.regions import face_mask, face_width, jaw_distance
from ..wires import PORTRAIT_SIZE, Portrait

HAIR, FACE_SKIN = 1, 3  # their numbers among the classes of a portrait
RIM = (
    0.045  # of the face's width: along the silhouette every colour stays, so that front and back meet unseen
)
HAIR_RIM = 0.15  # the photo's hair is seen in the back so far
SKIN_RIM = 0.02  # the same for skin beside hair: a hairline
FACE_GROWN = 0.05  # of the face's width: brows and cheeks reach a little beyond the oval
LEAST_HAIR = 0.03  # of the head's pixels: with less, the back is of skin as the rim is
NAPE = (-0.12, 0.06)  # face heights below the jaw between which hair gives way to the neck

# Strands: patches of the photo's hair, turned upright and laid over each other (sizes in pixels at 512).
PATCH = 20
FINE = 7.0  # what is coarser than this is the fill's
PATCHES = 900
SAMPLES = 60  # places that patches are taken from


@dataclass(frozen=True)
class _Regions:
    """[512, 512] uint8 0/1 each: hair that can be used (none if there is little), the rim of the head, the
    head; jaw: float32 face heights below the jaw line.
    """

    hair: np.ndarray
    rim: np.ndarray
    head: np.ndarray
    jaw: np.ndarray


def back_picture(picture: np.ndarray, portrait: Portrait, inward: np.ndarray) -> np.ndarray:
    """[size, size, 3]: the head's picture with its face replaced by what is around it: hair, and neck below.

    picture     [size, size, 3] float32 the head from the front, its rim without background
    portrait    its portrait, on the CPU
    inward      [512, 512] float32 pixels from the seam of front and back, positive inside
    """
    import cv2

    size = picture.shape[0]
    seen = _regions(portrait, inward)
    hair, rim, head = seen.hair, seen.rim, seen.head

    def wide(mask: np.ndarray) -> np.ndarray:
        return cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)

    neck = (seen.jaw > NAPE[0]) if hair.any() else np.ones_like(seen.jaw)
    filled = push_pull(picture, wide(np.maximum(rim, 1 - head) * neck))
    if hair.any():
        covered = wide(smoothstep(NAPE[1], NAPE[0], seen.jaw))[..., None]
        strands = push_pull(picture, wide(hair)) + _strands(picture, hair)[..., None]
        filled = filled + (strands - filled) * covered
    near = smoothstep(HAIR_RIM, 0.5 * HAIR_RIM, inward / face_width(portrait.landmarks.numpy()))
    kept = np.maximum(np.maximum(hair * near, rim), 1 - head).astype(np.float32)
    soft = smoothstep(0.3, 1.0, wide(blur(kept, 3.0) * kept))[..., None]
    return np.clip(picture * soft + filled * (1 - soft), 0, 1).astype(np.float32)


def _regions(portrait: Portrait, inward: np.ndarray) -> _Regions:
    landmarks = portrait.landmarks.numpy()
    width = face_width(landmarks)
    head = (portrait.head.numpy() > 0.5).astype(np.uint8)
    face = grow(face_mask(landmarks), max(1, round(FACE_GROWN * width)))
    skin = grow((portrait.segmentation[FACE_SKIN].numpy() > 0.5).astype(np.uint8), 2)
    hair = (portrait.segmentation[HAIR].numpy() > 0.5).astype(np.uint8) & head & (1 - face) & (1 - skin)
    hair = shrink(hair, 2)
    if hair.sum() <= LEAST_HAIR * head.sum():
        hair = np.zeros_like(hair)
    jaw = jaw_distance(landmarks)
    rim = head & (inward < max(2.0, RIM * width))
    if hair.any():
        rim &= (1 - skin) | (jaw > NAPE[0]) | (inward < SKIN_RIM * width)
    return _Regions(hair, rim, head, jaw)


def _strands(picture: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """[size, size] what to add to a smooth picture so that it looks like this hair, hanging down.

    Patches overlap at random (from a fixed seed); the sum of their windows' squares evens out the contrast.
    """
    import cv2

    size = picture.shape[0]
    scale = size / PORTRAIT_SIZE
    hair = cv2.resize(hair, (size, size), interpolation=cv2.INTER_NEAREST)
    grey = picture.mean(-1)
    inside = hair.astype(np.float32)
    mean = blur(grey * inside, FINE * scale) / np.maximum(blur(inside, FINE * scale), 1e-3)
    fine = (grey - mean) * inside
    radius = round(PATCH * scale)
    rng = np.random.default_rng(0)
    patches = _upright_patches(fine, grey, hair, radius, rng)
    if not patches:
        return np.zeros_like(grey)
    at = np.linspace(-1, 1, 2 * radius + 1)
    window = np.clip(1 - np.hypot(*np.meshgrid(at, at)), 0, 1).astype(np.float32)
    total = np.zeros((size + 4 * radius,) * 2, np.float32)
    power = np.full_like(total, 1e-3)
    for row, col in rng.integers(0, size + 2 * radius, (PATCHES, 2)):
        place = slice(row, row + 2 * radius + 1), slice(col, col + 2 * radius + 1)
        total[place] += patches[rng.integers(len(patches))] * window
        power[place] += window**2
    middle = slice(2 * radius, 2 * radius + size)
    return (total / np.sqrt(power))[middle, middle]


def _upright_patches(
    fine: np.ndarray, grey: np.ndarray, hair: np.ndarray, radius: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """[2 radius + 1, 2 radius + 1] each, turned so that the strands run down."""
    import cv2

    depth = cv2.distanceTransform(hair, cv2.DIST_L2, 5)
    rows, cols = np.where(depth >= min(0.7 * radius, 0.8 * float(depth.max())))
    down, across = np.gradient(cv2.GaussianBlur(grey, (0, 0), 1.0))
    sigma = radius / 3
    products = (across * across, down * down, across * down)
    xx, yy, xy = (cv2.GaussianBlur(product, (0, 0), sigma) for product in products)
    patches, side = [], 2 * radius + 1
    for pick in rng.integers(0, len(rows), SAMPLES) if len(rows) else ():
        row, col = int(rows[pick]), int(cols[pick])
        # Strands run across the steepest change; that direction becomes the picture's x.
        angle = np.degrees(0.5 * np.arctan2(2 * xy[row, col], xx[row, col] - yy[row, col]))
        turn = cv2.getRotationMatrix2D((float(col), float(row)), float(angle), 1.0)
        turn[:, 2] += radius - np.array([col, row])
        patch = cv2.warpAffine(fine, turn, (side, side))
        known = cv2.warpAffine(hair.astype(np.float32), turn, (side, side))
        patches.append(patch - patch.sum() / max(float(known.sum()), 1.0) * known)
    return patches
