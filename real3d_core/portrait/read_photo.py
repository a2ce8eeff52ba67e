"""Picture files and tensors -> uint8 RGB photos.

Every picture ends up as uint8 [H, W, 3], sRGB-encoded values as stored (colour profiles are not applied),
upright by its EXIF orientation, its longer side at most `longest` pixels. Transparent parts are laid over
white.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import DependencyError, ImageError
from .nets import opencv

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_FILE_SIDE = 16_384
SMALLEST_SIDE = 16  # pixels: below this no face can be seen
ROWS = 256  # worked on at a time, so that a huge picture needs little more memory than itself
_PILLOW_LIMIT = threading.Lock()


@dataclass(frozen=True)
class PhotoFile:
    """A picture that was read.

    pixels  uint8 [H, W, 3].
    alpha   float32 [H, W] 0..1 where the picture has transparent parts, else None.
    scale   pixels here per pixel of the (upright) original, <= 1.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    scale: float


def read_photo(path: Path | str, longest: int = 4096) -> PhotoFile:
    """Reads a picture file of up to 16,384 pixels a side; the first frame of an animation.

    Raises ImageError for a file that is missing, no picture, cut short, too large or too small, and
    DependencyError if Pillow does not load.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise DependencyError(
            f"Pillow (PIL) does not load ({error}); repair it with `python -m pip install --force-reinstall"
            " Pillow`."
        ) from error
    try:
        with _large_pictures_allowed(), Image.open(path) as picture:
            _check_size(*picture.size, str(path))
            return _decoded(picture, longest)
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{path} does not exist; choose another picture.") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{path} is not a picture that can be read; use a PNG, JPEG or WebP file."
        ) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise ImageError(f"{path} is too large to read ({error}); reduce it first.") from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        reason = " ".join(str(error).split()) or "its data make no sense"
        raise ImageError(f"{path} is damaged or cut short ({reason}); save or download it again.") from error


def photo_from_tensor(image: Tensor, longest: int = 4096) -> PhotoFile:
    """A picture [H, W, 1, 3 or 4] float 0..1 (an IMAGE without its batch axis) as a photo.

    Raises ImageError for another layout or a picture too small.
    """
    if image.ndim != 3 or image.shape[-1] not in (1, 3, 4):
        raise ImageError(
            f"A picture has the shape {list(image.shape)} where [height, width, 1, 3 or 4] is needed; connect"
            " one IMAGE."
        )
    _check_size(image.shape[1], image.shape[0], "The picture")
    array = np.empty(image.shape, np.uint8)
    for top in range(0, image.shape[0], ROWS):
        values = torch.nan_to_num(image[top : top + ROWS].detach().to("cpu", torch.float32)).clamp(0, 1)
        array[top : top + ROWS] = (values * 255).round().to(torch.uint8).numpy()
    factor = min(1.0, longest / max(array.shape[:2]))
    if factor < 1:
        cv2 = opencv()
        size = (max(1, round(array.shape[1] * factor)), max(1, round(array.shape[0] * factor)))
        array = cv2.resize(array, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, -1)
    return _without_alpha(array, factor)


@contextmanager
def _large_pictures_allowed() -> Iterator[None]:
    """Switches off Pillow's limit on the area (one value for the process) while a file is read."""
    from PIL import Image

    with _PILLOW_LIMIT:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _check_size(width: int, height: int, name: str) -> None:
    if max(width, height) > LONGEST_FILE_SIDE:
        raise ImageError(
            f"{name} is {width} x {height} pixels and at most {LONGEST_FILE_SIDE} a side can be read; reduce"
            " it first."
        )
    if min(width, height) < SMALLEST_SIDE:
        raise ImageError(
            f"{name} is {width} x {height} pixels, too small to show a face; use a larger picture."
        )


def _decoded(picture: Image, longest: int) -> PhotoFile:
    from PIL import ImageOps

    whole = max(picture.size)
    picture.draft("RGB", (longest, longest))  # JPEG only: decodes at a half, a quarter or an eighth
    picture.load()
    small = _eight_bit(picture)
    small.thumbnail((longest, longest))
    small = ImageOps.exif_transpose(small)
    if small.mode == "L":
        small = small.convert("RGB")
    return _without_alpha(np.asarray(small), max(small.size) / whole)


def _eight_bit(picture: Image) -> Image:
    """The picture as L, RGB or RGBA; 16-bit, 32-bit and float greys are scaled by the range they use."""
    from PIL import Image

    if picture.mode in ("L", "RGB", "RGBA") and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith(("I", "F")):
        grey = Image.fromarray(_grey_levels(np.asarray(picture)))
        grey.info.update(picture.info)
        exif: Any = picture.getexif()
        grey.getexif().update(exif)
        return grey
    transparent = "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info
    return picture.convert("RGBA" if transparent else "RGB")


def _grey_levels(values: np.ndarray) -> np.ndarray:
    """uint8 from integers or floats of unknown range: 0..1, 0..255 or 0..65535, the smallest that holds
    them.
    """

    whole = values.dtype.kind in "iu"

    def block(top: int) -> np.ndarray:
        part = values[top : top + ROWS]
        return part if whole else np.nan_to_num(part.astype(np.float64))

    tops = range(0, len(values), ROWS)
    highest = max(float(block(top).max()) for top in tops)
    is_unit = not whole and highest <= 1 and any(bool((block(top) % 1 != 0).any()) for top in tops)
    full = 1.0 if is_unit else 255.0 if highest <= 255 else 65535.0
    grey = np.empty(values.shape, np.uint8)
    for top in tops:
        grey[top : top + ROWS] = np.clip(np.round(block(top) * (255 / full)), 0, 255)
    return grey


def _without_alpha(array: np.ndarray, scale: float) -> PhotoFile:
    """Lays RGBA over white; alpha that is opaque everywhere says nothing and is dropped."""
    if array.shape[-1] == 3:
        return PhotoFile(np.array(array), None, scale)
    alpha = array[..., 3].astype(np.float32) / 255
    colour = array[..., :3]
    if alpha.min() > 0.98:
        return PhotoFile(np.array(colour), None, scale)
    over_white = colour * alpha[..., None] + 255 * (1 - alpha[..., None])
    return PhotoFile(np.round(over_white).astype(np.uint8), alpha, scale)
