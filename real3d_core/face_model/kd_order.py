"""Which of several equally near points a kd-tree finds first: the order in which scikit-learn's meets them.

The released code asks such a tree for the nearest face pixel, and on a grid of pixels many are equally near.
The one that the search meets first stays. So the tree is laid out here with sorts and swaps on the points'
own device, all nodes of a level at once, and nothing is searched: which of the nearest points comes first
follows from the layout. See docs/model.md, "Face model and SECC maps".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LEAF = 30
"""Points that a leaf may hold, twice of it at most: the default of scikit-learn's NearestNeighbors."""

_SMALL = 3
"""Points that are sorted at last, rather than parted on."""


@dataclass(frozen=True)
class _Level:
    """The nodes of one depth: starts [nodes + 1] into the order; low, high [nodes, 2] of their points."""

    starts: Tensor
    low: Tensor
    high: Tensor

    def distance(self, node: Tensor, query: Tensor) -> Tensor:
        """[T] squared distance of queries [T, 2] to the box of one node each."""
        outside = torch.maximum(self.low[node] - query, query - self.high[node]).clamp(min=0)
        return outside.square().sum(1)


@dataclass(frozen=True)
class KdOrder:
    """original [N] the numbers of the points in the order of the tree; its levels from the root on."""

    original: Tensor
    levels: tuple[_Level, ...]

    @staticmethod
    def of(points: Tensor) -> KdOrder:
        """The layout for points [N, 2] int64, N >= 1, coordinates 0 .. 4095."""
        count = len(points)
        depth = int(math.log2(max(1, (count - 1) / LEAF)) + 1)
        order = torch.arange(count, device=points.device)
        starts = torch.tensor([0, count], device=points.device)
        levels = [_level(points, starts)]
        for _ in range(depth - 1):
            order, starts = _halved(points, order, levels[-1])
            levels.append(_level(points[order], starts))
        return KdOrder(order, tuple(levels))

    def first(self, queries: Tensor, query: Tensor, candidates: Tensor) -> Tensor:
        """[T] which of its candidates a search for each of the queries [T, 2] ends with, by number.

        candidates [M] numbers of points, query [M] which query each belongs to; all of a query are equally
        near, and every query has some.
        """
        place = torch.empty_like(self.original)
        place[self.original] = torch.arange(len(place), device=place.device)
        place = place[candidates]
        count, node = len(queries), torch.zeros_like(queries[:, 0])
        # Down the tree: into the child whose box is nearer (the left one if both are), if one is there.
        for level in self.levels[1:]:
            left = 2 * node
            of = torch.searchsorted(level.starts, place, right=True) - 1
            in_left, in_right = (
                torch.zeros_like(node).index_add_(0, query, (of == child[query]).long()) > 0
                for child in (left, left + 1)
            )
            nearer = level.distance(left, queries) <= level.distance(left + 1, queries)
            node = torch.where((nearer & in_left) | ~in_right, left, left + 1)
        late = len(self.original)
        there = torch.searchsorted(self.levels[-1].starts, place, right=True) - 1 == node[query]
        found = torch.where(there, place, late)
        first = found.new_full((count,), late).scatter_reduce_(0, query, found, "amin")
        return self.original[first]


def _level(points: Tensor, starts: Tensor) -> _Level:
    """points [N, 2] in order."""
    node = _nodes(starts, len(points))[:, None].expand(-1, 2)
    ends = points.new_empty(len(starts) - 1, 2, dtype=torch.float32)
    low, high = (
        ends.scatter_reduce(0, node, points.float(), reduce, include_self=False).long()
        for reduce in ("amin", "amax")
    )
    return _Level(starts, low, high)


def _nodes(starts: Tensor, count: int) -> Tensor:
    """[count] the node of each place."""
    return torch.searchsorted(starts, torch.arange(count, device=starts.device), right=True) - 1


def _halved(points: Tensor, order: Tensor, level: _Level) -> tuple[Tensor, Tensor]:
    """Parts every node at the median of its longer axis -> the new order and starts."""
    starts = level.starts
    node, spread = _nodes(starts, len(order)), level.high - level.low
    axis = (spread[:, 1] > spread[:, 0]).long()
    value = points[order].gather(1, axis[node][:, None])[:, 0]
    # Equal values are told apart by the number of their point.
    by_value = (((node << 12) + value) * len(order) + order).argsort()
    rank = torch.empty_like(order)
    rank[by_value] = torch.arange(len(order), device=order.device)
    middle = starts[:-1] + starts.diff() // 2
    halves = torch.cat([torch.stack([starts[:-1], middle], 1).flatten(), starts[-1:]])
    return order[_selected(rank, starts, middle)], halves


def _selected(rank: Tensor, starts: Tensor, middle: Tensor) -> Tensor:
    """Parts nodes at `middle`, where the element of that rank comes to lie -> [N] whence each place fills.

    rank [N] is that among all, and a node holds those of its own places. What the selection leaves in which
    order on either side decides within a leaf, so it is that of C++ libraries (nth_element): a pivot, the
    median of three, and swaps from both ends, on and on in the part where `middle` is.
    """
    rank, place = rank.clone(), torch.arange(len(rank), device=rank.device)
    here, node = place.clone(), _nodes(starts, len(rank))
    first, last = starts[:-1].clone(), starts[1:].clone()
    while bool((active := last - first > _SMALL).any()):
        low = first[active]
        trio = torch.stack([low + 1, low + (last[active] - low) // 2, last[active] - 1], 1)
        _swap(rank, place, low, trio.gather(1, rank[trio].argsort(1)[:, 1:2])[:, 0])
        inside = active[node] & (here > first[node]) & (here < last[node])
        here, node = here[inside], node[inside]  # the rest stays where it is
        less = rank[here] < rank[first][node]
        cut = first + 1 + torch.zeros_like(first).index_add_(0, node, less.long())
        right = here >= cut[node]
        great, small = here[~less & ~right], here[less & right]
        # As many of the one as of the other in each node: the first is swapped with the last, and so on.
        ends = torch.searchsorted(great, starts)
        turned = (ends[:-1] + ends[1:] - 1)[node[~less & ~right]]
        _swap(rank, place, great, small[turned - torch.arange(len(great), device=rank.device)])
        beyond = cut <= middle
        first, last = torch.where(active & beyond, cut, first), torch.where(active & ~beyond, cut, last)
    rest = first[:, None] + torch.arange(_SMALL, device=rank.device)
    there = rest < last[:, None]
    rest = rest.clamp(max=len(rank) - 1)
    ascending = rest.gather(1, torch.where(there, rank[rest], len(rank)).argsort(1))
    place[rest[there]] = place[ascending[there]]
    return place


def _swap(rank: Tensor, place: Tensor, one: Tensor, other: Tensor) -> None:
    """Swaps the elements at [k] pairs of places, no place twice."""
    for values in (rank, place):
        values[one], values[other] = values[other], values[one]
