from __future__ import annotations

import numpy as np

from real3d_core.portrait.nearest_fill import MARGIN, PLAIN, fill_with_nearest


def numbered() -> np.ndarray:
    """A picture that tells row and column of each pixel."""
    rows, columns = np.indices((200, 200))
    return np.stack([rows, columns, rows * 0], -1).astype(np.uint8)


def test_the_nearest_scenery_beyond_the_margin() -> None:
    ground = np.ones((200, 200), bool)
    ground[50:150, 80:140] = False
    filled = fill_with_nearest(numbered(), ground)
    first = 80 - int(MARGIN) - 1  # the last column farther than MARGIN from the hole's left edge
    np.testing.assert_array_equal(filled[100, first:110, 1], first)
    np.testing.assert_array_equal(filled[100, first:110, 0], 100)
    np.testing.assert_array_equal(filled[:, :first], numbered()[:, :first])


def test_too_little_scenery() -> None:
    picture = numbered()
    np.testing.assert_array_equal(fill_with_nearest(picture, np.ones((200, 200), bool)), picture)
    np.testing.assert_array_equal(fill_with_nearest(picture, np.zeros((200, 200), bool)), PLAIN)
    strip = np.zeros((200, 200), bool)
    strip[:, :5] = True  # all of it is nearer to the person than the margin
    filled = fill_with_nearest(picture, strip)
    np.testing.assert_array_equal(filled[:, 5:, 1], 4)
    np.testing.assert_array_equal(filled[:, :5], picture[:, :5])
