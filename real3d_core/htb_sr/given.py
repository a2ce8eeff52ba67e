"""Pictures that other nodes give to HTB-SR: made square, made fit for use."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import RenderError
from ..wires import PORTRAIT_SIZE

if TYPE_CHECKING:
    from . import HTBSRSettings


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
    return _square(images[..., :3], size)


def square_masks(masks: Tensor | None, name: str, size: int = PORTRAIT_SIZE) -> Tensor | None:
    """[T, size, size] float32 of masks [T, H, W], cropped as `square_pictures` are. Raises RenderError."""
    if masks is None:
        return None
    if masks.ndim != 3 or min(masks.shape) < 1:
        raise RenderError(
            f"The {name} has shape {list(masks.shape)} where masks [T, height, width] are needed."
        )
    return _square(masks[..., None], size)[..., 0]


def _square(images: Tensor, size: int) -> Tensor:
    h, w = images.shape[1:3]
    side = min(h, w)
    top, left = (h - side) // 2, (w - side) // 2
    square = images[:, top : top + side, left : left + side].float()
    if side != size:
        square = F.interpolate(
            square.permute(0, 3, 1, 2), size=(size, size), mode="bilinear", antialias=True
        ).permute(0, 2, 3, 1)
    return square.contiguous()


@dataclass(frozen=True)
class Replacement:
    """Pictures that take the place of the head's colours.

    pictures    [T, size, size, 3] 0..1; mask [M, size, size] 0..1 how much of each pixel is replaced,
                None: all
    start       the clip's frame that the first one belongs to, the next ones to the frames after it and no
                others; None: they belong to the whole clip, and the last one holds
    """

    pictures: Tensor
    mask: Tensor | None
    start: int | None

    def at(self, index: int) -> tuple[Tensor, Tensor] | None:
        """Colour [size, size, 3] and share [size, size] of a frame; None if it is not replaced."""
        first = self.start or 0
        if self.start is not None and not first <= index < first + len(self.pictures):
            return None
        number = index - first
        colour = cleaned(self.pictures[min(number, len(self.pictures) - 1)])
        if self.mask is None:
            return colour, torch.ones_like(colour[..., 0])
        return colour, cleaned(self.mask[min(number, len(self.mask) - 1)])

    def to(self, device: torch.device | str) -> Replacement:
        mask = None if self.mask is None else self.mask.to(device)
        return Replacement(self.pictures.to(device), mask, self.start)


def replacement_of(settings: HTBSRSettings, frames: int, size: int) -> Replacement | None:
    """What replaces the head in a clip of so many frames.

    Raises RenderError for what are no pictures or masks, a mask alone, or a start outside the clip.
    """
    pictures = square_pictures(settings.replacement_head, "replacement head", size)
    mask = square_masks(settings.replacement_mask, "replacement mask", size)
    if pictures is None:
        if mask is not None:
            raise RenderError("There is a replacement mask but no replacement head; connect both.")
        return None
    start = settings.replacement_start
    if start is not None and not 0 <= start < frames:
        raise RenderError(
            f"The replacement starts at frame {start} of a clip of {frames}; choose one inside the clip."
        )
    return Replacement(pictures, mask, start)


class Film(Protocol):
    """A clip whose frames can be asked for by number, from several threads."""

    @property
    def fps(self) -> float: ...

    @property
    def frame(self) -> Callable[[int, bool], Tensor]:
        """(number, loop) -> [h, w, 3] 0..1; with loop it starts again at its end."""
        ...


@dataclass(frozen=True)
class Backdrop:
    """A film behind the person, at the clip's rate `fps`; a shorter one starts again."""

    film: Film
    fps: float
    size: int

    def at(self, index: int) -> Tensor:
        """[size, size, 3] 0..1 behind a frame of the clip."""
        number = math.floor(index * self.film.fps / self.fps + 1e-6)
        pictures = square_pictures(self.film.frame(number, True)[None], "background video", self.size)
        assert pictures is not None
        return cleaned(pictures[0])


def backdrop_of(settings: HTBSRSettings, fps: float, size: int) -> Backdrop | None:
    """What moves behind the person. Raises RenderError if there is a background besides."""
    if settings.background_film is None:
        return None
    if settings.background is not None:
        raise RenderError("There are a background and a background video; connect one of them.")
    return Backdrop(settings.background_film, fps, size)


def shrunk(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture uint8 [h, w, 3], cropped in the middle and reduced to what a frame of `size` shows of it."""
    import cv2

    h, w = picture.shape[:2]
    side = min(h, w)
    top, left = (h - side) // 2, (w - side) // 2
    square = picture[top : top + side, left : left + side]
    if side > size:
        square = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(square)


def cleaned(picture: Tensor) -> Tensor:
    """A copy of a picture of some other node in 0..1; NaN becomes black."""
    return picture.nan_to_num(0.0).clamp_(0, 1)
