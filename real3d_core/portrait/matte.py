"""Soft matte of the person in the crop (docs/model.md, "Load Portrait")."""

from __future__ import annotations

import numpy as np

from ..wires import PORTRAIT_SIZE
from .filters import blur, grow, guided, shrink, smoothstep
from .nets import Net, opencv
from .regions import NOSE_TIP, face_mask, face_width


def person_matte(image: np.ndarray, landmarks: np.ndarray, selfie: Net) -> np.ndarray:
    """float32 [512, 512] 0..1 for a crop uint8 [512, 512, 3]."""
    cv2 = opencv()
    guess = selfie_guess(image, selfie)
    face = face_mask(landmarks)
    radius = max(3, int(0.06 * face_width(landmarks)))
    labels = np.where(guess > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[shrink(guess > 0.6, radius) > 0] = cv2.GC_FGD
    labels[grow(guess > 0.3, radius) == 0] = cv2.GC_BGD
    labels[face > 0] = cv2.GC_FGD
    hard = grab_cut(image, labels)
    hard = with_nose(hard, landmarks)
    hard = cv2.morphologyEx(hard, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    hard = with_nose(cv2.morphologyEx(hard, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)), landmarks)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    soft = np.clip(guided(grey, blur(hard.astype(np.float32), 1.2), 6, 1e-3), 0, 1)
    soft[shrink(hard, 5) > 0] = 1
    soft[grow(hard, 6) == 0] = 0
    return smoothstep(0.06, 0.94, soft).astype(np.float32)


def selfie_guess(image: np.ndarray, selfie: Net) -> np.ndarray:
    """float32 [512, 512]: the segmentation net's belief."""
    cv2 = opencv()
    small = cv2.resize(image, (selfie.side, selfie.side), interpolation=cv2.INTER_AREA)
    belief = selfie(small.astype(np.float32) / 255)[0].reshape(selfie.side, selfie.side)
    return cv2.resize(belief, (PORTRAIT_SIZE, PORTRAIT_SIZE), interpolation=cv2.INTER_LINEAR)


def grab_cut(image: np.ndarray, labels: np.ndarray, iterations: int = 4) -> np.ndarray:
    """uint8 0/1 foreground by GrabCut from GC_* labels; the labels themselves where it cannot run."""
    cv2 = opencv()
    labels, models = labels.copy(), (np.zeros((1, 65)), np.zeros((1, 65)))
    known = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if known.all() or not known.any():
        return known.astype(np.uint8)
    cv2.setRNGSeed(0)  # its k-means starts at random
    cv2.grabCut(image[..., ::-1].copy(), labels, None, *models, iterations, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)


def with_nose(mask: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The connected part of a 0/1 mask that holds the nose."""
    _, labels = opencv().connectedComponents(mask)
    column, row = np.clip(landmarks[NOSE_TIP, :2].astype(int), 0, PORTRAIT_SIZE - 1)
    return (labels == labels[row, column]).astype(np.uint8)
