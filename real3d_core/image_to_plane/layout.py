"""What the channels of the analytic tri-plane mean, and the decoder that reads them.

Convention
    Plane 0 is indexed by (x -> column, y -> row), plane 1 by (x -> column, z -> row), both with texel
    centres at (i + 0.5) / 256 - 0.5, row 0 at y (or z) = -0.5. The decoder averages three planes, so
    everything is stored times 3. An address is a position in the portrait's picture, 0..1, u to the right,
    v down.

The decoder has the released architecture (32 -> 64 softplus -> 33) with weights set by hand: a value goes
through unchanged as softplus(x) - softplus(-x) = x, and the density is a solid between two height fields
inside an outline. See docs/model.md, "Analytic tri-plane".
"""

from __future__ import annotations

from enum import IntEnum

import torch
from torch import Tensor

from ..wires import PLANE_CHANNELS, PLANE_SIZE, DecoderWeights

STORED = 3.0  # the decoder averages three planes

# Logits are clipped so that they stay finite: colours, then addresses.
COLOUR_EPS = 4e-3
ADDRESS_EPS = 2e-3

SLIT_SCALE = 0.02  # world units; slit distances are stored as distance / SLIT_SCALE
SLIT_LIMIT = 0.1  # world units; a slit distance is clipped to this

# Density: D0 inside, falling off within D0 / SLOPE = 0.0033 world units (1.7 pixels) outside.
# BETA is the sharpness of the softplus that makes the corner: 1 / BETA = 0.0025 units.
D0, SLOPE, BETA = 200.0, 6.0e4, 400.0


class Channel(IntEnum):
    """Channels of the analytic tri-plane. All are on plane 0 but Z, which is on plane 1."""

    RED = 0
    GREEN = 1
    BLUE = 2
    U_UPPER = 3  # address in the photo; at a slit, of the skin above it
    V_UPPER = 4
    U_INNER = 5  # address in the layer beneath (eyes, mouth)
    V_INNER = 6
    BELOW_UPPER = 7  # distance below the upper edge of a slit
    ABOVE_LOWER = 8  # distance above the lower edge of a slit; inside both are positive
    FRONT = 9  # z of the front surface
    BACK = 10  # z of the back surface
    OUTLINE = 11  # signed distance to the outline, positive inside
    Z = 12
    U_LOWER = 13  # address in the photo; at a slit, of the skin below it
    V_LOWER = 14


PASSED = (
    Channel.RED,
    Channel.GREEN,
    Channel.BLUE,
    Channel.U_UPPER,
    Channel.V_UPPER,
    Channel.U_INNER,
    Channel.V_INNER,
    Channel.BELOW_UPPER,
    Channel.ABOVE_LOWER,
    Channel.U_LOWER,
    Channel.V_LOWER,
)
"""Rendered feature i is sigmoid(PASSED[i])."""

FEATURE: dict[Channel, int] = {channel: index for index, channel in enumerate(PASSED)}


def features_of(first: Channel, last: Channel) -> slice:
    """The rendered features from one channel to another (they lie side by side in PASSED)."""
    return slice(FEATURE[first], FEATURE[last] + 1)


COLOUR = features_of(Channel.RED, Channel.BLUE)
ADDRESS_UPPER = features_of(Channel.U_UPPER, Channel.V_UPPER)
ADDRESS_INNER = features_of(Channel.U_INNER, Channel.V_INNER)
ADDRESS_LOWER = features_of(Channel.U_LOWER, Channel.V_LOWER)
DISTANCES = features_of(Channel.BELOW_UPPER, Channel.ABOVE_LOWER)
PATCH_CHANNELS = tuple(int(c) for c in Channel)
"""Channels that an expression may change (Z is kept for a contiguous range; its change is 0)."""


def analytic_decoder() -> DecoderWeights:
    """The hand-set weights: 25 of 64 hidden units and 12 of 33 outputs are used, the rest is 0."""
    w1, b1 = torch.zeros(64, PLANE_CHANNELS), torch.zeros(64)
    w2, b2 = torch.zeros(33, 64), torch.zeros(33)
    unit = 0
    for feature, channel in enumerate(PASSED):
        w1[unit, channel], w1[unit + 1, channel] = 1, -1
        w2[1 + feature, unit], w2[1 + feature, unit + 1] = 1, -1
        unit += 2
    for positive, negative in (
        (Channel.Z, Channel.FRONT),
        (Channel.BACK, Channel.Z),
        (None, Channel.OUTLINE),
    ):
        if positive is not None:
            w1[unit, positive] = BETA
        w1[unit, negative] = -BETA
        w2[0, unit] = -SLOPE / BETA
        unit += 1
    b2[0] = D0 + 1
    return DecoderWeights(w1, b1, w2, b2)


def texel_centres(device: torch.device | str = "cpu") -> Tensor:
    """[256] world coordinates of the texel centres."""
    return (torch.arange(PLANE_SIZE, device=device, dtype=torch.float32) + 0.5) / PLANE_SIZE - 0.5


def feature_to_unit(value: Tensor) -> Tensor:
    """Undoes the decoder's sigmoid stretch: un-premultiplied feature -> 0..1 (clipped off the ends)."""
    return ((value + 0.001) / 1.002).clamp(1e-4, 1 - 1e-4)


def feature_to_distance(value: Tensor) -> Tensor:
    """Un-premultiplied slit feature -> signed distance in world units."""
    return torch.logit(feature_to_unit(value)) * SLIT_SCALE
