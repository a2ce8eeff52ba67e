"""Mesh tools of the face model: extension of displacements, similarity fits, rasterisation on a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from .canonical import VERTEX_COUNT, canonical_face


@dataclass(frozen=True)
class Similarity:
    """q = scale * rotation @ p + translation; rotation [3, 3] (det +1), translation [3]."""

    scale: float
    rotation: np.ndarray
    translation: np.ndarray

    @property
    def linear(self) -> np.ndarray:
        """[3, 3] scale * rotation: maps displacements."""
        return self.scale * self.rotation

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return points @ self.linear.T + self.translation


def fit_similarity(source: np.ndarray, target: np.ndarray) -> Similarity:
    """The similarity that takes source [N, 3] to target [N, 3] with least squares (Procrustes)."""
    mean_s, mean_t = source.mean(0), target.mean(0)
    u, s, vt = np.linalg.svd((source - mean_s).T @ (target - mean_t))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))])
    rotation = vt.T @ flip @ u.T
    scale = float(np.trace(np.diag(s) @ flip) / ((source - mean_s) ** 2).sum())
    return Similarity(scale, rotation, mean_t - scale * rotation @ mean_s)


@cache
def _stiffness():
    """Bi-Laplacian + a little Laplacian of the canonical mesh, cotangent weights, scipy sparse [468, 468]."""
    import scipy.sparse as sp

    face = canonical_face()
    v, t = face.vertices, face.triangles
    rows, cols, weights = [], [], []
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        e1, e2 = v[t[:, a]] - v[t[:, c]], v[t[:, b]] - v[t[:, c]]
        cross = np.linalg.norm(np.cross(e1, e2), axis=1)
        cotangent = np.maximum(1e-2, (e1 * e2).sum(1) / np.maximum(cross, 1e-6)) * 0.5
        rows += [t[:, a], t[:, b]]
        cols += [t[:, b], t[:, a]]
        weights += [cotangent, cotangent]
    w = sp.coo_matrix(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(cols))),
        shape=(VERTEX_COUNT, VERTEX_COUNT),
    ).tocsr()
    laplacian = sp.diags(np.asarray(w.sum(1)).ravel()) - w
    # The Laplacian share keeps the solution from overshooting far from the controls.
    return (laplacian @ laplacian + 1e-3 * laplacian).tocsc()


def extend(controls: Mapping[int, np.ndarray]) -> np.ndarray:
    """Spreads displacements given at some vertices smoothly over the mesh.

    controls    vertex -> displacement [3] in any unit. Lips and lids are apart: the openings have no
                triangles.
    returns     [468, 3] displacement of every vertex, same unit.
    """
    import scipy.sparse as sp
    import scipy.sparse.linalg as spl

    weight = np.full(VERTEX_COUNT, 1e-6)
    target = np.zeros((VERTEX_COUNT, 3))
    for vertex, displacement in controls.items():
        weight[vertex] = 1e3
        target[vertex] = displacement
    factor = spl.splu((_stiffness() + sp.diags(weight)).tocsc())
    return factor.solve(weight[:, None] * target)


@dataclass(frozen=True)
class Raster:
    """values [res, res, K] float32 (0 where nothing lies), mask [res, res] bool."""

    values: np.ndarray
    mask: np.ndarray


def rasterise(
    xy: np.ndarray, triangles: np.ndarray, attributes: np.ndarray, z: np.ndarray, res: int
) -> Raster:
    """Draws per-vertex attributes of a mesh on the texel grid of the xy plane; the greatest z wins.

    xy [V, 2] world units; triangles [T, 3]; attributes [V, K]; z [V].
    Texel (row i, column j) has its centre at x = (j + 0.5) / res - 0.5, y = (i + 0.5) / res - 0.5 (row 0
    is the bottom).
    """
    p = (xy + 0.5) * res - 0.5
    t = p[triangles]
    low = np.clip(np.floor(t.min(1)).astype(int), 0, res - 1)
    high = np.clip(np.ceil(t.max(1)).astype(int), 0, res - 1)
    extent = high - low + 1
    count = extent[:, 0] * extent[:, 1]
    tri = np.repeat(np.arange(len(triangles)), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    px = low[tri, 0] + offset % extent[tri, 0]
    py = low[tri, 1] + offset // extent[tri, 0]
    a, b, c = t[tri, 0], t[tri, 1], t[tri, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    w1 = ((px - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (py - a[:, 1])) / area
    w2 = ((b[:, 0] - a[:, 0]) * (py - a[:, 1]) - (px - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
    weights = np.stack([1 - w1 - w2, w1, w2], 1)
    inside = (weights >= -1e-4).all(1)
    tri, px, py, weights = tri[inside], px[inside], py[inside], weights[inside]
    depth = (z[triangles[tri]] * weights).sum(1)
    order = np.argsort(depth, kind="stable")  # later writes win, so the nearest comes last
    values = np.zeros((res, res, attributes.shape[1]), np.float32)
    mask = np.zeros((res, res), bool)
    drawn = (attributes[triangles[tri]] * weights[..., None]).sum(1)
    values[py[order], px[order]] = drawn[order]
    mask[py, px] = True
    return Raster(values, mask)
