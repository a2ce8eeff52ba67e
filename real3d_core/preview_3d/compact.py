"""A tri-plane and its decoder without anything that is not used, laid out for a graphics card.

Exact up to rounding: hidden units that feed no wanted output are dropped, then channels that feed no unit or
are zero all over; two units with opposite inputs and outputs are a linear map (softplus(x) - softplus(-x) is
x). Four channels make a texel; a layer is one group of four channels of one plane, and layers of zeros are
left out. Density and colour read groups of their own where they can, so that a viewer need not fetch colours
where there is nothing to see. See docs/model.md, "3D Preview".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..render_triplane.field import opposite_pairs
from ..wires import PLANE_CHANNELS, DecoderWeights

FREE = -1
"""Number of a channel's place in a group that no channel takes."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class CompactField:
    """out = linear @ f + w2 @ softplus(w1 @ f + b1) + b2, of which out[0] is the density.

    f is the sum over the planes, four numbers for each of the G groups; the third that makes a mean of the
    sum is in the matrices. O and H are multiples of 4.

    groups          channel numbers of each group, FREE where there is none
    layers          (plane, group) of each layer
    w1 [H, 4 G], b1 [H], w2 [O, H], b2 [O], linear [O, 4 G]
    density_groups  groups that the density reads
    colour_groups   groups that the other outputs read
    density_units   (first, last) hidden units that the density needs, in fours
    colour_units    the same for the other outputs
    """

    groups: tuple[tuple[int, ...], ...]
    layers: tuple[tuple[int, int], ...]
    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    linear: Floats
    density_groups: tuple[int, ...]
    colour_groups: tuple[int, ...]
    density_units: tuple[int, int]
    colour_units: tuple[int, int]

    def texels(self, planes: Tensor) -> Floats:
        """[L, h, w, 4] the layers of planes [3, 32, h, w]."""
        out = np.zeros((len(self.layers), *planes.shape[-2:], 4), np.float32)
        for layer, (plane, group) in enumerate(self.layers):
            for place, channel in enumerate(self.groups[group]):
                if channel != FREE:
                    out[layer, ..., place] = planes[plane, channel].cpu().numpy()
        return out


def compacted(
    planes: Tensor, decoder: DecoderWeights, outputs: int, changing: frozenset[tuple[int, int]] = frozenset()
) -> CompactField:
    """The field of planes [3, 32, H, W] that gives the density and the first `outputs` colour features.

    changing    (plane, channel) pairs that expressions will fill though they are zero here.
    """
    decoder = decoder.to("cpu")
    present = (planes.flatten(2).abs().amax(2) > 0).cpu()
    for plane, channel in changing:
        present[plane, channel] = True
    w1 = decoder.w1 * present.any(0)
    w2, b2 = decoder.w2[: 1 + outputs], decoder.b2[: 1 + outputs].clone()
    reading, used = w1.ne(0).any(1), w2.ne(0).any(0)
    resting = torch.nn.functional.softplus(decoder.b1) * (used & ~reading)
    b2 += w2 @ resting  # units that read nothing are constants
    alive = reading & used
    dense = alive & w2[0].ne(0)
    pairs = opposite_pairs(DecoderWeights(w1, decoder.b1, w2, b2), alive & ~dense)
    first = pairs[:, 0]
    linear = w2[:, first] @ w1[first]
    b2 += w2[:, first] @ decoder.b1[first]
    alive[pairs.flatten()] = False
    colour = alive & w2[1:].ne(0).any(0)
    order = torch.cat([mask.nonzero()[:, 0] for mask in (dense & ~colour, dense & colour, colour & ~dense)])
    only_dense, both = int((dense & ~colour).sum()), int(dense.sum())
    density_reads = present & w1[dense].ne(0).any(0)
    colour_reads = present & (w1[colour].ne(0).any(0) | linear.ne(0).any(0))
    groups = _groups(density_reads, colour_reads)
    reads = density_reads | colour_reads
    layers = [
        (plane, number)
        for plane in range(3)
        for number, group in enumerate(groups)
        if any(channel != FREE and bool(reads[plane, channel]) for channel in group)
    ]
    rows, hidden = _padded(1 + outputs), _padded(len(order))
    return CompactField(
        groups=groups,
        layers=tuple(layers),
        w1=_spread(w1[order] / 3, groups, hidden),
        b1=_filled(decoder.b1[order], hidden),
        w2=_filled(w2[:, order], rows, hidden),
        b2=_filled(b2, rows),
        linear=_spread(linear / 3, groups, rows),
        density_groups=_of(groups, density_reads),
        colour_groups=_of(groups, colour_reads),
        density_units=(0, -(-both // 4)),
        colour_units=(only_dense // 4, hidden // 4) if bool(colour.any()) else (0, 0),
    )


def _padded(count: int) -> int:
    return -(-count // 4) * 4


def _groups(density: Tensor, colour: Tensor) -> tuple[tuple[int, ...], ...]:
    """Channels that are read alike lie together: by density or colour [3, 32], and by plane."""
    alike: dict[tuple[bool, ...], list[int]] = {}
    for channel in range(PLANE_CHANNELS):
        kind = (*density[:, channel].tolist(), *colour[:, channel].tolist())
        if any(kind):
            alike.setdefault(kind, []).append(channel)
    return tuple(
        tuple((channels[i : i + 4] + [FREE] * 3)[:4])
        for kind, channels in sorted(alike.items(), reverse=True)
        for i in range(0, len(channels), 4)
    )


def _of(groups: tuple[tuple[int, ...], ...], reads: Tensor) -> tuple[int, ...]:
    read = set(reads.any(0).nonzero()[:, 0].tolist())
    return tuple(number for number, group in enumerate(groups) if read & set(group))


def _spread(matrix: Tensor, groups: tuple[tuple[int, ...], ...], rows: int) -> Floats:
    """A matrix [n, 32] with its columns in the order of the groups, [rows, 4 G]."""
    out = np.zeros((rows, 4 * len(groups)), np.float32)
    for number, group in enumerate(groups):
        for place, channel in enumerate(group):
            if channel != FREE:
                out[: len(matrix), 4 * number + place] = matrix[:, channel].numpy()
    return out


def _filled(values: Tensor, *shape: int) -> Floats:
    out = np.zeros(shape, np.float32)
    out[tuple(slice(0, n) for n in values.shape)] = values.numpy()
    return out
