"""Small picture filters shared by the mattes and the layers. Pictures are float32 0..1, [H, W] or [H, W, C]."""

from __future__ import annotations

import numpy as np

from .nets import opencv


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blur(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur."""
    return opencv().GaussianBlur(picture, (0, 0), sigma)


def disk(radius: int) -> np.ndarray:
    """uint8 disk for the morphology functions."""
    cv2 = opencv()
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def grow(mask: np.ndarray, radius: int) -> np.ndarray:
    """uint8 0/1: the mask widened by `radius` pixels."""
    return opencv().dilate(mask.astype(np.uint8), disk(radius))


def shrink(mask: np.ndarray, radius: int) -> np.ndarray:
    """uint8 0/1: the mask narrowed by `radius` pixels; the picture's border does not count as an edge."""
    return opencv().erode(mask.astype(np.uint8), disk(radius))


def guided(guide: np.ndarray, picture: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Guided filter (He et al.): `picture` smoothed so that its edges follow those of `guide`, both [H, W]."""
    cv2 = opencv()

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1))

    guide_mean, picture_mean = mean(guide), mean(picture)
    slope = (mean(guide * picture) - guide_mean * picture_mean) / (
        mean(guide * guide) - guide_mean**2 + epsilon
    )
    return mean(slope) * guide + mean(picture_mean - slope * guide_mean)


def push_pull(picture: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Continues `picture` [H, W, C] smoothly to where `weight` [H, W] is 0 (pyramid push-pull)."""
    cv2 = opencv()
    pictures, weights = [picture * weight[..., None]], [weight]
    while min(pictures[-1].shape[:2]) > 2:
        smaller = cv2.GaussianBlur(pictures[-1], (5, 5), 1)[::2, ::2]
        coverage = cv2.GaussianBlur(weights[-1], (5, 5), 1)[::2, ::2]
        known = np.clip(coverage * 4, 0, 1)
        pictures.append(smaller * (known / np.maximum(coverage, 1e-8))[..., None])
        weights.append(known)
    filled = pictures[-1] / np.maximum(weights[-1], 1e-6)[..., None]
    for known_picture, known in zip(pictures[-2::-1], weights[-2::-1]):
        size = (known.shape[1], known.shape[0])
        wide = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
        filled = known_picture + wide * (1 - known)[..., None]
    return filled.astype(np.float32)
