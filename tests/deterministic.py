"""Weights that any machine can make again: normal numbers seeded by the name of the entry.

The reference numbers in tests/golden were made with these weights, so that no weights need be stored.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import Tensor

from real3d_core.render_triplane.decoder import from_equalised
from real3d_core.wires import DecoderWeights


def normal(tag: str, shape: tuple[int, ...]) -> Tensor:
    """Standard normal float32 numbers, seeded by the CRC of `tag`."""
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(tag.encode())))
    return torch.from_numpy(np.asarray(generator.standard_normal(shape, dtype=np.float32)))


def decoder_weights() -> DecoderWeights:
    """The decoder of the reference numbers: decisive density, and space that is empty without features."""
    w1, b1 = normal("decoder.net.0.weight", (64, 32)), 0.1 * normal("decoder.net.0.bias", (64,))
    w2, b2 = normal("decoder.net.2.weight", (33, 64)), 0.1 * normal("decoder.net.2.bias", (33,))
    w2[0] *= 8
    b2[0] -= 11.5
    return from_equalised(w1, b1, w2, b2)
