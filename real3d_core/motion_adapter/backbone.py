"""The Motion Adapter network: SECC maps become what an expression adds to the canonical planes.

Names of parameters are those of the released weights (`secc_img2plane_backbone.`).
See docs/model.md, "Motion Adapter network".
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..image_to_plane.backbone import CHANNELS, SLOPE, as_planes, conv3
from .segformer import FUSED, FuseHead, MixVit

COLOURS = 3  # channels of a map; there are three maps


class MixMaps(nn.Module):
    """A 1 x 1 convolution with an equalised learning rate: 9 channels of SECC maps to 3.

    `resample_filter` belongs to the released weights and has no effect, because nothing is resampled here.
    """

    resample_filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3 * COLOURS, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        binomial = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("resample_filter", torch.outer(binomial, binomial))

    def effective(self) -> Tensor:
        """[3, 9, 1, 1] the weights that are applied."""
        return self.weight / math.sqrt(self.weight.shape[1])

    def forward(self, maps: Tensor) -> Tensor:
        """[B, 9, H, W] -> [B, 3, H, W]."""
        return F.conv2d(maps, self.effective(), self.bias)


class MotionPlanes(nn.Module):
    """The whole network. It has no state but its weights, so several threads may run it at once.

    SECC maps are [B, 3, 512, 512] -1..1 of any floating type, -1 where the face is not; planes are
    [B, 3, 32, 256, 256] (xy, xz, zx) of the last layers' type. The maps of the portrait may have batch 1 for
    any number of targets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.prenet = MixMaps()
        self.mix_vit = MixVit()
        self.fuse_head = FuseHead()
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [conv3(FUSED, FUSED), nn.LeakyReLU(SLOPE)]
        double = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.to_plane_cnn = nn.Sequential(*layers, double, conv3(FUSED, CHANNELS))

    def forward(self, canonical: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Maps of the mean, the source and the target expression -> residual planes."""
        maps = [one.expand(target.shape[0], -1, -1, -1) for one in (canonical, source, target)]
        return self._planes(self.mix_vit(self.prenet(torch.cat(maps, 1).to(self.prenet.weight.dtype))))

    def portrait(self, canonical: Tensor, source: Tensor) -> Tensor:
        """What the first layers make of a portrait alone: [B, 32, 128, 128] float32, for `forward_with`."""
        first = self.mix_vit.patch_embed1.proj
        ours = self.prenet.effective().float()[:, : 2 * COLOURS]
        mixed = F.conv2d(torch.cat([canonical, source], 1).float(), ours, self.prenet.bias.float())
        return F.conv2d(mixed, first.weight.float(), first.bias.float(), first.stride, first.padding)

    def forward_with(self, portrait: Tensor, target: Tensor) -> Tensor:
        """`forward` for a prepared portrait, the same numbers up to rounding.

        The first two layers are linear, so the target's part of them is one convolution that is added to the
        portrait's. Both are computed in float32, whatever the precision of the weights: maps may come in
        any, and positions on the face keep their digits.
        """
        first = self.mix_vit.patch_embed1.proj
        theirs = self.prenet.effective().float()[:, 2 * COLOURS :, 0, 0]
        kernel = torch.einsum("okhw,kc->ochw", first.weight.float(), theirs)
        patches = portrait + F.conv2d(target.float(), kernel, None, first.stride, first.padding)
        return self._planes(self.mix_vit.from_patches(patches.to(first.weight.dtype)))

    def lowered(self, dtype: torch.dtype) -> MotionPlanes:
        """This module with its last convolutions in `dtype`: 93 % of the work, and a third of the error that
        the whole module in that type would make.
        """
        self.to_plane_cnn.to(dtype)
        return self

    def _planes(self, maps: list[Tensor]) -> Tensor:
        joined = self.fuse_head(maps).to(self.to_plane_cnn[0].weight.dtype)
        return as_planes(self.to_plane_cnn(joined))
