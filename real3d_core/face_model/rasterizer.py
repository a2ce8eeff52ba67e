"""Exact z-buffer for a triangle mesh, in plain torch: runs wherever tensors do.

Two passes. *Visibility*: every pixel whose centre lies in the bounding box of a triangle is one entry of a
list; those strictly inside the triangle compete for the pixel by a 64-bit key (1/depth, then triangle), of
which the greatest wins. A maximum does not depend on the order, so neither does the picture. *Shading*:
colours are interpolated for the winners alone. See docs/model.md, "Face model and SECC maps".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_AREA = 1e-8
"""A triangle of less (twice its area, picture -1..1) is seen from its edge and is not drawn."""

LEAST_DEPTH = 1e-3
"""A triangle that comes nearer to the camera's plane than this is not drawn."""

CANDIDATES = 1 << 20
"""Pixels tested at once, about 100 bytes each: bounds the memory whatever the triangles' size."""

_INDEX_BITS = 32
_INDEX_MASK = (1 << _INDEX_BITS) - 1


@dataclass(frozen=True)
class Raster:
    """colours [n, c, size, size] float32, 0 where nothing is seen; triangle [n, size, size] int64: which one
    is seen, -1 where none is.
    """

    colours: Tensor
    triangle: Tensor


@dataclass(frozen=True)
class _Triangles:
    """The triangles of all frames, k = n t entries in the order of frames.

    row, column    [k] int64: first pixel of the bounding box
    columns        [k] int64: width of the box
    counts         [k] int64: pixels of the box, 0 where the triangle is not drawn
    planes         [k, 9] float32: three terms that are linear in the picture, each as its value at the box's
                   first pixel, its growth by a column and by a row: for each corner, its weight times its
                   1 / depth. Their sum is 1 / depth of the pixel.
    """

    row: Tensor
    column: Tensor
    columns: Tensor
    counts: Tensor
    planes: Tensor


def rasterise(pixels: Tensor, inverse_depth: Tensor, triangles: Tensor, colours: Tensor, size: int) -> Raster:
    """Draws a mesh in n shapes; nearest triangles win, colours are interpolated correctly in perspective.

    pixels         [n, v, 2] float32 column and row of each vertex, in pixels; centres lie at (j + .5, i + .5)
    inverse_depth  [n, v] float32 1 / distance to the camera's plane
    triangles      [t, 3] int64, seen from both sides
    colours        [v, c] float32
    A pixel belongs to a triangle if all three of its barycentric weights are > 0. Of equally near triangles
    the first wins. Triangles with a corner that is not finite or behind the camera are not drawn.
    """
    frames = pixels.shape[0]
    table = _triangles(pixels, inverse_depth, triangles, size)
    best = torch.full((frames * size * size,), -1, dtype=torch.int64, device=pixels.device)
    ends = torch.cumsum(table.counts, 0)
    ends_here = ends.cpu()
    start, before, total = 0, 0, int(ends_here[-1]) if len(ends_here) else 0
    while before < total:
        # As many triangles as fit, or at least one.
        stop = int(torch.searchsorted(ends_here, before + CANDIDATES, right=True))
        stop = max(stop, int(torch.searchsorted(ends_here, before, right=True)) + 1)
        last = int(ends_here[stop - 1])
        _compete(best, table, slice(start, stop), last - before, size, len(triangles))
        start, before = stop, last
    return _shaded(best.view(frames, size, size), table, triangles, colours)


def _triangles(pixels: Tensor, inverse_depth: Tensor, triangles: Tensor, size: int) -> _Triangles:
    corners = triangles.T.reshape(-1)

    def at_corners(values: Tensor) -> list[Tensor]:
        picked = values.index_select(1, corners).unflatten(1, (3, -1))
        return [corner.reshape(-1) for corner in picked.unbind(1)]

    x, y, q = at_corners(pixels[..., 0]), at_corners(pixels[..., 1]), at_corners(inverse_depth)
    left, top = (torch.ceil(_least(values) - 0.5).clamp_(min=0) for values in (x, y))
    right, bottom = (torch.floor(_greatest(values) - 0.5).clamp_(max=size - 1) for values in (x, y))
    columns, rows = right - left + 1, bottom - top + 1
    # About the box's own corner: products of small numbers keep their digits.
    x0, x1, x2 = (value - (left + 0.5) for value in x)
    y0, y1, y2 = (value - (top + 0.5) for value in y)
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    q0, q1, q2 = q
    in_front = (_least(q) > 0) & (_greatest(q) < 1 / LEAST_DEPTH)
    drawn = in_front & (area.abs() > LEAST_AREA * size * size / 4) & (columns > 0) & (rows > 0)
    f0, f1 = q0 / area, q1 / area
    first = [(x1 * y2 - x2 * y1) * f0, (y1 - y2) * f0, (x2 - x1) * f0]
    second = [(x2 * y0 - x0 * y2) * f1, (y2 - y0) * f1, (x0 - x2) * f1]
    f2 = q2 / area
    third = [(x0 * y1 - x1 * y0) * f2, (y0 - y1) * f2, (x1 - x0) * f2]
    return _Triangles(
        row=top.long(),
        column=left.long(),
        columns=torch.where(drawn, columns, 1).long(),
        counts=torch.where(drawn, columns * rows, 0).long(),
        planes=torch.stack([*first, *second, *third], 1),
    )


def _least(corners: list[Tensor]) -> Tensor:
    return torch.minimum(torch.minimum(corners[0], corners[1]), corners[2])


def _greatest(corners: list[Tensor]) -> Tensor:
    return torch.maximum(torch.maximum(corners[0], corners[1]), corners[2])


def _terms(planes: Tensor, right: Tensor, down: Tensor) -> list[Tensor]:
    """The three terms of planes [m, 9] at pixels that lie so far right of and below the boxes' first, [m]."""
    p = planes.unbind(1)
    return [torch.addcmul(torch.addcmul(p[k], p[k + 1], right), p[k + 2], down) for k in (0, 3, 6)]


def _compete(best: Tensor, table: _Triangles, part: slice, total: int, size: int, triangles: int) -> None:
    """Lets some of the triangles compete for the `total` pixels of their boxes. best [n size size] keys."""
    counts, columns = table.counts[part], table.columns[part]
    owner = torch.repeat_interleave(counts, output_size=total)
    starts = torch.cumsum(counts, 0) - counts
    offset = torch.arange(total, device=best.device) - starts.index_select(0, owner)
    width = columns.index_select(0, owner)
    down = torch.div(offset, width, rounding_mode="floor")
    right = offset - down * width
    terms = _terms(table.planes[part].index_select(0, owner), right.float(), down.float())
    inside = torch.nonzero(_least(terms) > 0)[:, 0]
    depth = sum(terms)
    owner, down, right, depth = (value.index_select(0, inside) for value in (owner, down, right, depth))
    entry = owner + part.start
    frame = torch.div(entry, triangles, rounding_mode="floor")
    row, column = table.row.index_select(0, entry) + down, table.column.index_select(0, entry) + right
    # The bits of positive floats are in the order of the floats.
    nearness = depth.view(torch.int32).long()
    key = (nearness << _INDEX_BITS) | (_INDEX_MASK - entry)
    best.scatter_reduce_(0, (frame * size + row) * size + column, key, "amax")


def _shaded(best: Tensor, table: _Triangles, triangles: Tensor, colours: Tensor) -> Raster:
    """best [n, size, size] keys of the winners, -1 where there is none."""
    frames, size = best.shape[:2]
    best = best.flatten()
    place = torch.nonzero(best >= 0)[:, 0]
    entry = _INDEX_MASK - (best.index_select(0, place) & _INDEX_MASK)
    in_frame = place % (size * size)
    row = torch.div(in_frame, size, rounding_mode="floor")
    down = row - table.row.index_select(0, entry)
    right = in_frame - row * size - table.column.index_select(0, entry)
    terms = _terms(table.planes.index_select(0, entry), right.float(), down.float())
    inverse_depth = sum(terms)
    shown = entry % max(1, len(triangles))
    corners = triangles.index_select(0, shown).unbind(1)
    parts = zip(terms, corners, strict=True)
    mixed = sum((term / inverse_depth)[:, None] * colours.index_select(0, corner) for term, corner in parts)
    picture = colours.new_zeros(frames * size * size, colours.shape[1]).index_copy_(0, place, mixed)
    triangle = torch.full_like(best, -1).index_copy_(0, place, shown)
    return Raster(
        picture.view(frames, size, size, -1).movedim(-1, 1).contiguous(), triangle.view(frames, size, size)
    )
