"""A picture of a motion's curves, one strip for each group, drawn with Pillow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..wires import ARKIT_NAMES, Motion
from .groups import GROUP_COLUMNS, GROUPS

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDTH, STRIP, MARGIN, LEGEND, AXIS = 720, 118, 10, 168, 22  # pixels
SHOWN = 6  # curves in a strip: those that move most
BACKGROUND, STRIP_COLOUR, GRID, TEXT = (24, 26, 32), (34, 37, 45), (58, 62, 74), (205, 208, 216)
COLOURS = ((96, 165, 250), (251, 146, 60), (74, 222, 128), (244, 114, 182), (250, 204, 21), (167, 139, 250))
TITLES = {"mouth": "mouth", "brows": "brows", "eyes": "eyes", "head": "head, degrees"}
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)  # s between marks


@dataclass(frozen=True)
class _Curve:
    """One line: its name and values [T]."""

    name: str
    values: np.ndarray

    @property
    def range(self) -> float:
        return float(self.values.max() - self.values.min())


def curves_picture(motion: Motion) -> np.ndarray:
    """[h, w, 3] uint8: the curves of a motion over time, one strip for each group.

    A strip shows the channels that move most, and those that are set but still; left and right that are alike
    share a line. Weights are drawn over 0..1 or more, angles in degrees. With a 3DMM expression, the mouth's
    strip shows its first coefficients too.
    """
    from PIL import Image, ImageDraw

    height = 2 * MARGIN + len(GROUPS) * STRIP + AXIS
    picture = Image.new("RGB", (WIDTH, height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    font = _font(11)
    columns = min(len(motion), WIDTH - 2 * MARGIN - LEGEND)
    seconds = len(motion) / motion.fps
    for index, group in enumerate(GROUPS):
        top = MARGIN + index * STRIP
        box = (MARGIN, top, WIDTH - MARGIN - LEGEND, top + STRIP - 6)
        _draw_strip(draw, box, TITLES[group], _curves(motion, group), columns, font)
        _draw_times(draw, box, seconds, font if index == len(GROUPS) - 1 else None)
    return np.asarray(picture)


def summary(motion: Motion) -> str:
    """A line of text: length, frames, rate, and what the motion holds."""
    parts = [f"{len(motion) / motion.fps:.2f} s, {len(motion)} frames at {motion.fps:.6g} frames/s"]
    if motion.expression is not None:
        parts.append("with a 3DMM expression")
    return ", ".join(parts)


def _curves(motion: Motion, group: str) -> list[_Curve]:
    """The curves to draw, the liveliest first."""
    if group == "head":
        degrees = np.degrees(motion.euler.cpu().numpy())
        return [_Curve(name, degrees[:, i]) for i, name in enumerate(("pitch", "yaw", "roll"))]
    weights = motion.blendshapes.cpu().numpy()
    curves = _merged([_Curve(ARKIT_NAMES[i], weights[:, i]) for i in GROUP_COLUMNS[group]])
    if group == "mouth" and motion.expression is not None:
        values = motion.expression.cpu().numpy()
        curves += [_Curve(f"3DMM {i + 1}", values[:, i]) for i in range(3)]
    curves = [curve for curve in curves if np.abs(curve.values).max() > 1e-4]
    return sorted(curves, key=lambda curve: -max(curve.range, 0.02 * np.abs(curve.values).max()))[:SHOWN]


def _merged(curves: list[_Curve]) -> list[_Curve]:
    """Left and right in one where they are alike."""
    known = {curve.name: curve for curve in curves}
    for name in list(known):
        stem = name.removesuffix("Left")
        left, right = known.get(f"{stem}Left"), known.get(f"{stem}Right")
        if left and right and np.abs(left.values - right.values).max() < 0.02:
            known[stem] = _Curve(stem, left.values)
            del known[left.name], known[right.name]
    return list(known.values())


def _draw_strip(
    draw: ImageDraw,
    box: tuple[int, int, int, int],
    title: str,
    curves: list[_Curve],
    columns: int,
    font: FreeTypeFont | ImageFont,
) -> None:
    """One group: frame, curves, legend with each curve's range."""
    left, top, right, bottom = box
    draw.rectangle(box, fill=STRIP_COLOUR)
    values = [curve.values for curve in curves]
    high = max([1.0, *(float(v.max()) for v in values)])
    low = min([0.0, *(float(v.min()) for v in values)])
    if title == TITLES["head"]:
        high = max(2.0, high, -low)
        low = -high

    def y(value: np.ndarray | float) -> np.ndarray:
        return bottom - 4 - (np.asarray(value) - low) / (high - low) * (bottom - top - 8)

    zero = float(y(0.0))
    draw.line([(left, zero), (right, zero)], fill=GRID)
    for index, curve in reversed(list(enumerate(curves))):
        _draw_curve(draw, (left, right), y, curve.values, columns, COLOURS[index % len(COLOURS)])
    draw.text((right + 8, top), title, fill=TEXT, font=font)
    for index, curve in enumerate(curves):
        label = f"{curve.name}  {curve.values.min():.3g}..{curve.values.max():.3g}"
        draw.text((right + 8, top + 15 + 15 * index), label, fill=COLOURS[index % len(COLOURS)], font=font)
    if not curves:
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
