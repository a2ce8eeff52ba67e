"""One picture that shows many frames of a clip side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..errors import RenderError
from .encoder import picture_array

GAP = 4  # pixels between the tiles
LABEL_HEIGHT = 20
PAPER, INK = (24, 24, 24), (235, 235, 235)


def contact_sheet(
    frames: Sequence[Tensor | np.ndarray],
    columns: int,
    labels: Sequence[str] | None = None,
    *,
    tile_width: int | None = None,
) -> np.ndarray:
    """[H, W, 3] uint8: the frames row by row, each with its label below it.

    frames are [h, w, 3] uint8 or float 0..1, of any sizes; each is scaled to tile_width (None: the width of
    the widest). Raises RenderError with no frame, or with labels that do not match the frames.
    """
    from PIL import Image, ImageDraw

    pictures = [Image.fromarray(picture_array(frame)) for frame in frames]
    if not pictures or columns < 1:
        raise RenderError("A contact sheet needs at least one frame and one column.")
    if labels is not None and len(labels) != len(pictures):
        raise RenderError(f"A contact sheet of {len(pictures)} frames was given {len(labels)} labels.")
    width = tile_width or max(picture.width for picture in pictures)
    tiles = [_scaled(picture, width) for picture in pictures]
    columns = min(columns, len(tiles))
    step_x = width + GAP
    step_y = max(tile.height for tile in tiles) + GAP + (LABEL_HEIGHT if labels else 0)
    rows = math.ceil(len(tiles) / columns)
    sheet = Image.new("RGB", (columns * step_x + GAP, rows * step_y + GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), _font()
    for index, tile in enumerate(tiles):
        x, y = GAP + index % columns * step_x, GAP + index // columns * step_y
        sheet.paste(tile, (x, y))
        if labels:
            pen.text((x + 2, y + step_y - GAP - LABEL_HEIGHT + 3), str(labels[index]), fill=INK, font=font)
    return np.array(sheet)


def _scaled(picture, width: int):
    from PIL import Image

    if picture.width == width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _font():
    """Pillow's own font; the small bitmap one where Pillow is old or lacks FreeType."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size=13)
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()
