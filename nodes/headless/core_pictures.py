"""Core nodes that change pictures and masks, with the arithmetic of core's own, so that results agree; and a
number for their inputs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from . import io
from .core_node import CoreNode

METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
CROPS = ("disabled", "center")
LONGEST_SIDE = 16_384  # core's own limit


def scaled(image: Tensor, width: int, height: int, method: str, crop: str) -> Tensor:
    """[B, height, width, C] of an IMAGE; "center" cuts it to the new shape first, else it is stretched."""
    if crop == "center":
        image = _cut(image, width / height)
    if method == "lanczos":
        return _lanczos(image, width, height)
    return interpolate(image.movedim(-1, 1), (height, width), mode=method).movedim(1, -1)


def _cut(image: Tensor, aspect: float) -> Tensor:
    height, width = image.shape[1:3]
    x = round((width - height * aspect) / 2) if width / height > aspect else 0
    y = round((height - width / aspect) / 2) if width / height < aspect else 0
    return image[:, y : height - y, x : width - x]


def _lanczos(image: Tensor, width: int, height: int) -> Tensor:
    """By Pillow, in 8 bits as core does it."""
    import numpy as np
    from PIL import Image

    pixels = (image.detach().float().cpu().clamp(0, 1) * 255).byte().numpy()
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    resized = [
        np.array(Image.fromarray(one).resize((width, height), Image.Resampling.LANCZOS)) for one in pixels
    ]
    return torch.from_numpy(np.stack(resized)).float().div(255).reshape(len(resized), height, width, -1)


class ImageScale(CoreNode):
    title = "Upscale Image"
    inputs = (
        io.Image.Input("image"),
        io.Combo.Input("upscale_method", options=METHODS, default=METHODS[0]),
        io.Int.Input("width", default=512, min=0, max=LONGEST_SIDE, step=1),
        io.Int.Input("height", default=512, min=0, max=LONGEST_SIDE, step=1),
        io.Combo.Input("crop", options=CROPS, default=CROPS[0]),
    )
    outputs = (io.Image.Output("IMAGE"),)

    @classmethod
    def execute(cls, image: Tensor, upscale_method: str, width: int, height: int, crop: str) -> io.NodeOutput:
        if width == 0 and height == 0:
            return io.NodeOutput(image)
        if width == 0:
            width = max(1, round(image.shape[2] * height / image.shape[1]))
        elif height == 0:
            height = max(1, round(image.shape[1] * width / image.shape[2]))
        return io.NodeOutput(scaled(image, width, height, upscale_method, crop))


class ImageInvert(CoreNode):
    title = "Invert Image"
    inputs = (io.Image.Input("image"),)
    outputs = (io.Image.Output("IMAGE"),)

    @classmethod
    def execute(cls, image: Tensor) -> io.NodeOutput:
        return io.NodeOutput(1.0 - image)


class ImageBatch(CoreNode):
    title = "Batch Images"
    inputs = (io.Image.Input("image1"), io.Image.Input("image2"))
    outputs = (io.Image.Output("IMAGE"),)

    @classmethod
    def execute(cls, image1: Tensor, image2: Tensor) -> io.NodeOutput:
        channels = max(image1.shape[-1], image2.shape[-1])
        first, second = (pad(one, (0, channels - one.shape[-1]), value=1.0) for one in (image1, image2))
        if first.shape[1:] != second.shape[1:]:
            second = scaled(second, first.shape[2], first.shape[1], "bilinear", "center")
        return io.NodeOutput(torch.cat([first, second]))


class ImageFromBatch(CoreNode):
    title = "Get Image from Batch"
    inputs = (
        io.Image.Input("image"),
        io.Int.Input("batch_index", default=0, min=-LONGEST_SIDE, max=LONGEST_SIDE),
        io.Int.Input("length", default=1, min=1, max=4096),
    )
    outputs = (io.Image.Output("IMAGE"),)

    @classmethod
    def execute(cls, image: Tensor, batch_index: int, length: int) -> io.NodeOutput:
        """An index below 0 counts from the end; what lies outside of the batch is not there."""
        start = min(max(batch_index + (len(image) if batch_index < 0 else 0), 0), len(image) - 1)
        return io.NodeOutput(image[start : start + length].clone())


class InvertMask(CoreNode):
    title = "Invert Mask"
    inputs = (io.Mask.Input("mask"),)
    outputs = (io.Mask.Output("MASK"),)

    @classmethod
    def execute(cls, mask: Tensor) -> io.NodeOutput:
        return io.NodeOutput(1.0 - mask)


class GrowMask(CoreNode):
    title = "Grow Mask"
    inputs = (
        io.Mask.Input("mask"),
        io.Int.Input("expand", default=0, min=-LONGEST_SIDE, max=LONGEST_SIDE, step=1),
        io.Boolean.Input("tapered_corners", default=True),
    )
    outputs = (io.Mask.Output("MASK"),)

    @classmethod
    def execute(cls, mask: Tensor, expand: int, tapered_corners: bool) -> io.NodeOutput:
        """Grey values spread by a pixel in each round, to four neighbours or (not tapered) to eight."""
        from scipy.ndimage import generate_binary_structure, grey_dilation, grey_erosion

        reach = generate_binary_structure(2, 1 if tapered_corners else 2)
        spread = grey_dilation if expand > 0 else grey_erosion
        grown = []
        for one in mask.reshape(-1, *mask.shape[-2:]).float().cpu().numpy():
            for _ in range(min(abs(expand), max(one.shape))):
                one = spread(one, footprint=reach)
            grown.append(torch.from_numpy(one))
        return io.NodeOutput(torch.stack(grown))


class MaskToImage(CoreNode):
    title = "Convert Mask to Image"
    inputs = (io.Mask.Input("mask"),)
    outputs = (io.Image.Output("IMAGE"),)

    @classmethod
    def execute(cls, mask: Tensor) -> io.NodeOutput:
        return io.NodeOutput(mask.reshape(-1, *mask.shape[-2:], 1).expand(-1, -1, -1, 3))


class PrimitiveInt(CoreNode):
    title = "Int"
    inputs = (io.Int.Input("value", default=0, min=-(2**53), max=2**53, control_after_generate=True),)
    outputs = (io.Int.Output("INT"),)

    @classmethod
    def execute(cls, value: int) -> io.NodeOutput:
        return io.NodeOutput(value)


PICTURE_NODES: tuple[type[CoreNode], ...] = (
    ImageScale,
    ImageInvert,
    ImageBatch,
    ImageFromBatch,
    InvertMask,
    GrowMask,
    MaskToImage,
    PrimitiveInt,
)
