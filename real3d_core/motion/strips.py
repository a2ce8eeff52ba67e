"""A picture of curves over time, one strip for each group of them, drawn with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDTH, STRIP, MARGIN, LEGEND, AXIS, LINE = 720, 118, 10, 168, 22, 21  # pixels
BACKGROUND, STRIP_COLOUR, GRID, TEXT = (24, 26, 32), (34, 37, 45), (58, 62, 74), (205, 208, 216)
WARNING = (251, 191, 36)
COLOURS = ((96, 165, 250), (251, 146, 60), (74, 222, 128), (244, 114, 182), (250, 204, 21), (167, 139, 250))
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)  # s between marks
NOTE_WIDTH = 84  # characters of a line of notes, which are larger, to be read on a node


@dataclass(frozen=True)
class Curve:
    """One line: its name and values [T]."""

    name: str
    values: np.ndarray

    @property
    def range(self) -> float:
        return float(self.values.max() - self.values.min())


@dataclass(frozen=True)
class Strip:
    """Curves that are drawn together.

    low, high   the least range of values that the strip shows; it grows with the curves.
    symmetric   0 stays in the middle.
    rest        the value of the line that stands for "nothing happens".
    limits      values at which a dashed line is drawn, in the warning's colour.
    """

    title: str
    curves: Sequence[Curve]
    low: float = 0.0
    high: float = 1.0
    symmetric: bool = False
    rest: float = 0.0
    limits: tuple[float, ...] = ()

    @property
    def shown(self) -> tuple[float, float]:
        """The lowest and highest value that the strip has room for."""
        low = min([self.low, *(float(curve.values.min()) for curve in self.curves)])
        high = max([self.high, *(float(curve.values.max()) for curve in self.curves)])
        most = max(high, -low)
        return (-most, most) if self.symmetric else (low, high)


def strips_picture(
    strips: Sequence[Strip], frames: int, seconds: float, notes: Sequence[str] = ()
) -> np.ndarray:
    """[h, w, 3] uint8: the strips under each other over one time axis, then the notes as a warning."""
    from PIL import Image, ImageDraw

    lines = [line for note in notes for line in _wrapped(note)]
    top_of_notes = 2 * MARGIN + len(strips) * STRIP + AXIS
    height = top_of_notes + (len(lines) * LINE + MARGIN if lines else 0)
    picture = Image.new("RGB", (WIDTH, height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    font = _font(11)
    columns = min(frames, WIDTH - 2 * MARGIN - LEGEND)
    for index, strip in enumerate(strips):
        top = MARGIN + index * STRIP
        box = (MARGIN, top, WIDTH - MARGIN - LEGEND, top + STRIP - 6)
        _draw_strip(draw, box, strip, columns, font)
        _draw_times(draw, box, seconds, font if index == len(strips) - 1 else None)
    for index, line in enumerate(lines):
        draw.text((MARGIN, top_of_notes + index * LINE), line, fill=WARNING, font=_font(16))
    return np.asarray(picture)


def _wrapped(note: str) -> list[str]:
    import textwrap

    return textwrap.wrap(note, NOTE_WIDTH)


def _draw_strip(
    draw: ImageDraw,
    box: tuple[int, int, int, int],
    strip: Strip,
    columns: int,
    font: FreeTypeFont | ImageFont,
) -> None:
    """One group: frame, curves, legend with each curve's range."""
    left, top, right, bottom = box
    draw.rectangle(box, fill=STRIP_COLOUR)
    low, high = strip.shown

    def y(value: np.ndarray | float) -> np.ndarray:
        return bottom - 4 - (np.asarray(value) - low) / (high - low) * (bottom - top - 8)

    rest = float(y(strip.rest))
    draw.line([(left, rest), (right, rest)], fill=GRID)
    for limit in strip.limits:
        at = float(y(limit))
        for x in range(left, right, 8):
            draw.line([(x, at), (min(x + 3, right), at)], fill=WARNING)
    for index, curve in reversed(list(enumerate(strip.curves))):
        _draw_curve(draw, (left, right), y, curve.values, columns, COLOURS[index % len(COLOURS)])
    draw.text((right + 8, top), strip.title, fill=TEXT, font=font)
    for index, curve in enumerate(strip.curves):
        label = f"{curve.name}  {curve.values.min():.3g}..{curve.values.max():.3g}"
        draw.text((right + 8, top + 15 + 15 * index), label, fill=COLOURS[index % len(COLOURS)], font=font)
    if not strip.curves:
        draw.text((right + 8, top + 15), "still", fill=GRID, font=font)


def _draw_curve(draw, sides, y, values: np.ndarray, columns: int, colour: tuple[int, int, int]) -> None:
    """A line; where several frames share a column of pixels, from the lowest to the highest of them."""
    left, right = sides
    if len(values) == 1:
        draw.line([(left, float(y(values[0]))), (right, float(y(values[0])))], fill=colour, width=2)
        return
    starts = np.linspace(0, len(values), columns + 1).astype(int)
    lows, highs = (extreme.reduceat(values, starts[:-1]) for extreme in (np.minimum, np.maximum))
    x = left + 1 + np.arange(columns) * (right - left - 2) / max(columns - 1, 1)
    points = []
    for at, low, high in zip(x, y(lows), y(highs), strict=True):
        points += [(float(at), float(low)), (float(at), float(high))]
    draw.line(points, fill=colour, width=2, joint="curve")


def _draw_times(draw, box: tuple[int, int, int, int], seconds: float, font: object | None) -> None:
    """Marks along the time; with their seconds if a font is given."""
    left, _, right, bottom = box
    step = next((step for step in STEPS if seconds / step <= 12), seconds / 12)
    for index in range(math.floor(seconds / step + 1e-6) + 1):
        x = left + (right - left) * index * step / seconds
        draw.line([(x, bottom - 3), (x, bottom)], fill=TEXT)
        if font is not None:
            draw.text((min(x, right - 18), bottom + 4), f"{index * step:g} s", fill=TEXT, font=font)


def _font(size: int) -> FreeTypeFont | ImageFont:
    """Pillow's own font; old versions have it in one size only."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size)
    except TypeError:
        return ImageFont.load_default()
