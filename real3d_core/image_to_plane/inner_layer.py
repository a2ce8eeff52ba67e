"""What lies beneath the skin: the eyes of the photo, and a mouth's inside.

Convention
    A picture in the portrait's own pixels, RGB + A, where A is the share that is made up (not photo). The
    mouth has a frame:
    s runs along the line between its inner corners (pixels, 0 in the middle), t across it, positive
    downwards.

Where the photo shows teeth they are used; otherwise upper teeth, lower teeth, tongue and cavity are drawn
in colours taken from the skin. See docs/model.md, "Inner layer".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..face_model import topology as t
from ..portrait.filters import push_pull, smoothstep
from ..portrait.regions import face_mask, face_width, polygon
from ..wires import PORTRAIT_SIZE, Portrait

OPEN_SHARE = 0.035  # a photo's mouth is open if its inner gap exceeds this share of the face's width
EDGE_KNOTS = 65


@dataclass(frozen=True)
class MouthFrame:
    """Where the mouth is and where its upper teeth end.

    along, across   [2] unit vectors in pixels; across points down
    middle          [2] pixels
    width           pixels between the inner corners
    edge            [65] t of the teeth's lower edge at evenly spaced s in edge_range
    edge_range      (s of the image-left corner, s of the image-right corner)
    gap             pixels between the lips in the photo
    is_open         whether the photo shows the inside
    """

    along: NDArray[np.float64]
    across: NDArray[np.float64]
    middle: NDArray[np.float64]
    width: float
    edge: Tensor
    edge_range: tuple[float, float]
    gap: float
    is_open: bool


@dataclass(frozen=True)
class InnerLayer:
    """picture [512, 512, 4] float32 RGB + share made up; lip [3] the lower lip's colour; mouth: its frame."""

    picture: Tensor
    lip: Tensor
    mouth: MouthFrame


@dataclass(frozen=True)
class _Mouth:
    s: NDArray[np.float64]
    t: NDArray[np.float64]
    upper: NDArray[np.float64]  # t of the lips' inner edges at every pixel
    lower: NDArray[np.float64]
    frame_along: NDArray[np.float64]
    frame_across: NDArray[np.float64]
    middle: NDArray[np.float64]
    width: float
    upper_at: object
    lower_at: object
    limits: tuple[float, float]


def _measure(points: np.ndarray) -> _Mouth:
    from scipy.interpolate import PchipInterpolator

    left, right = points[t.MOUTH.upper[0]], points[t.MOUTH.upper[-1]]
    width = float(np.linalg.norm(right - left))
    along = (right - left) / width
    across = np.array([-along[1], along[0]])
    middle = (left + right) / 2
    yy, xx = np.mgrid[0:PORTRAIT_SIZE, 0:PORTRAIT_SIZE] + 0.5
    s = (xx - middle[0]) * along[0] + (yy - middle[1]) * along[1]
    across_t = (xx - middle[0]) * across[0] + (yy - middle[1]) * across[1]

    def curve(contour: tuple[int, ...]):
        p = points[list(contour)] - middle
        order = np.argsort(p @ along)
        return PchipInterpolator((p @ along)[order], (p @ across)[order])

    upper_at, lower_at = curve(t.MOUTH.upper), curve(t.MOUTH.lower)
    limits = (-width / 2, width / 2)
    inside = np.clip(s, *limits)
    upper, lower = upper_at(inside), lower_at(inside)
    return _Mouth(s, across_t, upper, lower, along, across, middle, width, upper_at, lower_at, limits)


def _teeth_edge(mouth: _Mouth, is_open: bool, at: np.ndarray) -> np.ndarray:
    """t of the lower edge of the upper teeth at positions s."""
    if is_open:
        return mouth.lower_at(np.clip(at, *mouth.limits))
    inside = np.clip(at, *mouth.limits)
    hang = 0.08 * mouth.width * np.clip(1 - (1.6 * at / mouth.width) ** 2, 0, 1)
    return (mouth.upper_at(inside) + mouth.lower_at(inside)) / 2 + hang


def _draw_inside(
    mouth: _Mouth, edge: np.ndarray, light: float, cast: np.ndarray, is_open: bool
) -> np.ndarray:
    """Upper teeth, cavity, tongue and lower teeth, [512, 512, 3].

    light: brightness of lit skin, cast [3]: its colour, brightest channel 1.
    """
    w = mouth.width
    # Teeth take on the light of the picture: half of its cast on skin, half white.
    tooth = np.clip(light * 1.2, 0.4, 0.92) * (np.array([1.0, 0.965, 0.90]) + cast) / 2
    dark = np.array([0.16, 0.055, 0.05]) * np.clip(light / 0.7, 0.5, 1.3)
    across = np.abs(mouth.s) / w * 2
    shade = np.clip(1 - 0.8 * across**2, 0.12, 1)
    phase = np.abs((mouth.s / (0.135 * w)) % 1 - 0.5) * 2
    separation = 1 - 0.14 * smoothstep(0.80, 1.0, phase)
    end = edge - (0 if is_open else 1.5)
    upper = smoothstep(1.5, -1.5, mouth.t - end) * smoothstep(-0.30 * w, -0.2 * w, mouth.t - end)
    out = np.ones((*mouth.s.shape, 3)) * dark

    def over(colour: np.ndarray, amount: np.ndarray) -> None:
        out[...] = out * (1 - amount[..., None]) + colour * amount[..., None]

    over(tooth * (separation * shade)[..., None], upper)
    below = mouth.t - edge - 2.5
    cavity = 0.55 * smoothstep(0, 1, below / (0.05 * w)) * shade * (mouth.t > edge)
    over(np.array([0.36, 0.13, 0.12]) * np.clip(light / 0.7, 0.5, 1.2), cavity)
    # Lower teeth and tongue lie below the part that the opening jaw stretches.
    below = below - 0.05 * w
    lower = smoothstep(-1.0, 2.0, below) * smoothstep(0.12 * w, 0.05 * w, below)
    out = out * (1 - 0.55 * (lower * shade)[..., None])
    out = out + tooth * 0.62 * (separation * shade * lower * 0.55)[..., None]
    tongue = smoothstep(0.04 * w, 0.22 * w, below)
    colour = np.array([0.42, 0.17, 0.16]) * np.clip(light / 0.7, 0.5, 1.2)
    return out * (1 - tongue[..., None]) + colour * (shade * tongue)[..., None]


def _photo_share(image: np.ndarray, points: np.ndarray, mouth: _Mouth) -> np.ndarray:
    """[512, 512] 0..1: where the photo itself shows the mouth's inside.

    The landmarks' polygon misses the true edge by a pixel or two, which shows as a saw-toothed rim of lip
    under the teeth; near the polygon's edge each pixel is therefore given to the side whose colour it has.
    """
    import cv2

    contour = np.vstack([points[list(t.MOUTH.upper)], points[list(t.MOUTH.lower)][::-1]])
    hard = polygon(contour)
    band = int(np.clip(0.02 * mouth.width + 1, 2, 4))
    kernel = np.ones((2 * band + 1, 2 * band + 1), np.uint8)
    core, reach = cv2.erode(hard, kernel), cv2.dilate(hard, kernel)
    lab = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2LAB)
    ring = (cv2.dilate(reach, kernel) > 0) & (reach == 0)
    if core.sum() < 20 or ring.sum() < 20:
        return cv2.GaussianBlur(hard.astype(np.float32), (0, 0), 0.8)
    inner, lip = lab[core > 0], lab[ring]
    bright = inner[inner[:, 0] >= np.median(inner[:, 0])].mean(0)
    dark = inner[inner[:, 0] <= np.percentile(inner[:, 0], 15)].mean(0)
    far = lambda a: np.linalg.norm((lab - a) * [0.6, 1, 1], axis=-1)  # noqa: E731
    to_inner, to_lip = np.minimum(far(bright), far(dark)), far(lip.mean(0))
    likely = smoothstep(-0.25, 0.25, (to_lip - to_inner) / (to_lip + to_inner + 1e-3))
    share = np.where(core > 0, 1.0, np.where(reach > 0, likely, 0.0)).astype(np.float32)
    # A lone pixel is noise, not an edge.
    share = cv2.medianBlur((share * 255).astype(np.uint8), 3).astype(np.float32) / 255
    return cv2.GaussianBlur(_even_edge(share), (0, 0), 0.8)


def _even_edge(share: np.ndarray) -> np.ndarray:
    """Smooths the lower edge of what the photo shows of a mouth: lone pixels of lip would notch the teeth."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    solid = share > 0.5
    columns = np.where(solid.any(0))[0]
    if len(columns) < 8:
        return share
    rows = np.arange(share.shape[0])[:, None]
    lowest = np.where(solid, rows, -1).max(0)[columns].astype(np.float64)
    even = gaussian_filter1d(median_filter(lowest, 7, mode="nearest"), 2.5, mode="nearest")
    limit = np.full(share.shape[1], -1e3)
    limit[columns] = even
    return share * smoothstep(1.0, -0.5, rows - limit[None]).astype(np.float32)


def inner_layer(portrait: Portrait) -> InnerLayer:
    """Builds the inner layer of a portrait."""
    image = portrait.image.numpy().astype(np.float64)
    landmarks = portrait.landmarks.numpy().astype(np.float64)
    points = landmarks[:, :2]
    mouth = _measure(points)
    gap = float(np.max(mouth.lower - mouth.upper))
    is_open = gap > OPEN_SHARE * face_width(landmarks)
    skin = image[face_mask(landmarks) > 0]
    light = float(np.percentile(skin.mean(1), 88))
    cast = np.median(skin, 0) / max(float(np.median(skin, 0).max()), 1e-3)
    edge = _teeth_edge(mouth, is_open, mouth.s)
    inside = _draw_inside(mouth, edge, light, cast, is_open)
    share = np.zeros(image.shape[:2], np.float32)
    if is_open:
        share = _photo_share(image, points, mouth)
        # Above the middle of the gap the photo's own teeth continue under the lip.
        teeth = push_pull(image.astype(np.float32), (share > 0.95).astype(np.float32))
        middle = (mouth.upper + mouth.lower) / 2
        fade = smoothstep(1.0, -1.0, mouth.t - middle) * np.clip(
            1.25 - (2 * np.abs(mouth.s) / mouth.width) ** 4, 0, 1
        )
        inside = inside * (1 - fade[..., None]) + teeth * fade[..., None]
    inside = inside * (1 - share[..., None]) + image * share[..., None]
    near = smoothstep(1.1 * mouth.width, 0.8 * mouth.width, np.hypot(mouth.s, mouth.t))
    picture = image * (1 - near[..., None]) + inside * near[..., None]
    rows, cols = points[[15, 86, 316, 85, 315]].astype(int).T[::-1]
    lip = np.median(image[rows, cols], 0)
    knots = np.linspace(*mouth.limits, EDGE_KNOTS)
    frame = MouthFrame(
        along=mouth.frame_along,
        across=mouth.frame_across,
        middle=mouth.middle,
        width=mouth.width,
        edge=torch.from_numpy(_teeth_edge(mouth, is_open, knots).astype(np.float32)),
        edge_range=mouth.limits,
        gap=gap,
        is_open=is_open,
    )
    layered = np.dstack([picture, (1 - share) * near]).astype(np.float32)
    return InnerLayer(torch.from_numpy(layered), torch.from_numpy(lip.astype(np.float32)), frame)
