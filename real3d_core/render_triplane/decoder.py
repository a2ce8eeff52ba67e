"""The decoder: two linear layers that read density and 32 colour features out of a tri-plane feature.

See docs/model.md, "Decoder".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..wires import DecoderWeights

SCALE, OFFSET = 1.002, 0.001
"""Colours are sigmoid * SCALE - OFFSET, so that 0 and 1 can be reached exactly."""


@dataclass(frozen=True)
class Decoded:
    """density [...] raw (the marcher applies softplus(density - 1)); colour [..., 32] about 0..1."""

    density: Tensor
    colour: Tensor


def decode(feature: Tensor, weights: DecoderWeights) -> Decoded:
    """feature [..., 32] -> density and colours."""
    hidden = functional.softplus(feature @ weights.w1.T + weights.b1)
    out = hidden @ weights.w2.T + weights.b2
    return Decoded(density=out[..., 0], colour=torch.sigmoid(out[..., 1:]) * SCALE - OFFSET)


def empty_space(weights: DecoderWeights) -> Decoded:
    """What the decoder gives outside the box, where every feature is 0: density [], colour [32]."""
    return decode(torch.zeros_like(weights.w1[0]), weights)


def from_equalised(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> DecoderWeights:
    """Weights as stored in a checkpoint (w1 [64, 32], b1 [64], w2 [33, 64], b2 [33]) -> effective weights.

    Layers with an equalised learning rate store weights of unit variance and divide by sqrt(inputs) when they
    run; biases are stored as they are.
    """
    return DecoderWeights(w1=w1 / math.sqrt(w1.shape[1]), b1=b1, w2=w2 / math.sqrt(w2.shape[1]), b2=b2)
