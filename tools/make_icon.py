"""Draws the pack's icon, `docs/images/icon.png`: `python -m tools.make_icon`.

A head in three crossed planes, which is what a tri-plane is, with the sound that moves it.
"""

from __future__ import annotations

from pathlib import Path

SIDE = 400  # the registry's largest
SCALE = 4  # drawn larger, for smooth edges
PATH = Path(__file__).resolve().parents[1] / "docs" / "images" / "icon.png"
GROUND, HEAD, WAVE = (22, 24, 34, 255), (244, 236, 226, 255), (255, 176, 84, 255)
PLANES = (
    ((96, 52), (264, 52), (264, 300), (96, 300)),  # seen from the front
    ((52, 214), (236, 176), (348, 214), (160, 258)),  # lying
    ((150, 76), (234, 40), (234, 290), (150, 340)),  # seen from the side
)
COLOURS = ((92, 146, 255, 120), (96, 220, 190, 110), (196, 120, 255, 110))


def draw() -> None:
    """Writes the icon."""
    from PIL import Image, ImageDraw

    size = SIDE * SCALE
    image = Image.new("RGBA", (size, size))
    ImageDraw.Draw(image).rounded_rectangle((0, 0, size - 1, size - 1), 72 * SCALE, GROUND)
    for corners, colour in zip(PLANES, COLOURS, strict=True):
        plane = Image.new("RGBA", image.size)
        points = [(x * SCALE, y * SCALE) for x, y in corners]
        ImageDraw.Draw(plane).polygon(points, colour, (*colour[:3], 255), 3 * SCALE)
        image.alpha_composite(plane)
    pen = ImageDraw.Draw(image)

    def oval(x: float, y: float, wide: float, high: float, colour: tuple[int, ...]) -> None:
        box = (x - wide, y - high, x + wide, y + high)
        pen.ellipse([edge * SCALE for edge in box], colour)

    oval(180, 172, 66, 84, HEAD)
    for eye in (156, 204):
        oval(eye, 162, 8, 9, GROUND)
    pen.chord([edge * SCALE for edge in (150, 182, 210, 238)], 8, 172, GROUND)  # a smile that speaks
    for number, half in enumerate((20, 46, 30, 62, 36, 50, 18)):
        x = 92 + 36 * number
        box = [edge * SCALE for edge in (x - 7, 330 - half / 2, x + 7, 330 + half / 2)]
        pen.rounded_rectangle(box, 7 * SCALE, WAVE)
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(PATH, optimize=True)
    print(f"{PATH.name}: {PATH.stat().st_size} bytes")


if __name__ == "__main__":
    draw()
