from __future__ import annotations

import math

import numpy as np
import pytest

from real3d_core.portrait.geometry import apply, apply_3d, invert, sample, scale_of, square_map


def ramps(width: int, height: int) -> np.ndarray:
    """A picture whose channels are its own continuous coordinates."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return np.stack([x, y, x + y], -1).astype(np.float32)


@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 2, -2.5])
def test_map_and_its_inverse(angle: float) -> None:
    affine = square_map(40, 70, 30, angle, 512)
    points = np.random.default_rng(0).random((20, 2)) * 512
    np.testing.assert_allclose(apply(invert(affine), apply(affine, points)), points, atol=1e-9)
    np.testing.assert_allclose(apply(affine, np.array([256.0, 256.0])), [40, 70])
    assert scale_of(affine) == pytest.approx(30 / 512)


def test_positive_angle_is_clockwise() -> None:
    right = apply(square_map(0, 0, 2, math.pi / 2, 2), np.array([2.0, 1.0]))
    np.testing.assert_allclose(right, [0, 1], atol=1e-12)  # what points right points down afterwards


def test_depth_is_scaled_only() -> None:
    moved = apply_3d(square_map(5, 6, 2, 1.0, 1), np.array([[0.5, 0.5, -3.0]]))
    np.testing.assert_allclose(moved, [[5, 6, -6]])


@pytest.mark.parametrize("side", [20.0, 64.0, 100.0, 300.0, 900.0])
@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_sampled_pixels_show_the_place_that_the_map_says(side: float, angle: float) -> None:
    picture = ramps(1400, 1300)
    affine = square_map(700, 650, side, angle, 64)
    seen = sample(picture, affine, 64)
    y, x = np.mgrid[0:64, 0:64] + 0.5
    wanted = apply(affine, np.stack([x, y], -1))
    np.testing.assert_allclose(seen[..., :2], wanted, atol=0.1 * max(1, side / 64))


def test_reduction_averages() -> None:
    board = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    seen = sample(board, square_map(256, 256, 512, 0, 64), 64)
    assert np.abs(seen[4:-4, 4:-4].astype(int) - 127).max() <= 2


def test_outside_is_black_or_continued() -> None:
    white = np.full((10, 10, 3), 255, np.uint8)
    affine = square_map(5, 5, 20, 0, 40)
    assert sample(white, affine, 40)[0, 0].max() == 0
    assert sample(white, affine, 40, 1)[0, 0].min() == 255  # BORDER_REPLICATE
