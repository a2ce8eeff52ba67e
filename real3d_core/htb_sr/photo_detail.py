"""What the original photo shows beyond the 512 x 512 crop, for pictures of 768 and 1024.

See docs/model.md, "HTB-SR".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import RenderError
from ..ops import remap, smoothstep
from ..wires import PORTRAIT_SIZE, Portrait

SIZES = (512, 768, 1024)
OWN = (0.015, 0.05)  # difference to the crop from which on a layer's pixel is no more the photo's own


@dataclass(frozen=True)
class PhotoDetail:
    """Brings pictures of a portrait to a size.

    size    of the pictures that it makes
    image   [512, 512, 3] the crop
    fine    [size, size, 3] what to add to the enlarged crop to have the photo at that size; None at 512
    """

    size: int
    image: Tensor
    fine: Tensor | None

    def added_to(self, picture: Tensor) -> Tensor:
        """[512, 512, 3 or 4] -> [size, size, ...]: enlarged, with the photo's detail where the picture's
        colours are the photo's own; 512 is the picture itself.
        """
        if self.fine is None:
            return picture
        away = (picture[..., :3] - self.image).abs().amax(-1, keepdim=True)
        own = resized(smoothstep(OWN[1], OWN[0], away), self.size)
        big = resized(picture, self.size, cubic=True).clamp(0, 1)
        return torch.cat([(big[..., :3] + self.fine * own).clamp(0, 1), big[..., 3:]], -1)


def photo_detail(portrait: Portrait, size: int) -> PhotoDetail:
    """Reads the photo at a size. Raises RenderError for a size that is not in SIZES."""
    if size not in SIZES:
        raise RenderError(f"A size of {size} was asked for; choose 512, 768 or 1024.")
    if size == PORTRAIT_SIZE:
        return PhotoDetail(size, portrait.image, None)
    from ..portrait.geometry import apply, sample
    from ..portrait.nets import opencv

    photo, to_photo = portrait.photo.cpu().numpy(), portrait.crop_to_photo.cpu().numpy().astype(np.float64)
    replicate = opencv().BORDER_REPLICATE

    def read(pixels: int) -> Tensor:
        scaled = to_photo * np.array([PORTRAIT_SIZE / pixels, PORTRAIT_SIZE / pixels, 1])
        return torch.from_numpy(sample(photo, scaled, pixels, replicate).astype(np.float32) / 255)

    fine = read(size) - resized(read(PORTRAIT_SIZE), size, cubic=True)
    centres = (np.stack(np.meshgrid(*[np.arange(size) + 0.5] * 2), -1)) * (PORTRAIT_SIZE / size)
    x, y = np.moveaxis(apply(to_photo, centres), -1, 0)
    inside = (x > 0) & (y > 0) & (x < photo.shape[1]) & (y < photo.shape[0])
    return PhotoDetail(size, portrait.image.cpu(), fine * torch.from_numpy(inside)[..., None])


def resized(picture: Tensor, size: int, cubic: bool = False) -> Tensor:
    """[h, h, C] enlarged to [size, size, C], pixel edges aligned."""
    at = (torch.arange(size) + 0.5) * (picture.shape[0] / size) - 0.5
    y, x = torch.meshgrid(at, at, indexing="ij")
    return remap(picture[None].contiguous(), x[None], y[None], cubic=cubic)[0]
