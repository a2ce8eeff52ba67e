"""What a closed, oriented surface of one part is."""

from __future__ import annotations

import numpy as np


def edges_of(triangles: np.ndarray) -> np.ndarray:
    """[3 F, 2] directed edges."""
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def assert_closed(points: np.ndarray, triangles: np.ndarray) -> float:
    """Every edge has two triangles, which run through it in opposite directions; returns the volume."""
    edges = edges_of(triangles.astype(np.int64))
    key, reverse = (edges[:, a] * len(points) + edges[:, b] for a, b in ((0, 1), (1, 0)))
    assert len(np.unique(key)) == len(key)
    assert np.array_equal(np.sort(key), np.sort(reverse))
    a, b, c = points[triangles].astype(np.float64).transpose(1, 0, 2)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def parts_of(count: int, triangles: np.ndarray) -> int:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = edges_of(triangles)
    links = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    return connected_components(links, directed=False)[0]


def seam_closed(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mesh with vertices of one place joined."""
    place, index = np.unique(points, axis=0, return_inverse=True)
    return place, index.reshape(-1)[triangles]
