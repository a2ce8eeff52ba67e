"""Pictures that other nodes give to HTB-SR: made square, made fit for use."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..errors import RenderError
from ..wires import PORTRAIT_SIZE


def square_pictures(images: Tensor | None, name: str, size: int = PORTRAIT_SIZE) -> Tensor | None:
    """[T, size, size, 3] float32 of pictures [T, H, W, >= 3], cropped in the middle to a square.

    Raises RenderError, with `name`, for what are no pictures.
    """
    if images is None:
        return None
    if images.ndim != 4 or images.shape[-1] < 3 or min(images.shape[:3]) < 1:
        raise RenderError(
            f"The {name} has shape {list(images.shape)} where pictures [T, height, width, 3] are needed."
        )
    h, w = images.shape[1:3]
    side = min(h, w)
    top, left = (h - side) // 2, (w - side) // 2
    square = images[:, top : top + side, left : left + side, :3].float()
    if side != size:
        square = F.interpolate(
            square.permute(0, 3, 1, 2), size=(size, size), mode="bilinear", antialias=True
        ).permute(0, 2, 3, 1)
    return square.contiguous()


def cleaned(picture: Tensor) -> Tensor:
    """A copy of a picture of some other node in 0..1; NaN becomes black."""
    return picture.nan_to_num(0.0).clamp_(0, 1)
