"""Where rays and pixels meet: boxes of rays, and the pixels that belong to them.

Convention
    A box (r0, r1, c0, c1) holds rows r0..r1 and columns c0..c1 of rays. One ray covers `scale` x `scale`
    pixels.
"""

from __future__ import annotations

from torch import Tensor

from ..ops import enlarge

APRON = 2  # rays that a bicubic enlargement looks beyond its box

Box = tuple[int, int, int, int]


def enlarged(image: Tensor, box: Box, scale: int, cubic: bool = True) -> Tensor:
    """The part of enlarge(image, scale) that belongs to a box of rays."""
    h, w = image.shape[1:3]
    r0, r1, c0, c1 = box
    a0, a1, b0, b1 = max(r0 - APRON, 0), min(r1 + APRON, h), max(c0 - APRON, 0), min(c1 + APRON, w)
    big = enlarge(image[:, a0:a1, b0:b1].contiguous(), scale, cubic)
    return big[:, (r0 - a0) * scale : (r1 - a0) * scale, (c0 - b0) * scale : (c1 - b0) * scale]


def boxes_of(mask: Tensor, margin: int) -> list[Box]:
    """Bounding boxes of the connected parts of mask [h, w]."""
    import cv2

    h, w = mask.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.cpu().byte().numpy(), connectivity=8)
    return [
        (max(y - margin, 0), min(y + dy + margin, h), max(x - margin, 0), min(x + dx + margin, w))
        for x, y, dx, dy, _ in stats[1:].tolist()
    ]


def window_of(box: Box, scale: int) -> tuple[slice, slice]:
    r0, r1, c0, c1 = box
    return slice(r0 * scale, r1 * scale), slice(c0 * scale, c1 * scale)


def pixels_of(address: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
    """Address [..., 2] 0..1 -> pixel indices of a square picture [1, size, size, C]."""
    return (address * picture.shape[1] - 0.5).unbind(-1)
