"""The photo's torso as a volume of features, once per portrait. See docs/model.md, "Torso"."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import ConvNorm, Down, Residual, conv

DEPTH, CHANNELS = 16, 32
TORSO_CLASSES = (2, 4)  # of the segmentation: body skin, clothes
DILATION = 7  # volume texels


def torso_classes(segmentation: Tensor, size: int) -> Tensor:
    """[n, 2, size, size] 0..1 of a segmentation [n, 6, 512, 512]; reduced without a filter."""
    chosen = segmentation[:, list(TORSO_CLASSES)].float()
    return F.interpolate(chosen, size=(size, size), mode="bilinear", align_corners=False)


def torso_mask(classes: Tensor) -> Tensor:
    """[n, 1, h, w] of torso_classes: where the volume is kept, dilated."""
    reach = DILATION // 2
    edge = F.pad(classes.sum(1, keepdim=True), (reach, reach, reach, reach), mode="reflect")
    return F.max_pool2d(edge, DILATION, 1)


class AppearanceExtractor(nn.Module):
    """Torso picture and its two classes [n, 5, 256, 256] -> features [n, 32, 16, 64, 64]."""

    def __init__(self) -> None:
        super().__init__()
        self.in_conv = ConvNorm(2, 3 + len(TORSO_CLASSES), 64, 7)
        self.down = nn.Sequential(Down(2, 64, 128), Down(2, 128, 256))
        self.mid_conv = conv(2, 256, CHANNELS * DEPTH, 1)
        self.res = nn.Sequential(*(Residual(3, CHANNELS) for _ in range(6)))

    def forward(self, picture: Tensor) -> Tensor:
        flat = self.mid_conv(self.down(self.in_conv(picture)))
        return self.res(flat.unflatten(1, (CHANNELS, DEPTH)))


def appearance_input(torso: Tensor, segmentation: Tensor) -> Tensor:
    """[n, 5, 256, 256] of a torso picture [n, 3, 256, 256] -1..1 and a segmentation [n, 6, 512, 512]."""
    return torch.cat([torso, torso_classes(segmentation, torso.shape[-1]).to(torso)], 1)
