"""The decoder: two linear layers that read density and 32 colour features out of a tri-plane feature.

See docs/model.md, "Decoder".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..wires import DecoderWeights

SCALE, OFFSET = 1.002, 0.001
"""Colours are sigmoid * SCALE - OFFSET, so that 0 and 1 can be reached exactly."""


@dataclass(frozen=True)
class Decoded:
    """density [n, P] raw (the marcher applies softplus(density - 1)); colour [n, 32, P] about 0..1."""

    density: Tensor
    colour: Tensor


def decode(feature: Tensor, weights: DecoderWeights) -> Decoded:
    """feature [n, 32, P] -> density and colours of P points in each of n volumes.

    Points are the last dimension all through: sampling gives them so, and transposing a million features
    takes as long as the first layer.
    """
    hidden = functional.softplus(torch.matmul(weights.w1, feature).add_(weights.b1[:, None]))
    out = torch.matmul(weights.w2, hidden).add_(weights.b2[:, None])
    colour = torch.sigmoid(out[:, 1:]).mul_(SCALE).sub_(OFFSET)
    return Decoded(density=out[:, 0], colour=colour)


def empty_space(weights: DecoderWeights) -> Decoded:
    """What the decoder gives where every feature is 0: one point, density [1, 1], colour [1, 32, 1]."""
    return decode(torch.zeros_like(weights.w1[:1, :, None]), weights)


class EqualisedLinear(nn.Module):
    """A linear layer with an equalised learning rate: stored weights have unit variance, and are divided by
    sqrt(inputs) when they run; biases are stored as they are."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, value: Tensor) -> Tensor:
        return functional.linear(value, self.weight / math.sqrt(self.weight.shape[1]), self.bias)


class TriPlaneDecoder(nn.Module):
    """The decoder as a checkpoint stores it: entries `net.0.weight` [64, 32], `net.0.bias` [64],
    `net.2.weight` [33, 64], `net.2.bias` [33]. The renderer takes `effective()` of it."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(EqualisedLinear(32, 64), nn.Softplus(), EqualisedLinear(64, 33))

    def effective(self) -> DecoderWeights:
        """The weights with their gains folded in, detached from the module."""
        first, _, last = self.net
        stored = (first.weight, first.bias, last.weight, last.bias)
        return from_equalised(*(value.detach() for value in stored))

    def forward(self, features: Tensor) -> Decoded:
        """features [n, 3, P, 32] of the three planes -> what their mean decodes to."""
        out = self.net(features.mean(1)).movedim(-1, 1)
        return Decoded(density=out[:, 0], colour=torch.sigmoid(out[:, 1:]) * SCALE - OFFSET)


def from_equalised(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> DecoderWeights:
    """Weights as stored in a checkpoint (w1 [64, 32], b1 [64], w2 [33, 64], b2 [33]) -> effective weights.

    Layers with an equalised learning rate store weights of unit variance and divide by sqrt(inputs) when they
    run; biases are stored as they are.
    """
    return DecoderWeights(w1=w1 / math.sqrt(w1.shape[1]), b1=b1, w2=w2 / math.sqrt(w2.shape[1]), b2=b2)
