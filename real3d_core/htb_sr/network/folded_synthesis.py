"""Synthesis blocks with styles, scales and gains baked in. See docs/model.md, "Savings in HTB-SR"."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import Baked, as_stored, constant
from .synthesis import GAIN, SLOPE, ModulatedConv, SynthesisBlock, Synthesised, doubled


class DoublingConv(nn.Module):
    """A transposed 3 x 3 convolution, then the filter on each channel by itself, bias and leaky ReLU."""

    def __init__(self, raw: ModulatedConv) -> None:
        super().__init__()
        weight = raw.modulated()
        self.weight = constant(as_stored(weight.transpose(0, 1)))
        self.taps = constant((raw.resample_filter * (4 * GAIN)).expand(weight.shape[0], 1, 4, 4).contiguous())
        self.bias = constant(raw.bias * GAIN)

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv_transpose2d(x, self.weight, stride=2)
        x = F.conv2d(x, self.taps, self.bias, padding=1, groups=self.taps.shape[0])
        return F.leaky_relu_(x, SLOPE)


def folded_conv(raw: ModulatedConv) -> nn.Module:
    """The gain after the leaky ReLU goes before it, into weight and bias."""
    return DoublingConv(raw) if raw.doubles else Baked(raw.modulated() * GAIN, raw.bias * GAIN, SLOPE)


class FoldedSynthesis(nn.Module):
    """SynthesisBlock; colours stay float32 whatever the type of the weights."""

    def __init__(self, raw: SynthesisBlock) -> None:
        super().__init__()
        self.doubles = raw.doubles
        self.conv0 = folded_conv(raw.conv0)
        self.conv1 = folded_conv(raw.conv1)
        self.torgb = Baked(raw.torgb.modulated(), raw.torgb.bias)
        self.register_buffer("taps", raw.resample_filter)

    def forward(self, x: Tensor, rgb: Tensor) -> Synthesised:
        """x [n, inputs, h, w], rgb [n, 3, h, w] float32."""
        x = self.conv1(self.conv0(x))
        base = doubled(rgb, self.taps) if self.doubles else rgb
        return Synthesised(features=x, rgb=base + self.torgb(x).float())
