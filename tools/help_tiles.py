"""How the help pages' pictures are put together: tiles, rows, columns, arrows and cards with names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SIDE = 256  # of a tile
GAP = 6
DARK, CARD, INK, ACCENT = (24, 24, 28), (52, 54, 62), (232, 232, 236), (110, 170, 255)
Pixels = npt.NDArray[np.uint8]


def tile(picture: Pixels, height: int = SIDE) -> Pixels:
    return resized(picture, round(picture.shape[1] * height / picture.shape[0]), height)


def resized(picture: Pixels, width: int, height: int) -> Pixels:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture)).convert("RGB")
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def row(*pictures: Pixels, height: int = SIDE) -> Pixels:
    """Side by side, equally high."""
    gap = np.full((height, GAP, 3), DARK, np.uint8)
    parts = [part for one in pictures for part in (gap, tile(one, height))][1:]
    return np.concatenate(parts, 1)


def column(*pictures: Pixels) -> Pixels:
    """One below the other, each as wide as the first."""
    width = pictures[0].shape[1]
    gap = np.full((GAP, width, 3), DARK, np.uint8)
    fitted = (resized(one, width, round(one.shape[0] * width / one.shape[1])) for one in pictures)
    return np.concatenate([part for one in fitted for part in (gap, one)][1:], 0)


def arrow(height: int = SIDE) -> Pixels:
    """From what goes in to what comes out."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (48, height), DARK)
    middle = height // 2
    draw = ImageDraw.Draw(image)
    draw.line([(6, middle), (30, middle)], ACCENT, 6)
    draw.polygon([(26, middle - 13), (43, middle), (26, middle + 13)], ACCENT)
    return np.asarray(image)


def cards(*lines: str, chosen: int = -1, width: int = 270, height: int = SIDE) -> Pixels:
    """Names of files or choices; the chosen one is marked."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (width, height), DARK)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    top = height // 2 - 24 * len(lines)
    for number, line in enumerate(lines):
        box = (4, top + 48 * number + 4, width - 5, top + 48 * number + 43)
        draw.rounded_rectangle(box, 7, CARD, ACCENT if number == chosen else None, 3)
        draw.text((width // 2, (box[1] + box[3]) // 2), line, INK, font, "mm")
    return np.asarray(image)


def sliders(values: dict[str, float], ranges: dict[str, tuple[float, float]], width: int) -> Pixels:
    """A slider a line, set to these values; the others to 0."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, 16 * len(ranges)), DARK)
    draw = ImageDraw.Draw(image)
    for number, (name, (low, high)) in enumerate(ranges.items()):
        middle = 16 * number + 8
        at = 50 + (values.get(name, 0.0) - low) / (high - low) * (width - 60)
        draw.text((4, middle - 6), name, INK)
        draw.line((50, middle, width - 10, middle), CARD, 3)
        draw.ellipse((at - 4, middle - 4, at + 4, middle + 4), ACCENT)
    return np.asarray(image)
