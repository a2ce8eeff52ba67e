"""Soft matte of the person in the crop (docs/model.md, "Load Portrait").

belief of the segmentation net (or landmarks) -> what is sure -> GrabCut at half size -> the part with the
face
-> edges that follow the colours -> wisps of hair outside them
"""

from __future__ import annotations

import numpy as np

from ..wires import PORTRAIT_SIZE
from .filters import blur, colour_share, grow, guided, shrink, smoothstep
from .nets import Net, opencv
from .regions import CHIN, CROWN, NOSE_TIP, face_height, face_mask, face_width, jaw_distance, polygon

HALF = PORTRAIT_SIZE // 2
GRAB_CUT_ROUNDS = 4  # the colour models have settled by then


def person_matte(image: np.ndarray, landmarks: np.ndarray, selfie: Net | None) -> np.ndarray:
    """float32 [512, 512] 0..1: how much a pixel is the person.

    image uint8 [512, 512, 3], landmarks [478, 3] in its pixels. Without the segmentation net the search
    starts from the landmarks alone.
    """
    cv2 = opencv()
    labels = (
        _labels_from_landmarks(landmarks) if selfie is None else _labels_from_net(image, landmarks, selfie)
    )
    small = cv2.resize(image, (HALF, HALF), interpolation=cv2.INTER_AREA)
    cut = _grab_cut(small, cv2.resize(labels, (HALF, HALF), interpolation=cv2.INTER_NEAREST))
    cut = cv2.resize(cut.astype(np.float32), (PORTRAIT_SIZE, PORTRAIT_SIZE), interpolation=cv2.INTER_LINEAR)
    hard = _tidied(blur(cut, 1.0) > 0.5, landmarks)
    return soft_edges(image.astype(np.float32) / 255, hard, landmarks)


def matte_from_mask(image: np.ndarray, mask: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """float32 [512, 512]: a given mask [512, 512] 0..1; a hard one gets soft edges that follow the
    picture.
    """
    mask = np.clip(mask, 0, 1).astype(np.float32)
    between = float(((mask > 0.05) & (mask < 0.95)).mean())
    edge = float((grow(mask > 0.5, 2) - shrink(mask > 0.5, 2)).mean())
    if between > 0.4 * edge:  # already soft: somebody made it with care
        return mask
    return soft_edges(image.astype(np.float32) / 255, (mask > 0.5).astype(np.uint8), landmarks)


def selfie_belief(image: np.ndarray, selfie: Net) -> np.ndarray:
    """float32 [512, 512]: the segmentation net's belief that a pixel of the crop is a person."""
    cv2 = opencv()
    small = cv2.resize(image, (selfie.side, selfie.side), interpolation=cv2.INTER_AREA)
    belief = selfie(small.astype(np.float32) / 255)[0].reshape(selfie.side, selfie.side)
    return cv2.resize(belief, (PORTRAIT_SIZE, PORTRAIT_SIZE), interpolation=cv2.INTER_LINEAR)


def _labels_from_net(image: np.ndarray, landmarks: np.ndarray, selfie: Net) -> np.ndarray:
    """uint8 [512, 512] GrabCut labels: a band around what the net is sure of is open.

    Where the net hesitates, colour decides; far from the sure part only above the jaw, where that is hair.
    Below it, it is scenery, a held object or somebody else.
    """
    cv2 = opencv()
    belief, face = selfie_belief(image, selfie), face_mask(landmarks)
    width = face_width(landmarks)
    sure = with_nose(((belief > 0.8) | (face > 0)).astype(np.uint8), landmarks)
    away = cv2.distanceTransform(1 - sure, cv2.DIST_L2, 5) / width
    reach = 0.07 + 0.25 * smoothstep(0.15, -0.05, jaw_distance(landmarks))
    labels = np.where((belief > 0.5) & (away < reach), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[(away > 0.07) & ((away > reach) | (belief < 0.2))] = cv2.GC_BGD
    labels[shrink(sure, max(3, int(0.07 * width))) > 0] = cv2.GC_FGD
    labels[face > 0] = cv2.GC_FGD
    return labels


def _labels_from_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """uint8 [512, 512] GrabCut labels from where an average head and its shoulders are."""
    cv2 = opencv()
    width, height = face_width(landmarks), face_height(landmarks)
    x, y = landmarks[[CROWN, CHIN], :2].mean(0)
    chin = float(landmarks[CHIN, 1])

    def head(growth: float) -> np.ndarray:
        angle = np.linspace(0, 2 * np.pi, 60)
        reach = np.stack([width * np.cos(angle), height * np.sin(angle)], -1)
        return polygon(np.array([x, y - 0.15 * height]) + growth * reach)

    def body(neck: float, shoulders: float, drop: float) -> np.ndarray:
        rows = (
            (chin - 0.1 * height, neck),
            (chin + drop * height, shoulders),
            (chin + 9 * height, shoulders),
        )
        left = [(x - share * width, row) for row, share in rows]
        right = [(x + share * width, row) for row, share in rows]
        return polygon(np.array(left + right[::-1]))

    labels = np.full((PORTRAIT_SIZE, PORTRAIT_SIZE), cv2.GC_BGD, np.uint8)
    labels[(head(1.25) | body(1.2, 2.6, 0.6)) > 0] = cv2.GC_PR_BGD
    labels[(head(0.85) | body(0.55, 1.9, 0.9)) > 0] = cv2.GC_PR_FGD
    labels[(face_mask(landmarks) | body(0.28, 0.9, 1.0)) > 0] = cv2.GC_FGD
    return labels


def _grab_cut(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """uint8 0/1 foreground by GrabCut from GC_* labels."""
    cv2 = opencv()
    labels = labels.copy()
    foreground = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if foreground.all() or not foreground.any():
        return foreground.astype(np.uint8)  # nothing to tell apart
    cv2.setRNGSeed(0)  # its k-means starts at random
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image[..., ::-1].copy(), labels, None, *models, GRAB_CUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)


def _tidied(mask: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """uint8 0/1: holes and cracks closed, thin threads and everything apart from the face removed."""
    mask = with_nose(mask.astype(np.uint8), landmarks)
    mask = shrink(grow(mask, 4), 4)
    mask = with_nose(grow(shrink(mask, 3), 3), landmarks)
    outside = 1 - mask
    _, labels, stats, _ = opencv().connectedComponentsWithStats(outside)
    small = stats[:, 4] < 0.01 * mask.size  # a closed loop of hair or an arm on the hip is larger
    return (mask | (small[labels] & (outside > 0))).astype(np.uint8)


def with_nose(mask: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """uint8 0/1: the connected part of a 0/1 mask that holds the nose."""
    _, labels = opencv().connectedComponents(mask)
    column, row = np.clip(landmarks[NOSE_TIP, :2].astype(int), 0, PORTRAIT_SIZE - 1)
    return ((labels == labels[row, column]) & (mask[row, column] > 0)).astype(np.uint8)


def soft_edges(image: np.ndarray, hard: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """float32 [512, 512] 0..1 from a hard mask: the edge follows the colours, wisps of hair are added."""
    start = blur(hard.astype(np.float32), 1.2)
    soft = np.clip(guided(image, start, 6, 1e-4), 0, 1)
    soft[shrink(hard, 5) > 0] = 1
    soft[grow(hard, 6) == 0] = 0
    soft = smoothstep(0.06, 0.94, soft)
    distance = opencv().distanceTransform(1 - hard, 2, 5)
    wisps = smoothstep(0.12, 0.9, colour_share(image, hard, inner=3, outer=12)) * smoothstep(12, 5, distance)
    wisps = wisps * smoothstep(-0.15, -0.35, jaw_distance(landmarks))  # hair: above the mouth only
    return np.maximum(soft, wisps).astype(np.float32)
