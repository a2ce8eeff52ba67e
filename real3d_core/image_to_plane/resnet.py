"""The deep, coarse branch of the Image-to-Plane network: a ResNet-34 that keeps 1/8 of the resolution, and
pyramid pooling (DeepLab v3).

Names of parameters are those of the released weights. See docs/model.md, "Image-to-Plane network".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

POOLING_RATES = (12, 24, 36)
"""Dilations of the pyramid's 3 x 3 convolutions."""


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, each with batch norm, added to what came in."""

    def __init__(self, inputs: int, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = nn.Sequential()
        if inputs != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, channels, H / stride, W / stride]."""
        change = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(change + self.downsample(x))


def _layer(inputs: int, channels: int, blocks: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    first = ResidualBlock(inputs, channels, stride, dilation)
    return nn.Sequential(first, *(ResidualBlock(channels, channels, 1, dilation) for _ in range(blocks - 1)))


class DilatedResNet34(nn.Module):
    """ResNet-34 without its head; the last two layers are dilated instead of strided."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _layer(64, 64, 3)
        self.layer2 = _layer(64, 128, 4, stride=2)
        self.layer3 = _layer(128, 256, 6, dilation=2)
        self.layer4 = _layer(256, 512, 3, dilation=4)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, 512, H / 8, W / 8]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class PyramidPooling(nn.Module):
    """Five views of a feature map, from one pixel to all of it, joined."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        branches = [nn.Sequential(nn.Conv2d(inputs, channels, 1, bias=False), nn.ReLU())]
        for rate in POOLING_RATES:
            wide = nn.Conv2d(inputs, channels, 3, padding=rate, dilation=rate, bias=False)
            branches.append(nn.Sequential(wide, nn.ReLU()))
        mean = nn.AdaptiveAvgPool2d(1)
        branches.append(nn.Sequential(mean, nn.Conv2d(inputs, channels, 1, bias=False), nn.ReLU()))
        self.convs = nn.ModuleList(branches)
        self.project = nn.Sequential(nn.Conv2d(len(branches) * channels, channels, 1, bias=False), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, channels, H, W]."""
        views = [branch(x).expand(-1, -1, *x.shape[2:]) for branch in self.convs]
        return self.project(torch.cat(views, 1))


class LowResolutionEncoder(nn.Module):
    """Picture channels -> 256 features at 1/8 of the resolution."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.encoder = DilatedResNet34(inputs)
        self.decoder = nn.Sequential(PyramidPooling(512, 256), nn.Conv2d(256, 256, 3, padding=1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, 256, H / 8, W / 8]."""
        return self.decoder(self.encoder(x))
