"""Small picture filters shared by the mattes and the layers. Pictures are float32 0..1, [H, W] or [H, W,
C].
"""

from __future__ import annotations

import numpy as np

from .nets import opencv


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 at and before `low`, 1 at and after `high`, smooth between; `low` > `high` turns it round."""
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
    """Guided filter (He et al.): `picture` [H, W] smoothed so that its edges follow those of `guide` [H, W,
    3].

    In each window the picture becomes a linear function of the colour; `epsilon` is the colour variance below
    which a window counts as flat.
    """
    cv2 = opencv()

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1))

    colour_mean, picture_mean = mean(guide), mean(picture)
    together = mean(guide * picture[..., None]) - colour_mean * picture_mean[..., None]
    red, green, blue = np.moveaxis(guide, -1, 0)
    products = np.stack([red * red, red * green, red * blue, green * green, green * blue, blue * blue], -1)
    second = np.concatenate([mean(products[..., :3]), mean(products[..., 3:])], -1)
    r, g, b = np.moveaxis(colour_mean, -1, 0)
    rr, rg, rb, gg, gb, bb = np.moveaxis(second, -1, 0)
    rr, gg, bb = rr - r * r + epsilon, gg - g * g + epsilon, bb - b * b + epsilon
    rg, rb, gb = rg - r * g, rb - r * b, gb - g * b
    # The inverse of the symmetric 3 x 3 covariance by cofactors.
    c0, c1, c2 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c3, c4, c5 = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * c0 + rg * c1 + rb * c2
    x, y, z = np.moveaxis(together, -1, 0)
    slope = np.stack([c0 * x + c1 * y + c2 * z, c1 * x + c3 * y + c4 * z, c2 * x + c4 * y + c5 * z], -1)
    slope /= determinant[..., None]
    offset = picture_mean - (slope * colour_mean).sum(-1)
    return (mean(slope) * guide).sum(-1) + mean(offset)


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
    for known_picture, known in zip(pictures[-2::-1], weights[-2::-1], strict=True):
        size = (known.shape[1], known.shape[0])
        wide = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
        filled = known_picture + wide * (1 - known)[..., None]
    return filled.astype(np.float32)


def colour_share(image: np.ndarray, mask: np.ndarray, inner: int, outer: int) -> np.ndarray:
    """float32 [H, W]: how far each pixel is on the way from the colour around a 0/1 mask to the colour inside
    it.

    Both colours are continued from `inner` pixels inside and `outer` pixels outside the mask's edge. 0 where
    the pixel lies off that way, or where the outside is too lively to tell.
    """
    beyond = 1 - grow(mask, outer)
    around = push_pull(image, beyond.astype(np.float32))
    apart = push_pull(image, shrink(mask, inner).astype(np.float32)) - around
    contrast = (apart**2).sum(-1)
    share = ((image - around) * apart).sum(-1) / np.maximum(contrast, 1e-6)
    off_way = ((image - around - share[..., None] * apart) ** 2).sum(-1)
    texture = push_pull((image - blur(image, 6)) ** 2, beyond.astype(np.float32)).sum(-1)
    trust = smoothstep(6, 30, contrast / np.maximum(texture, 1e-4)) * np.exp(-off_way / 0.02)
    return (np.clip(share, 0, 1) * trust).astype(np.float32)
