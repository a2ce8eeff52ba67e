"""Surface nets: the surface of a sampled solid as a closed mesh of triangles.

Every cell that the surface passes through gets one vertex, every grid edge that pierces the surface one
square between the four cells around it. Where that would pinch the surface to a point or a line, grid points
are filled first, so that each edge of the mesh belongs to exactly two triangles. See docs/model.md, "Mesh".
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Solid = NDArray[np.float32]
FILLED = 1e-3  # of a cell: how far inside a filled grid point counts as

_CORNERS = tuple(product((0, 1), repeat=3))


@dataclass(frozen=True)
class Surface:
    """vertices [V, 3] float64 in grid points (the order of the grid's axes); triangles [F, 3] int64, counter-
    clockwise as seen from outside.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]


def closed_surface(solid: Solid) -> Surface:
    """solid [n0, n1, n2]: positive inside, about a distance in cells. Its outermost layer must be outside.

    The result has no vertex at all if nothing is inside.
    """
    solid = _without_pinches(solid)
    inside = solid > 0
    count = sum(_corner(inside, at).astype(np.int8) for at in _CORNERS)
    active = (count > 0) & (count < 8)
    number = np.full(active.shape, -1, np.int64)
    number[active] = np.arange(int(active.sum()))
    squares = np.concatenate([_squares(inside, number, axis) for axis in range(3)])
    vertices = _crossings(solid, active)
    return Surface(vertices, _split(vertices, squares))


def largest_part(surface: Surface) -> Surface:
    """The connected part of the surface with the most vertices: no islands, no bubbles."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(surface.vertices)
    if count == 0:
        return surface
    start, end = surface.triangles[:, [0, 1, 2]].ravel(), surface.triangles[:, [1, 2, 0]].ravel()
    links = coo_matrix((np.ones(len(start), np.int8), (start, end)), (count, count))
    _, label = connected_components(links, directed=False)
    keep = label == np.bincount(label).argmax()
    renumbered = np.cumsum(keep) - 1
    kept = surface.triangles[keep[surface.triangles[:, 0]]]
    return Surface(surface.vertices[keep], renumbered[kept])


def _corner(grid: np.ndarray, at: tuple[int, ...]) -> np.ndarray:
    """For every cell the grid point at one of its corners."""
    return grid[tuple(slice(a, size - 1 + a) for a, size in zip(at, grid.shape, strict=True))]


def _without_pinches(solid: Solid) -> Solid:
    """Fills grid points until no square of four has its two inside ones across, and no cell has two inside
    (or two outside) ones alone at opposite corners.
    """
    inside = solid > 0
    while True:
        fill = np.zeros_like(inside)
        for axes in ((0, 1), (0, 2), (1, 2)):
            a, b, c, d = (_shifted(inside, axes, at) for at in ((0, 0), (0, 1), (1, 0), (1, 1)))
            first, second = a & d & ~b & ~c, b & c & ~a & ~d
            _shifted(fill, axes, (0, 1))[first] = True
            _shifted(fill, axes, (0, 0))[second] = True
        count = sum(_corner(inside, at).astype(np.int8) for at in _CORNERS)
        for at in _CORNERS[:4]:
            other = tuple(1 - a for a in at)
            both = _corner(inside, at) & _corner(inside, other) & (count == 2)
            _corner(fill, (at[0], at[1], 1 - at[2]))[both] = True
            neither = ~_corner(inside, at) & ~_corner(inside, other) & (count == 6)
            _corner(fill, at)[neither] = True
        fill &= ~inside
        if not fill.any():
            break
        inside |= fill
    return np.where(inside & ~(solid > 0), np.float32(FILLED), solid)


def _shifted(grid: np.ndarray, axes: tuple[int, int], at: tuple[int, int]) -> np.ndarray:
    """A view of the grid from which one layer is missing along each of two axes, at one end or the other."""
    window = [slice(None)] * 3
    for axis, offset in zip(axes, at, strict=True):
        window[axis] = slice(offset, grid.shape[axis] - 1 + offset)
    return grid[tuple(window)]


def _crossings(solid: Solid, active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[V, 3] the mean of the points at which the surface crosses the edges of each active cell."""
    cells = np.argwhere(active)
    values = {at: _corner(solid, at)[active].astype(np.float64) for at in _CORNERS}
    total, crossed = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for axis in range(3):
        for start in (at for at in _CORNERS if at[axis] == 0):
            end = tuple(1 if i == axis else a for i, a in enumerate(start))
            low, high = values[start], values[end]
            cuts = (low > 0) != (high > 0)
            share = np.where(cuts, low / np.where(cuts, low - high, 1.0), 0.0)
            point = np.array(start, np.float64)[None].repeat(len(cells), 0)
            point[:, axis] += share
            total += point * cuts[:, None]
            crossed += cuts
    return cells + total / np.maximum(crossed, 1)[:, None]


def _squares(inside: NDArray[np.bool_], number: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    """[Q, 4] vertices of the cells around each grid edge along an axis that pierces the surface, counter-
    clockwise from outside.
    """
    along = [slice(None)] * 3
    along[axis] = slice(0, -1)
    low = inside[tuple(along)]
    along[axis] = slice(1, None)
    high = inside[tuple(along)]
    edges = np.argwhere(low != high)
    leaves = low[tuple(edges.T)]  # the edge runs from inside to outside
    first, second = (axis + 1) % 3, (axis + 2) % 3
    ring = []
    for i, j in ((1, 1), (0, 1), (0, 0), (1, 0)):
        cell = edges.copy()
        cell[:, first] -= i
        cell[:, second] -= j
        ring.append(number[tuple(cell.T)])
    squares = np.stack(ring, 1)
    return np.where(leaves[:, None], squares, squares[:, ::-1])


def _split(vertices: NDArray[np.float64], squares: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each square [Q, 4] becomes two triangles along its shorter diagonal."""
    if len(squares) == 0:
        return np.zeros((0, 3), np.int64)
    corner = vertices[squares]
    straight = ((corner[:, 0] - corner[:, 2]) ** 2).sum(1) <= ((corner[:, 1] - corner[:, 3]) ** 2).sum(1)
    one = squares[:, [0, 1, 2, 0, 2, 3]]
    two = squares[:, [0, 1, 3, 1, 2, 3]]
    return np.where(straight[:, None], one, two).reshape(-1, 3)
