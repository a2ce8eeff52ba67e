"""Building blocks of the torso networks, named as the checkpoint names them, and what is left of them once
their constants are baked in.

Convention
    Pictures are [n, C, H, W], volumes [n, C, depth, H, W]; `rank` 2 or 3 tells which. Volumes are raised and
    lowered in height and width only. See docs/model.md, "HTB-SR network".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CONV = {2: nn.Conv2d, 3: nn.Conv3d}
_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_POOL = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
_DOUBLE = {2: (2, 2), 3: (1, 2, 2)}

Norm = nn.BatchNorm2d | nn.BatchNorm3d


def unit(vector: Tensor) -> Tensor:
    """A vector scaled to length 1."""
    return vector / vector.norm()


class SpectralConv(nn.Module):
    """A 2-D convolution whose weight is divided by its largest singular value, as found in training.

    The value is u W v with the stored u and v; nothing is iterated.
    """

    def __init__(self, inputs: int, outputs: int, size: int = 3) -> None:
        super().__init__()
        scale = math.sqrt(2 / (inputs * size * size))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight_orig = nn.Parameter(torch.randn(outputs, inputs, size, size) * scale)
        matrix = self.weight_orig.detach().flatten(1)
        u = unit(torch.randn(outputs))
        for _ in range(3):
            v = unit(matrix.T @ u)
            u = unit(matrix @ v)
        self.register_buffer("weight_u", u)
        self.register_buffer("weight_v", v)

    @property
    def weight(self) -> Tensor:
        """[outputs, inputs, size, size] the weight that takes effect."""
        return self.weight_orig / (self.weight_u @ self.weight_orig.flatten(1) @ self.weight_v)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, padding=self.weight_orig.shape[-1] // 2)


def conv(rank: int, inputs: int, outputs: int, size: int = 3, spectral: bool = False) -> nn.Module:
    """A convolution that keeps the size of what it sees, zeros beyond the border."""
    if spectral:
        return SpectralConv(inputs, outputs, size)
    return _CONV[rank](inputs, outputs, size, padding=size // 2)


class ConvNorm(nn.Module):
    """Convolution, norm, activation."""

    def __init__(
        self, rank: int, inputs: int, outputs: int, size: int = 3, spectral: bool = False, slope: float = 0.0
    ) -> None:
        super().__init__()
        self.slope = slope
        self.layers = nn.Sequential(conv(rank, inputs, outputs, size, spectral), _NORM[rank](outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.layers(x), self.slope)


class Down(nn.Module):
    """ConvNorm, then the mean of 2 x 2."""

    def __init__(self, rank: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(ConvNorm(rank, inputs, outputs), _POOL[rank](_DOUBLE[rank]))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Up(nn.Module):
    """Each value twice in height and width, then ConvNorm."""

    def __init__(self, rank: int, inputs: int, outputs: int, spectral: bool = False) -> None:
        super().__init__()
        raised = nn.Upsample(scale_factor=tuple(float(factor) for factor in _DOUBLE[rank]), mode="nearest")
        self.layers = nn.Sequential(raised, ConvNorm(rank, inputs, outputs, spectral=spectral))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class _NormConv(nn.Module):
    def __init__(self, rank: int, channels: int, spectral: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _NORM[rank](channels), nn.ReLU(), conv(rank, channels, channels, spectral=spectral)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Residual(nn.Module):
    """x + twice (norm, ReLU, convolution)."""

    def __init__(self, rank: int, channels: int, spectral: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(_NormConv(rank, channels, spectral) for _ in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


# What is left of the blocks once their constants are baked in.


def constant(value: Tensor) -> nn.Parameter:
    """A weight that nobody trains; it shares the memory of `value`."""
    return nn.Parameter(value.detach(), requires_grad=False)


def as_stored(weight: Tensor) -> Tensor:
    """Weights over pictures with the channels of a tap together, which CPUs and GPUs like better; what a
    convolution gives follows its weight.
    """
    return weight.contiguous(memory_format=torch.channels_last) if weight.ndim == 4 else weight


class Baked(nn.Module):
    """A convolution (rank and size by its weight) with constants baked in, and its activation.

    slope   of the leaky ReLU that follows; 1 = none.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, slope: float = 1.0) -> None:
        super().__init__()
        self.weight = constant(as_stored(weight))
        self.bias = None if bias is None else constant(bias)
        self.slope = slope
        self.pads = tuple(size // 2 for size in weight.shape[2:])

    def _activated(self, x: Tensor) -> Tensor:
        return x if self.slope == 1 else activated(x, self.slope)

    def forward(self, x: Tensor) -> Tensor:
        convolve = F.conv2d if self.weight.ndim == 4 else F.conv3d
        return self._activated(convolve(x, self.weight, self.bias, padding=self.pads))


MOST_DOUBLED = 256  # input channels of a BakedDoubling


class BakedDoubling(Baked):
    """Each value twice, then a 3 x 3 (x 3) convolution, as one transposed convolution of 4 x 4 taps.

    Of the 9 taps that a pixel of the raised picture reads, those on equal values are summed beforehand: 4
    multiplications remain where there were 9.
    """

    def __init__(self, weight: Tensor, bias: Tensor, slope: float) -> None:
        super().__init__(doubling(weight), bias, slope)

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.ndim == 4:
            raised = F.conv_transpose2d(x, self.weight, self.bias, stride=2, padding=1)
        else:
            raised = F.conv_transpose3d(x, self.weight, self.bias, stride=(1, 2, 2), padding=1)
        return self._activated(raised)


class BakedResidual(nn.Module):
    """A Residual with its first norm as scale and shift, and the second in the first convolution."""

    def __init__(self, block: Residual) -> None:
        super().__init__()
        first, second = block.layers[0].layers, block.layers[1].layers
        constants = norm_constants(first[0])
        shape = (1, -1) + (1,) * (first[2].weight.ndim - 2)
        self.scale = constant(constants.scale.view(shape))
        self.shift = constant(constants.shift.view(shape))
        kernel = normed(first[2], second[0])
        self.first = Baked(kernel.weight, kernel.bias, slope=0.0)
        self.second = Baked(second[2].weight, second[2].bias)

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.addcmul(self.shift, x, self.scale).relu_()
        return self.second(self.first(inner)).add_(x)


def activated(x: Tensor, slope: float) -> Tensor:
    """Leaky ReLU in place."""
    return x.relu_() if slope == 0 else F.leaky_relu_(x, slope)


@dataclass(frozen=True)
class Kernel:
    """Weight [outputs, inputs, ...] and bias [outputs] of a convolution."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class ScaleShift:
    """What a trained norm does: x * scale + shift, one [C] of each."""

    scale: Tensor
    shift: Tensor


def norm_constants(norm: Norm) -> ScaleShift:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return ScaleShift(scale, norm.bias - norm.running_mean * scale)


def normed(layer: nn.Module, norm: Norm) -> Kernel:
    """A convolution and the norm after it as one."""
    constants, weight = norm_constants(norm), layer.weight
    scale = constants.scale.view(-1, *(1,) * (weight.ndim - 1))
    return Kernel(weight * scale, layer.bias * constants.scale + constants.shift)


def baked(block: ConvNorm) -> Baked:
    kernel = normed(block.layers[0], block.layers[1])
    return Baked(kernel.weight, kernel.bias, block.slope)


def baked_up(block: Up) -> nn.Module:
    inner = block.layers[1]
    kernel = normed(inner.layers[0], inner.layers[1])
    # Where the picture is a few texels and the weights are many, reading 16/9 as many of them costs more.
    if kernel.weight.shape[1] > MOST_DOUBLED:
        return nn.Sequential(block.layers[0], Baked(kernel.weight, kernel.bias, inner.slope))
    return BakedDoubling(kernel.weight, kernel.bias, inner.slope)


def doubling(weight: Tensor) -> Tensor:
    """Weight [outputs, inputs, (3,) 3, 3] of a convolution on doubled values -> [inputs, outputs, (3,) 4, 4]
    of the transposed convolution (stride 2, padding 1) on the values themselves.
    """
    flipped = weight.flip(tuple(range(2, weight.ndim))).transpose(0, 1)
    wide = F.pad(flipped, (1, 1))
    wide = wide[..., 1:] + wide[..., :-1]
    tall = F.pad(wide, (0, 0, 1, 1))
    return (tall[..., 1:, :] + tall[..., :-1, :]).contiguous()
