from __future__ import annotations

import numpy as np

from real3d_core.portrait.torso_inpaint import inpaint_torso


def one_hot(classes: np.ndarray) -> np.ndarray:
    return (np.arange(6)[:, None, None] == classes).astype(np.float32)


def test_without_head_or_torso_nothing_is_drawn() -> None:
    image = np.full((512, 512, 3), 90, np.uint8)
    ground = np.zeros((512, 512), int)
    assert not inpaint_torso(image, one_hot(ground)).picture.any()
    ground[300:] = 4  # clothes without a head above them
    torso = inpaint_torso(image, one_hot(ground))
    np.testing.assert_array_equal(torso.mask, ground == 4)
    np.testing.assert_array_equal(torso.picture[300:], 90)


def test_the_neck_goes_on_behind_the_head_and_stops_at_the_edge_of_the_picture() -> None:
    image = np.full((512, 512, 3), 200, np.uint8)
    classes = np.zeros((512, 512), int)
    classes[:40, 200:300] = 3
    classes[40:90, 200:300] = 2
    before = image.copy()
    torso = inpaint_torso(image, one_hot(classes))
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(torso.mask[:93, 200:300], True)
    assert not torso.mask[:, :200].any() and not torso.mask[93:].any()
    column = torso.picture[:40, 250, 0].astype(int)
    assert (np.diff(column) >= 0).all() and 70 < column[0] < 120  # darker and darker upwards


def test_pieces_that_touch_the_upper_edge_have_no_head_above_them() -> None:
    image = np.full((512, 512, 3), 50, np.uint8)
    classes = np.full((512, 512), 4)
    classes[:, :200] = 2
    classes[-1] = 3
    torso = inpaint_torso(image, one_hot(classes))
    assert torso.mask[:-1].all()
