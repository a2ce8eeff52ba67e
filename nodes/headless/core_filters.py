"""Core nodes that blur, sharpen and join pictures, with the arithmetic of core's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from . import io
from .core_node import CoreNode
from .core_pictures import scaled

COLOURS = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}
DIRECTIONS = ("right", "down", "left", "up")
SHARPNESS = 10  # core's unit of alpha


def bell(radius: int, sigma: float) -> Tensor:
    """[2 radius + 1, 2 radius + 1] weights that sum to 1; sigma is a share of the radius, as in core."""
    line = torch.linspace(-1, 1, 2 * radius + 1)
    weights = torch.exp(-(line[:, None] ** 2 + line[None] ** 2) / (2 * sigma**2))
    return weights / weights.sum()


def filtered(image: Tensor, weights: Tensor) -> Tensor:
    """An IMAGE filtered by weights [k, k]; beyond its edges it is mirrored."""
    channels, radius = image.shape[-1], weights.shape[0] // 2
    padded = pad(image.movedim(-1, 1), (radius,) * 4, "reflect")
    kernel = weights.to(image)[None, None].expand(channels, 1, -1, -1)
    return conv2d(padded, kernel, groups=channels).movedim(1, -1)


class ImageBlur(CoreNode):
    title = "Blur Image"
    inputs = (
        io.Image.Input("image"),
        io.Int.Input("blur_radius", default=1, min=1, max=31, step=1),
        io.Float.Input("sigma", default=1.0, min=0.1, max=10.0, step=0.1),
    )
    outputs = (io.Image.Output("IMAGE"),)

    @classmethod
    def execute(cls, image: Tensor, blur_radius: int, sigma: float) -> io.NodeOutput:
        return io.NodeOutput(filtered(image, bell(blur_radius, sigma)))


class ImageSharpen(CoreNode):
    title = "Sharpen Image"
    inputs = (
        io.Image.Input("image"),
        io.Int.Input("sharpen_radius", default=1, min=1, max=31, step=1),
        io.Float.Input("sigma", default=1.0, min=0.1, max=10.0, step=0.01),
        io.Float.Input("alpha", default=1.0, min=0.0, max=5.0, step=0.01),
    )
    outputs = (io.Image.Output("IMAGE"),)

    @classmethod
    def execute(cls, image: Tensor, sharpen_radius: int, sigma: float, alpha: float) -> io.NodeOutput:
        """What a blur takes away, added on top."""
        strength = alpha * SHARPNESS
        weights = bell(sharpen_radius, sigma) * -strength
        weights[sharpen_radius, sharpen_radius] += 1 + strength
        return io.NodeOutput(filtered(image, weights).clamp(0, 1))


class ImageStitch(CoreNode):
    title = "Stitch Images"
    inputs = (
        io.Image.Input("image1"),
        io.Combo.Input("direction", options=DIRECTIONS, default=DIRECTIONS[0]),
        io.Boolean.Input("match_image_size", default=True),
        io.Int.Input("spacing_width", default=0, min=0, max=1024, step=2),
        io.Combo.Input("spacing_color", options=list(COLOURS), default="white"),
        io.Image.Input("image2", optional=True),
    )
    outputs = (io.Image.Output("IMAGE"),)

    @classmethod
    def execute(
        cls,
        image1: Tensor,
        direction: str = "right",
        match_image_size: bool = True,
        spacing_width: int = 0,
        spacing_color: str = "white",
        image2: Tensor | None = None,
    ) -> io.NodeOutput:
        if image2 is None:
            return io.NodeOutput(image1)
        across = direction in ("right", "left")
        count = max(len(image1), len(image2))
        first, second = _lasting(image1, count), _lasting(image2, count)
        if match_image_size:
            second = _matched(second, first, across)
        channels = max(first.shape[-1], second.shape[-1])
        first, second = (pad(one, (0, channels - one.shape[-1]), value=1.0) for one in (first, second))
        first, second = _levelled(first, second, across, COLOURS[spacing_color])
        parts = [first, second] if direction in ("right", "down") else [second, first]
        if spacing_width:
            parts.insert(1, _bar(first, spacing_width + spacing_width % 2, across, spacing_color))
        return io.NodeOutput(torch.cat(parts, dim=2 if across else 1))


def _lasting(image: Tensor, count: int) -> Tensor:
    """The shorter clip stays at its last picture."""
    return torch.cat([image, image[-1:].expand(count - len(image), -1, -1, -1)])


def _matched(image: Tensor, other: Tensor, across: bool) -> Tensor:
    """As high as the other beside it, or as wide as the other above it."""
    height, width = image.shape[1:3]
    if across:
        return scaled(image, int(other.shape[1] * (width / height)), other.shape[1], "lanczos", "disabled")
    return scaled(image, other.shape[2], int(other.shape[2] / (width / height)), "lanczos", "disabled")


def _levelled(
    first: Tensor, second: Tensor, across: bool, colour: tuple[float, ...]
) -> tuple[Tensor, Tensor]:
    """The smaller one gets margins; they are grey levels, so a coloured bar goes with black ones."""
    grey = colour[0] if len(set(colour)) == 1 else 0.0
    axis = 1 if across else 2
    size = max(first.shape[axis], second.shape[axis])

    def grown(image: Tensor) -> Tensor:
        missing = size - image.shape[axis]
        margins = (missing // 2, missing - missing // 2)
        return pad(image, (0, 0, 0, 0, *margins) if across else (0, 0, *margins), value=grey)

    return grown(first), grown(second)


def _bar(image: Tensor, width: int, across: bool, colour: str) -> Tensor:
    count, height, length, channels = image.shape
    shape = (count, height, width, channels) if across else (count, width, length, channels)
    values = torch.ones(channels).to(image)
    values[:3] = torch.tensor(COLOURS[colour]).to(image)[:channels]
    return values.expand(shape)


FILTER_NODES: tuple[type[CoreNode], ...] = (ImageBlur, ImageSharpen, ImageStitch)
