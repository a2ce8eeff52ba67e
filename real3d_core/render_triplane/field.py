"""A tri-plane and its decoder, prepared for fast evaluation: density and colour apart, nothing unused is
touched.

What the preparation finds in the weights and planes is exact, up to rounding:
- Density needs only the hidden units that feed output 0, colour only those that feed outputs 1..32.
- Both need only the channels that these units read and that are not zero all over a plane.
- The first layer is linear, so it commutes with sampling: where it has fewer outputs than inputs it is
applied to the
  plane beforehand.
- Two units with opposite inputs and opposite outputs are a linear map, since softplus(x) - softplus(-x) = x.
- A colour output that no unit feeds is a constant.
See docs/model.md, "Fast sampler".
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from ..wires import DecoderWeights, ResidualPlanes, TriPlane
from .decoder import OFFSET, SCALE, empty_space
from .sampling import PLANE_AXES

CHANNELS_LAST_FROM = 4
"""From so many channels on, keeping those of a texel together makes sampling faster on a CPU (measured)."""

_GRID_ROWS = (slice(0, 2), slice(0, 3, 2), slice(2, 4))
"""Rows of the coordinates (x, y, z, x) that address each plane: (x, y), (x, z), (z, x)."""


@dataclass(frozen=True)
class PlaneTable:
    """What one plane adds to the inputs of the U units of a field: mix @ sample(values), without a mix
    sample(values).

    plane     0, 1 or 2.
    channels  C numbers of the plane's channels.
    values    [1, C or U, H, W], a third of the planes (their mean is a sum of thirds).
    mix       [U, C], or None where it has been applied to the values already.
    folded    [U, C], the mix that was applied; None where `mix` is kept.
    """

    plane: int
    channels: tuple[int, ...]
    values: Tensor
    mix: Tensor | None
    folded: Tensor | None

    @property
    def key(self) -> tuple[int, ...]:
        """Tables with the same key can be summed before their (then equal) mix is applied."""
        return () if self.mix is None else self.channels

    def changed(self, residual: ResidualPlanes, frame: int) -> PlaneTable:
        """The table after the change of one frame; the original where the change does not concern it."""
        if self.plane not in residual.planes:
            return self
        change = residual.values[frame, residual.planes.index(self.plane)]
        common = [
            (i, residual.channels.index(c)) for i, c in enumerate(self.channels) if c in residual.channels
        ]
        if not common:
            return self
        here, there = (list(numbers) for numbers in zip(*common, strict=True))
        change = change[there] / 3
        rows: slice | list[int] = here
        if self.folded is not None:
            change = torch.einsum("uc,chw->uhw", self.folded[:, here], change)
            rows = slice(None)
        r0, r1, c0, c1 = residual.box
        values = self.values.clone()
        values[0, rows, r0:r1, c0:c1] += change
        return replace(self, values=values)


@dataclass(frozen=True)
class LinearField:
    """U values that depend linearly on the tri-plane feature: bias [U] + what each plane adds."""

    tables: tuple[PlaneTable, ...]
    bias: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """points [4, R, N] = (x, y, z, x) in -1..1 over the box -> [U, R * N]."""
        sums: dict[tuple[int, ...], Tensor] = {}
        for table in self.tables:
            grid = points[_GRID_ROWS[table.plane]].permute(1, 2, 0)[None]
            part = functional.grid_sample(table.values, grid, padding_mode="zeros", align_corners=False)[0]
            sums[table.key] = sums[table.key].add_(part.flatten(1)) if table.key in sums else part.flatten(1)
        mixes = {table.key: table.mix for table in self.tables}
        total = self.bias[:, None].expand(-1, points[0].numel())
        for key, part in sums.items():
            mix = mixes[key]
            total = part.add_(total) if mix is None else torch.addmm(total, mix, part)
        return total

    @property
    def axes(self) -> list[int]:
        """World axes on which the values depend."""
        return sorted({axis for table in self.tables for axis in PLANE_AXES[table.plane]})

    def changed(self, residual: ResidualPlanes, frame: int) -> LinearField:
        return replace(self, tables=tuple(table.changed(residual, frame) for table in self.tables))


@dataclass(frozen=True)
class Field:
    """One frame's volume.

    density_units   inputs of the units that make the density; density_out [1, U] and density_bias [] follow
                    softplus.
    colour_linear   the linear part of the colour outputs that vary, O values; None if there is none.
    colour_units    inputs of the other colour units; colour_out [O, U] follows softplus.
    colour_bias     [O]
    outputs         [O] numbers 0..31 of the outputs that vary.
    constant        [32] colour of outputs that do not vary.
    empty_density   raw density outside the box.
    """

    density_units: LinearField
    density_out: Tensor
    density_bias: Tensor
    colour_linear: LinearField | None
    colour_units: LinearField | None
    colour_out: Tensor
    colour_bias: Tensor
    outputs: Tensor
    constant: Tensor
    empty_density: float

    def density(self, points: Tensor) -> Tensor:
        """points [4, R, N] -> raw density [R, N]."""
        hidden = functional.softplus(self.density_units(points))
        return torch.addmm(self.density_bias, self.density_out, hidden).reshape(points.shape[1:])

    @property
    def colour_axes(self) -> list[int]:
        """World axes on which colour depends."""
        fields = (self.colour_linear, self.colour_units)
        return sorted({axis for field in fields if field is not None for axis in field.axes})

    def colour(self, points: Tensor) -> Tensor:
        """points [4, R, N] -> the O colours that vary [O, R * N], before scale and offset (0..1)."""
        total = self.colour_bias[:, None].expand(-1, points[0].numel())
        if self.colour_linear is not None:
            total = total + self.colour_linear(points)
        if self.colour_units is not None:
            total = torch.addmm(total, self.colour_out, functional.softplus(self.colour_units(points)))
        return torch.sigmoid(total)

    def complete(self, colour: Tensor, alpha: Tensor) -> Tensor:
        """Weighted sums of `colour` [O, R] and of 1 [R] -> all composited features [R, 32]."""
        out = self.constant[:, None] * alpha
        out[self.outputs] = colour * SCALE - OFFSET * alpha
        return out.T

    def changed(self, residual: ResidualPlanes, frame: int) -> Field:
        """The volume after the change of one frame."""
        fields = ("density_units", "colour_linear", "colour_units")
        changes = {name: getattr(self, name) for name in fields}
        return replace(
            self, **{k: None if v is None else v.changed(residual, frame) for k, v in changes.items()}
        )


def prepare_field(planes: Tensor, weights: DecoderWeights, extra: frozenset[tuple[int, int]]) -> Field:
    """planes [3, 32, H, W]; `extra` names (plane, channel) pairs that residuals will fill though they are
    zero here."""
    present = planes.flatten(2).abs().amax(2) > 0
    for plane, channel in extra:
        present[plane, channel] = True
    alive = weights.w1.ne(0).any(1)
    resting = functional.softplus(weights.b1) * ~alive  # units that read nothing are constants
    bias = weights.b2 + weights.w2 @ resting
    dense = (alive & weights.w2[0].ne(0)).nonzero()[:, 0]
    feeding = alive & weights.w2[1:].ne(0).any(0)
    outputs = weights.w2[1:, feeding].ne(0).any(1).nonzero()[:, 0]
    pairs = opposite_pairs(weights, feeding)
    single = feeding.clone()
    single[pairs.flatten()] = False
    rest = single.nonzero()[:, 0]
    first = pairs[:, 0]
    out = weights.w2[1 + outputs]

    def linear(matrix: Tensor, offset: Tensor) -> LinearField | None:
        return _linear_field(planes, present, matrix, offset) if len(matrix) and matrix.ne(0).any() else None

    density = _linear_field(planes, present, weights.w1[dense], weights.b1[dense])
    return Field(
        density_units=density,
        density_out=weights.w2[:1, dense],
        density_bias=bias[0],
        colour_linear=linear(out[:, first] @ weights.w1[first], out[:, first] @ weights.b1[first]),
        colour_units=linear(weights.w1[rest], weights.b1[rest]),
        colour_out=out[:, rest],
        colour_bias=bias[1 + outputs],
        outputs=outputs,
        constant=torch.sigmoid(bias[1:]) * SCALE - OFFSET,
        empty_density=float(empty_space(weights).density),
    )


def opposite_pairs(weights: DecoderWeights, feeding: Tensor) -> Tensor:
    """[n, 2] units i, j with w1[i] = -w1[j], b1[i] = -b1[j] and opposite colour outputs; none twice."""
    units = feeding.nonzero()[:, 0].tolist()
    whole = torch.cat([weights.w1, weights.b1[:, None], weights.w2[1:].T], 1).cpu()
    found, partner = [], {}
    for unit in units:
        key = tuple((whole[unit] + 0.0).tolist())
        opposite = tuple((0.0 - whole[unit]).tolist())
        if partner.get(opposite):
            found.append((partner[opposite].pop(), unit))
        else:
            partner.setdefault(key, []).append(unit)
    return torch.tensor(found, dtype=torch.long, device=feeding.device).reshape(-1, 2)


def _linear_field(planes: Tensor, present: Tensor, matrix: Tensor, offset: Tensor) -> LinearField:
    """matrix [U, 32] and offset [U] applied to the tri-plane feature."""
    tables = []
    read = matrix.ne(0).any(0)
    for plane in range(3):
        channels = (read & present[plane]).nonzero()[:, 0]
        if not len(channels):
            continue
        values, mix = planes[plane, channels] / 3, matrix[:, channels]
        folded = None
        if len(mix) <= len(channels):
            values, mix, folded = torch.einsum("uc,chw->uhw", mix, values), None, mix
        layout = torch.channels_last if len(values) >= CHANNELS_LAST_FROM else torch.contiguous_format
        values = values[None].contiguous(memory_format=layout)
        tables.append(PlaneTable(plane, tuple(channels.tolist()), values, mix, folded))
    return LinearField(tuple(tables), offset)


class FieldSource:
    """The prepared volume of a tri-plane clip, made when first asked for and shared by all threads."""

    def __init__(self, triplane: TriPlane) -> None:
        self._triplane = triplane
        self._lock = threading.Lock()
        self._base: Field | None = None
        self._filled: frozenset[tuple[int, int]] = frozenset()

    def frame(self, residual: ResidualPlanes | None, frame: int) -> Field:
        """The volume of one frame: `residual` of the frames at hand, and the number of this one in them."""
        if residual is None:
            return self._prepared(frozenset())
        pairs = frozenset((plane, channel) for plane in residual.planes for channel in residual.channels)
        return self._prepared(pairs).changed(residual, frame)

    def _prepared(self, filled: frozenset[tuple[int, int]]) -> Field:
        with self._lock:
            if self._base is None or not filled <= self._filled:
                self._filled |= filled
                self._base = prepare_field(self._triplane.planes[0], self._triplane.decoder, self._filled)
            return self._base
