"""The Image-to-Plane network: a picture of a head becomes canonical planes.

Names of parameters are those of the released weights (`cano_img2plane_backbone.`).
See docs/model.md, "Image-to-Plane network".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..wires import PLANE_CHANNELS
from .resnet import LowResolutionEncoder
from .transformer import Block, Grid, PatchEmbed, as_picture

CHANNELS = 3 * PLANE_CHANNELS
WIDTH, HEADS = 1024, 4  # of the attention blocks
SLOPE = 0.01  # of the leaky ReLUs


def conv3(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def doubled(picture: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, 2 H, 2 W], bilinear; the corners' centres stay corners."""
    return F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=True)


def as_planes(channels: Tensor) -> Tensor:
    """[B, 96, H, W] -> [B, 3, 32, H, W]: planes 0 and 1 upside down, plane 2 turned by half a turn."""
    first, second, third = channels.unflatten(1, (3, -1)).unbind(1)
    return torch.stack([first.flip(2), second.flip(2), third.flip(2, 3)], 1)


def with_positions(picture: Tensor) -> Tensor:
    """[B, 3, H, W] -> [B, 5, H, W]: row / H and column / W are added."""
    b, _, h, w = picture.shape
    rows, columns = (torch.arange(n, device=picture.device) / n for n in (h, w))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.cat([picture, torch.stack([y, x]).to(picture.dtype).expand(b, -1, -1, -1)], 1)


class HighResolutionEncoder(nn.Module):
    """The shallow branch, which keeps detail."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, 64, 7, 2, 3)
        layers: list[nn.Module] = []
        for channels in (64, CHANNELS, CHANNELS, CHANNELS):
            layers += [conv3(channels, CHANNELS), nn.LeakyReLU(SLOPE)]
        self.conv_layers = nn.Sequential(*layers)
        self.final = conv3(CHANNELS, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, 96, H / 2, W / 2]."""
        return self.final(self.conv_layers(self.first(x)))


class LowResolutionVit(nn.Module):
    """Five attention blocks over the coarse branch's features, raised to the planes' resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(256, WIDTH)
        for name in self.blocks:
            self.add_module(name, Block(WIDTH, HEADS, widening=2))
        self.shuffle = nn.PixelShuffle(2)
        self.conv_after_upsample1 = conv3(WIDTH // 4, 128)
        self.conv_after_upsample2 = conv3(128, 128)
        self.final_conv = conv3(128, CHANNELS)

    blocks = ("block1", "block2", "block3", "block4", "block5")

    def forward(self, x: Tensor) -> Tensor:
        """[B, 256, H, W] -> [B, 96, 4 H, 4 W]."""
        grid = Grid(x.shape[2] // 2, x.shape[3] // 2)
        tokens = self.patch_embed(x)
        for name in self.blocks:
            tokens = self.get_submodule(name)(tokens, grid)
        x = self.shuffle(as_picture(tokens, grid))
        x = F.relu(self.conv_after_upsample1(doubled(x)))
        return self.final_conv(F.relu(self.conv_after_upsample2(doubled(x))))


class TriplanePredictor(nn.Module):
    """Joins both branches by a last attention block, whose keys and values are merged two by two."""

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = conv3(2 * CHANNELS, 256)
        self.second_conv = conv3(256, 128)
        self.patch_embed = PatchEmbed(128, WIDTH)
        self.block1 = Block(WIDTH, HEADS, widening=2, reduction=2)
        self.shuffle = nn.PixelShuffle(2)
        self.first_conv_after_cat = conv3(WIDTH // 4 + CHANNELS, 256)
        self.second_conv_after_cat = conv3(256, 128)
        self.third_conv_after_cat = conv3(128, 128)
        self.final_conv = conv3(128, CHANNELS)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """low, high [B, 96, H, W] of the coarse and the fine branch -> [B, 96, H, W]."""
        x = F.leaky_relu(self.first_conv(torch.cat([low, high], 1)), SLOPE)
        x = F.leaky_relu(self.second_conv(x), SLOPE)
        grid = Grid(x.shape[2] // 2, x.shape[3] // 2)
        x = self.shuffle(as_picture(self.block1(self.patch_embed(x), grid), grid))
        x = torch.cat([x, low], 1)
        for layer in (self.first_conv_after_cat, self.second_conv_after_cat, self.third_conv_after_cat):
            x = F.leaky_relu(layer(x), SLOPE)
        return self.final_conv(x)


class CanonicalPlanes(nn.Module):
    """The whole network. It has no state but its weights, so several threads may run it at once."""

    def __init__(self) -> None:
        super().__init__()
        self.low_reso_encoder = LowResolutionEncoder(5)
        self.low_reso_vit = LowResolutionVit()
        self.high_reso_encoder = HighResolutionEncoder(5)
        self.triplane_predictor_vit = TriplanePredictor()

    def forward(self, head: Tensor) -> Tensor:
        """head [B, 3, 512, 512] -1..1 of any floating type, -1 outside the head
        -> planes [B, 3, 32, 256, 256] (xy, xz, zx) of the weights' type.
        """
        x = with_positions(head).to(self.high_reso_encoder.first.weight.dtype)
        low = self.low_reso_vit(self.low_reso_encoder(x))
        return as_planes(self.triplane_predictor_vit(low, self.high_reso_encoder(x)))
