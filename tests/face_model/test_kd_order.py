"""The order of the kd-tree, and blinks that follow it, against scikit-learn's own tree."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from sklearn.neighbors import KDTree
from torch import Tensor

from real3d_core.face_model.blink import blink
from real3d_core.face_model.kd_order import LEAF, KdOrder
from real3d_core.face_model.secc import SeccRenderer
from tests.bfm_making import synthetic_face_model
from tests.deterministic import coefficients, secc_image
from tests.pretended_gpu import GPU, PretendedGpu

gnu = pytest.mark.skipif(sys.platform != "linux", reason="scikit-learn then has another selection")


def some_points(count: int, side: int = 90) -> np.ndarray:
    """[about count, 2] different points of a grid, by rows."""
    return np.unique(np.random.default_rng(count).integers(0, side, (count, 2)), axis=0)


def as_trees_do(points: np.ndarray, queries: np.ndarray) -> np.ndarray:
    return KDTree(points, leaf_size=LEAF).query(queries, return_distance=False)[:, 0]


@gnu
@pytest.mark.parametrize("count", [1, 2, 7, 30, 61, 62, 400, 3000])
def test_the_layout_is_that_of_the_tree(count: int) -> None:
    points = some_points(count)
    found = KdOrder.of(torch.from_numpy(points))
    assert found.original.tolist() == KDTree(points, leaf_size=LEAF).get_arrays()[1].tolist()


@gnu
def test_the_first_of_equally_near_points() -> None:
    points = some_points(900)
    queries = np.stack(np.meshgrid(np.arange(90), np.arange(90), indexing="ij"), -1).reshape(-1, 2)
    away = ((queries[:, None] - points) ** 2).sum(2)
    query, candidates = map(torch.from_numpy, np.nonzero(away == away.min(1, keepdims=True)))
    assert len(query) > 1.1 * len(queries), "hardly any ties"
    order = KdOrder.of(torch.from_numpy(points))
    found = order.first(torch.from_numpy(queries), query, candidates)
    assert found.tolist() == as_trees_do(points, queries).tolist()
    with PretendedGpu():
        there = KdOrder.of(torch.from_numpy(points).to(GPU))
        given = (torch.from_numpy(queries).to(GPU), query.to(GPU), candidates.to(GPU))
        assert torch.equal(there.first(*given).cpu(), found)


def closed_by_a_tree(secc: Tensor, percent: float) -> np.ndarray:
    """[3, h, w] levels: the rule of blinks in numpy, with trees of points."""
    levels = np.floor((secc.numpy() + 1) * 127.5).astype(int)
    face = (levels > 0).all(0)
    height, width = face.shape
    box, holes = np.zeros_like(face), np.zeros_like(face)
    rows, middle = slice(height // 4, height // 2), width // 2
    holes[rows, width // 4 : width // 4 * 3] = ~face[rows, width // 4 : width // 4 * 3]
    top, bottom = np.flatnonzero(holes.any(1))[[0, -1]]
    for columns in (slice(0, middle), slice(middle, width)):
        left, right = columns.start + np.flatnonzero(holes[:, columns].any(0))[[0, -1]]
        box[top - 4 : bottom + 4, left - 4 : right + 4] = True
    inside = np.argwhere(face & box)
    lids = ~face & box
    lids[tuple(inside[cKDTree(np.argwhere(holes)).query(inside)[0] <= 5].T)] = True
    wanted = np.zeros_like(face)
    for column in np.flatnonzero(lids.any(0)):
        at = np.flatnonzero(lids[:, column])
        upper, lower = (percent * at.mean() + (1 - percent) * end for end in (at.min(), at.max()))
        wanted[at[(at <= upper + 1e-6) | (at >= lower - 1e-6)], column] = True
    sources, queries = np.argwhere(face & box & ~lids), np.argwhere(wanted)
    nearest = sources[as_trees_do(sources, queries)]
    drawn = levels.copy()
    drawn[:, queries[:, 0], queries[:, 1]] = levels[:, nearest[:, 0], nearest[:, 1]]
    return drawn


@pytest.fixture(scope="module")
def maps() -> list[Tensor]:
    """[3, h, w] each, of other faces, expressions and sizes."""
    given = coefficients(4)
    identity, expression = torch.from_numpy(given.identity[0]), torch.from_numpy(given.expression)
    face = synthetic_face_model()
    drawn = [
        SeccRenderer(face, size).render(strength * identity, expression[i : i + 1])[0]
        for i, (size, strength) in enumerate(((200, 1), (256, 0.3), (320, -1)))
    ]
    return [*drawn, secc_image(1.1)[0]]


@gnu
@pytest.mark.parametrize("percent", [0.4, 1.0])
def test_blinks_are_those_of_the_tree(percent: float, maps: list[Tensor]) -> None:
    for one in maps:
        drawn = ((blink(one[None], torch.tensor([percent]))[0] + 1) * 127.5).round().numpy()
        expected = closed_by_a_tree(one, percent)
        changed = (expected != np.floor((one.numpy() + 1) * 127.5)).any(0)
        assert changed.sum() > 100
        assert (drawn == expected).all(0)[changed].mean() >= 0.995
