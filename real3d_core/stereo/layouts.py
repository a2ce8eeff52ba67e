"""How the pictures of two eyes become one.

Anaglyphs are for red glasses on the left eye and cyan ones on the right. "Dubois" is the projection of Eric
Dubois (2001), made for what such glasses let through: least ghosting, colours toned down.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import RenderError
from ..video import format_files

SIDE_BY_SIDE, SIDE_BY_SIDE_HALF = "side by side", "side by side, half width"
OVER_UNDER, OVER_UNDER_HALF = "over-under", "over-under, half height"
DUBOIS, HALF_COLOUR, COLOUR, GREY = ANAGLYPHS = (
    "anaglyph, Dubois",
    "anaglyph, half colour",
    "anaglyph, colour",
    "anaglyph, grey",
)
LAYOUTS = (SIDE_BY_SIDE, SIDE_BY_SIDE_HALF, OVER_UNDER, OVER_UNDER_HALF, *ANAGLYPHS)

LUMA = (0.299, 0.587, 0.114)
DUBOIS_LEFT = (
    (0.4561, 0.500484, 0.176381),
    (-0.0400822, -0.0378246, -0.0157589),
    (-0.0152161, -0.0205971, -0.00546856),
)
DUBOIS_RIGHT = (
    (-0.0434706, -0.0879388, -0.00155529),
    (0.378476, 0.73364, -0.0184503),
    (-0.0721527, -0.112961, 1.2264),
)


def mark_of(layout: str, swapped: bool) -> str:
    """What players are told of a layout (video.format_files.STEREO_LAYOUTS); "" for one picture, and where
    the right eye comes first, which is for the naked eye.
    """
    if swapped:
        return ""
    if layout in (SIDE_BY_SIDE, SIDE_BY_SIDE_HALF):
        return format_files.SIDE_BY_SIDE
    return format_files.OVER_UNDER if layout in (OVER_UNDER, OVER_UNDER_HALF) else ""


def size_of(layout: str, width: int, height: int) -> tuple[int, int]:
    """Width and height of a layout of two pictures of this size. Raises RenderError for an unknown layout."""
    if layout not in LAYOUTS:
        raise RenderError(f"There is no stereo layout {layout[:40]!r}; choose one of {'; '.join(LAYOUTS)}.")
    return (
        width * 2 if layout == SIDE_BY_SIDE else width,
        height * 2 if layout == OVER_UNDER else height,
    )


def laid_out(left: Tensor, right: Tensor, layout: str) -> Tensor:
    """Pictures [n, h, w, 3] 0..1 of both eyes -> [n, H, W, 3] 0..1, of the size that `size_of` says.

    Raises RenderError for an unknown layout.
    """
    size_of(layout, 1, 1)
    if layout in (SIDE_BY_SIDE, SIDE_BY_SIDE_HALF):
        both = torch.cat([left, right], 2)
        return both if layout == SIDE_BY_SIDE else _scaled(both, left.shape[1], left.shape[2])
    if layout in (OVER_UNDER, OVER_UNDER_HALF):
        both = torch.cat([left, right], 1)
        return both if layout == OVER_UNDER else _scaled(both, left.shape[1], left.shape[2])
    if layout == DUBOIS:
        light = _linear(left) @ _matrix(DUBOIS_LEFT, left) + _linear(right) @ _matrix(DUBOIS_RIGHT, right)
        return _encoded(light.clamp(0, 1))
    if layout != COLOUR:
        luma = torch.tensor(LUMA, device=left.device)
        left = (left @ luma)[..., None].expand(-1, -1, -1, 3)
        if layout == GREY:
            right = (right @ luma)[..., None].expand(-1, -1, -1, 3)
    return torch.cat([left[..., :1], right[..., 1:]], -1)


def _matrix(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    return torch.tensor(rows, device=like.device).T


def _scaled(pictures: Tensor, height: int, width: int) -> Tensor:
    planes = torch.nn.functional.interpolate(
        pictures.movedim(-1, 1), (height, width), mode="bilinear", antialias=True
    )
    return planes.movedim(1, -1).clamp(0, 1)


def _linear(picture: Tensor) -> Tensor:
    """sRGB -> light, both 0..1."""
    return torch.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)


def _encoded(light: Tensor) -> Tensor:
    """Light -> sRGB, both 0..1."""
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light.clamp(min=1e-6) ** (1 / 2.4) - 0.055)
