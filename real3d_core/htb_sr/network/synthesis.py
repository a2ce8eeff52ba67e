"""StyleGAN2-like blocks with constant styles: they sharpen features and add a picture to a picture.

Every latent is a vector of ones, so each style is a constant of the checkpoint. See docs/model.md, "Synthesis
blocks".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LATENT = 512
SLOPE, GAIN = 0.2, math.sqrt(2)  # of the activation
TINY = 1e-8
FIR = (1.0, 3.0, 3.0, 1.0)  # the filter of every doubling, rows by columns


@dataclass(frozen=True)
class Synthesised:
    """features [n, C, H, W]; rgb [n, 3, H, W] nominally -1..1."""

    features: Tensor
    rgb: Tensor


def fir_filter() -> Tensor:
    """[4, 4], sum 1."""
    taps = torch.tensor(FIR)
    return torch.outer(taps, taps) / taps.sum() ** 2


def doubled(rgb: Tensor, taps: Tensor) -> Tensor:
    """[n, 3, H, W] -> [n, 3, 2 H, 2 W] through the filter [4, 4], zeros beyond the border."""
    channels = rgb.shape[1]
    kernel = (taps * 4).to(rgb.dtype).expand(channels, 1, 4, 4)
    return F.conv_transpose2d(rgb, kernel, stride=2, padding=1, groups=channels)


class Style(nn.Module):
    """A linear layer with an equalised learning rate, fed with ones."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, LATENT))
        self.bias = nn.Parameter(torch.ones(outputs))

    def forward(self) -> Tensor:
        """[outputs]"""
        return self.weight.sum(1) / math.sqrt(LATENT) + self.bias


class ModulatedConv(nn.Module):
    """A 3 x 3 convolution, inputs scaled by the style, outputs scaled to unit weight; bias, leaky ReLU.

    With `doubles` it is transposed: height and width become twice as large. noise_const and noise_strength
    are in the checkpoint and play no part.
    """

    def __init__(self, inputs: int, outputs: int, size: int, doubles: bool) -> None:
        super().__init__()
        self.doubles = doubles
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("resample_filter", fir_filter())
        self.register_buffer("noise_const", torch.zeros(size, size))
        self.affine = Style(inputs)

    def modulated(self) -> Tensor:
        """[outputs, inputs, 3, 3] the weight that takes effect."""
        weight = self.weight * self.affine()[:, None, None]
        return weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + TINY)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.modulated()
        if self.doubles:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            channels = x.shape[1]
            x = F.conv2d(x, (self.resample_filter * 4).expand(channels, 1, 4, 4), padding=1, groups=channels)
        else:
            x = F.conv2d(x, weight, padding=1)
        return F.leaky_relu(x + self.bias[:, None, None], SLOPE) * GAIN


class ToRGB(nn.Module):
    """Features -> colour: a 1 x 1 convolution, inputs scaled by the style."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.affine = Style(inputs)

    def modulated(self) -> Tensor:
        """[3, inputs, 1, 1] the weight that takes effect."""
        return self.weight * (self.affine() / math.sqrt(self.weight.shape[1]))[:, None, None]

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.modulated(), self.bias)


class SynthesisBlock(nn.Module):
    """Two convolutions, the first of which may double the size, and a picture added to the given one.

    size    of what it gives.
    """

    def __init__(self, inputs: int, outputs: int, size: int, doubles: bool = True) -> None:
        super().__init__()
        self.doubles = doubles
        self.register_buffer("resample_filter", fir_filter())
        self.conv0 = ModulatedConv(inputs, outputs, size, doubles)
        self.conv1 = ModulatedConv(outputs, outputs, size, doubles=False)
        self.torgb = ToRGB(outputs)

    def forward(self, x: Tensor, rgb: Tensor) -> Synthesised:
        """x [n, inputs, h, w], rgb [n, 3, h, w]; the results are of `size`."""
        x = self.conv1(self.conv0(x))
        base = doubled(rgb, self.resample_filter) if self.doubles else rgb
        return Synthesised(features=x, rgb=base + self.torgb(x))
