"""Ray marching: densities along a ray -> the weight with which each interval is seen (mid-point rule).

See docs/model.md, "Ray marching".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class March:
    """Intervals between N samples of R rays, ascending in depth; there may be frames before the rays.

    depths      [R, N] of the samples.
    weights     [R, N - 1] share of each interval in the picture; their sum is the ray's alpha.
    """

    depths: Tensor
    weights: Tensor

    @property
    def middles(self) -> Tensor:
        """[R, N - 1] depth of the middle of each interval."""
        return (self.depths[..., 1:] + self.depths[..., :-1]) / 2

    @property
    def alpha(self) -> Tensor:
        """[R] sum of the weights, 0..1 up to rounding."""
        return self.weights.sum(-1)

    @property
    def depth(self) -> Tensor:
        """[R] mean depth; +inf where a ray has no weight at all."""
        depth = (self.weights * self.middles).sum(-1) / self.alpha
        return depth.nan_to_num(nan=float("inf"))

    def sample_weights(self) -> Tensor:
        """[R, N] weights of the samples themselves: a sample gives half its colour to each interval beside
        it."""
        return (functional.pad(self.weights, (1, 0)) + functional.pad(self.weights, (0, 1))) / 2


def march(depths: Tensor, densities: Tensor) -> March:
    """depths [R, N] ascending, raw densities [R, N] -> weights.

    An interval absorbs 1 - exp(-softplus(mean density - 1) * length). The 1e-10 keeps transparency from
    reaching 0.
    """
    length = depths[..., 1:] - depths[..., :-1]
    density = functional.softplus((densities[..., 1:] + densities[..., :-1]) / 2 - 1)
    opacity = 1 - torch.exp(-density * length)
    passed = torch.cumprod(1 - opacity[..., :-1] + 1e-10, -1)
    return March(depths, opacity * functional.pad(passed, (1, 0), value=1.0))
