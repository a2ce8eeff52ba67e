"""Closed surfaces of solids that are known, and of the worst there can be."""

import numpy as np
import pytest

from real3d_core.head_mesh.surface_nets import closed_surface, largest_part

from .closed import assert_closed, parts_of


def ball(size=24, radius=7.3, centre=(11.2, 12.1, 11.7)):
    grid = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), -1)
    return (radius - np.linalg.norm(grid - np.array(centre), axis=-1)).astype(np.float32)


def test_a_ball():
    surface = closed_surface(ball())
    volume = assert_closed(surface.vertices, surface.triangles)
    assert volume == pytest.approx(4 / 3 * np.pi * 7.3**3, rel=0.03)  # > 0: seen from outside, too
    away = np.linalg.norm(surface.vertices - (11.2, 12.1, 11.7), axis=1)
    assert np.abs(away - 7.3).max() < 0.12
    assert len(surface.vertices) - len(surface.triangles) // 2 == 2  # Euler: a sphere


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_closed_too(seed):
    """Points and lines at which a surface would touch itself are everywhere here."""
    solid = np.full((14, 15, 13), -1.0, np.float32)
    solid[1:-1, 1:-1, 1:-1] = np.random.default_rng(seed).normal(-0.4, 1, (12, 13, 11))
    surface = closed_surface(solid)
    assert_closed(surface.vertices, surface.triangles)
    one = largest_part(surface)
    assert_closed(one.vertices, one.triangles)
    assert parts_of(len(one.vertices), one.triangles) == 1


@pytest.mark.parametrize("second", [(3, 3, 2), (3, 3, 3)], ids=["edge to edge", "corner to corner"])
def test_cells_that_touch(second):
    solid = np.full((6, 6, 6), -1.0, np.float32)
    solid[2, 2, 2] = solid[second] = 1
    surface = closed_surface(solid)
    assert_closed(surface.vertices, surface.triangles)


def test_islands_go_and_nothing_stays_nothing():
    two = np.maximum(ball(40, 6, (10, 20, 20)), ball(40, 4, (30, 20, 20)))
    surface = closed_surface(two)
    assert parts_of(len(surface.vertices), surface.triangles) == 2
    one = largest_part(surface)
    assert parts_of(len(one.vertices), one.triangles) == 1 and one.vertices[:, 0].max() < 20
    none = largest_part(closed_surface(np.full((4, 4, 4), -1, np.float32)))
    assert none.vertices.shape == (0, 3) and none.triangles.shape == (0, 3)
