"""Mesh tools: known displacements, transforms and areas come back."""

import numpy as np
import pytest

from real3d_core.face_model.canonical import canonical_face
from real3d_core.face_model.mesh import extend, fit_similarity, rasterise


def test_extend_meets_its_controls_and_stays_smooth_between():
    controls = {k: np.zeros(3) for k in (10, 234, 454, 33, 263)} | {152: np.array([0.0, -1.0, 0.2])}
    moved = extend(controls)
    for vertex, displacement in controls.items():
        assert np.abs(moved[vertex] - displacement).max() < 0.02
    assert moved[:, 1].min() > -1.4
    assert moved[:, 1].max() < 0.4


def test_lips_are_apart():
    controls = {k: np.zeros(3) for k in (10, 234, 454, 13, 61, 291)} | {14: np.array([0.0, -1.0, 0.0])}
    moved = extend(controls)
    assert moved[14, 1] < -0.95
    assert abs(moved[13, 1]) < 0.05


def test_fit_similarity_finds_the_transform():
    v = canonical_face().vertices
    a = np.radians(20)
    rotation = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    fit = fit_similarity(v, 0.025 * v @ rotation.T + [0.1, -0.2, 0.3])
    assert abs(fit.scale - 0.025) < 1e-9
    assert np.abs(fit.rotation - rotation).max() < 1e-9
    assert np.abs(fit(v) - (0.025 * v @ rotation.T + [0.1, -0.2, 0.3])).max() < 1e-9


@pytest.mark.parametrize("nearest", [0, 1])
def test_rasterise_interpolates_and_keeps_the_nearest(nearest):
    xy = np.array([[-0.4, -0.4], [0.4, -0.4], [-0.4, 0.4]] * 2)
    z = np.array([0.1 if nearest == 0 else -0.1] * 3 + [0.0] * 3)
    attributes = np.concatenate([np.concatenate([xy[:3], np.zeros((3, 1))], 1), np.full((3, 3), 9.0)])
    drawn = rasterise(xy, np.array([[0, 1, 2], [3, 4, 5]]), attributes, z, 64)
    assert abs(drawn.mask.mean() - 0.32) < 0.02  # texels on the edges count in
    rows, cols = np.where(drawn.mask)
    if nearest == 0:
        x, y = (cols + 0.5) / 64 - 0.5, (rows + 0.5) / 64 - 0.5
        assert np.abs(drawn.values[rows, cols, :2] - np.stack([x, y], 1)).max() < 1e-3
    else:
        assert (drawn.values[rows, cols] == 9).all()
