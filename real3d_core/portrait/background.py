"""The scene without the person: the hole is widened by stray hair, filled smoothly, and given the scene's
grain.
"""

from __future__ import annotations

import numpy as np

from ..wires import PORTRAIT_SIZE
from .filters import blur, colour_share, grow, push_pull, smoothstep
from .nets import opencv

RIM = 14.0  # pixels: how far the structures at the hole's edge are continued into it
PATCH = 64  # side of the piece of scenery whose texture is repeated
GRAIN_SEED = 0


def fill_background(image: np.ndarray, person: np.ndarray, unusable: np.ndarray) -> np.ndarray:
    """float32 [512, 512, 3] 0..1 of a crop float32 [512, 512, 3] with the matte [512, 512].

    `unusable` uint8 0/1 [512, 512] marks what must not be taken as scenery either. The result is the picture
    itself away from the person. If no scenery is left, the hole gets a plain dark grey.
    """
    cv2 = opencv()
    hole = _hole(image, person) | unusable
    if hole.mean() > 0.995:
        return np.full_like(image, 0.2)
    smooth = _membrane(image, hole)
    depth = cv2.distanceTransform(hole, cv2.DIST_L2, 5)
    rim = ((depth > 0) & (depth < 2 * RIM)).astype(np.uint8)
    start = np.where(hole[..., None] > 0, smooth, image)
    near = cv2.inpaint((start * 255).astype(np.uint8), rim, 4, cv2.INPAINT_TELEA).astype(np.float32) / 255
    weight = np.exp(-((depth / RIM) ** 2))[..., None]
    filled = blur(near, 1.5) * weight + smooth * (1 - weight)
    filled += _texture(image, hole)
    edge = smoothstep(0, 5, depth)[..., None]
    return np.clip(image * (1 - edge) + filled * edge, 0, 1).astype(np.float32)


def _hole(image: np.ndarray, person: np.ndarray) -> np.ndarray:
    """uint8 0/1: the person with a margin, and hair-coloured pixels around it that the matte left out."""
    hard = (person > 0.5).astype(np.uint8)
    distance = opencv().distanceTransform(1 - hard, 2, 5)
    stray = (colour_share(image, hard, inner=4, outer=30) > 0.15) & (distance < 26)
    stray = stray.astype(np.uint8)
    return grow(person > 0.02, 9) | grow(stray, 4)


def _membrane(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """float32 [512, 512, 3]: the smoothest picture in the hole that meets the scene at its rim.

    Jacobi rounds for Laplace's equation from a pyramid's guess, at a quarter and then half of the size.
    """
    cv2 = opencv()
    known = (1 - hole).astype(np.float32)
    guess = push_pull(image, known)
    rim = np.where(known[..., None] > 0, blur(image * known[..., None], 2.0), 0)
    rim = (
        rim / np.maximum(blur(known, 2.0), 1e-3)[..., None]
    )  # blurred along the rim: single pixels do not streak
    for side, rounds in ((PORTRAIT_SIZE // 4, 150), (PORTRAIT_SIZE // 2, 60)):
        fixed = cv2.resize(known, (side, side), interpolation=cv2.INTER_AREA)[..., None] >= 0.99
        target = cv2.resize(rim.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
        field = cv2.resize(guess, (side, side), interpolation=cv2.INTER_AREA)
        kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
        for _ in range(rounds):
            field = np.where(fixed, target, field)
            field = cv2.filter2D(field, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        guess = cv2.resize(field, (PORTRAIT_SIZE, PORTRAIT_SIZE), interpolation=cv2.INTER_CUBIC)
    return guess


def _texture(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """float32 [512, 512, 3]: fine structure like the scene's, for the whole picture, mean 0."""
    patch = _plain_patch(image, hole)
    if patch is None:
        return np.zeros_like(image)
    half = PATCH // 2
    ramp = np.sin(np.pi * (np.arange(PATCH) + 0.5) / PATCH).astype(np.float32)
    window = (ramp[:, None] * ramp[None])[..., None]
    random = np.random.default_rng(GRAIN_SEED)
    out = np.zeros((PORTRAIT_SIZE + PATCH, PORTRAIT_SIZE + PATCH, 3), np.float32)
    for row in range(0, PORTRAIT_SIZE + half, half):
        for column in range(0, PORTRAIT_SIZE + half, half):
            shifted = np.roll(patch, tuple(random.integers(0, PATCH, 2)), (0, 1))
            if random.integers(2):
                shifted = shifted[:, ::-1]
            out[row : row + PATCH, column : column + PATCH] += shifted * window
    return out[half : half + PORTRAIT_SIZE, half : half + PORTRAIT_SIZE]


def _plain_patch(image: np.ndarray, hole: np.ndarray) -> np.ndarray | None:
    """[PATCH, PATCH, 3] fine structure of the piece of scenery that has the least; None if all pieces are
    cut.

    The plainest piece is taken, for repeated objects would catch the eye.
    """
    known = (1 - hole).astype(np.float32)
    around = blur(image * known[..., None], 4) / np.maximum(blur(known, 4), 1e-3)[..., None]
    fine = (image - around) * known[..., None]
    best, found = np.inf, None
    for row in range(0, PORTRAIT_SIZE - PATCH + 1, PATCH // 4):
        for column in range(0, PORTRAIT_SIZE - PATCH + 1, PATCH // 4):
            area = np.s_[row : row + PATCH, column : column + PATCH]
            if hole[area].any():
                continue
            energy = float((fine[area] ** 2).mean())
            if energy < best:
                best, found = energy, fine[area]
    return None if found is None else found - found.mean((0, 1))
