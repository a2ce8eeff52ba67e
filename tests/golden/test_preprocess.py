"""Head, torso and background of a picture, against what the original made of it (all of preprocess.npz)."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from real3d_core.portrait.nearest_fill import MARGIN, fill_with_nearest
from real3d_core.portrait.torso_inpaint import head_only, inpaint_torso
from tests.deterministic import segmentation, smooth_image
from tests.golden.recorded import Recorded

EXACT = (0.0, 0.0)


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded("preprocess")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    picture = smooth_image("photo", 3)[0].numpy().transpose(1, 2, 0)
    return ((picture + 1) * 127.5).astype(np.uint8)


@pytest.fixture(scope="module")
def classes() -> np.ndarray:
    return segmentation()[0].numpy()


def test_photo(recorded: Recorded, photo: np.ndarray) -> None:
    recorded.assert_close("img", torch.from_numpy(photo), EXACT)


def test_head(recorded: Recorded, photo: np.ndarray, classes: np.ndarray) -> None:
    recorded.assert_close("head_img", torch.from_numpy(head_only(photo, classes)), EXACT)


def test_torso(recorded: Recorded, photo: np.ndarray, classes: np.ndarray) -> None:
    torso = inpaint_torso(photo, classes)
    picture = torch.from_numpy(torso.picture)
    recorded.assert_close("torso_img", picture, EXACT)
    recorded.assert_close("torso_img_crop", picture[320:450, 190:330], EXACT)
    recorded.assert_close("torso_mask", torch.from_numpy(torso.mask.astype(np.uint8)), EXACT)


def test_background(recorded: Recorded, photo: np.ndarray, classes: np.ndarray) -> None:
    filled = fill_with_nearest(photo, classes[0] > 0.5)
    differing = _differing(recorded, filled)
    assert len(differing) <= 0.005 * recorded["bg_img"][..., 0].numel()


def test_background_without_the_search_tree(
    recorded: Recorded, photo: np.ndarray, classes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pixel is the original's, or another kept pixel's at exactly the same least distance.

    In 1.4 % of the recorded pixels two or more kept pixels are equally near, and the order of the original's
    search tree decided; no pixel may differ for any other reason.
    """
    monkeypatch.setitem(sys.modules, "sklearn.neighbors", None)
    filled = fill_with_nearest(photo, classes[0] > 0.5)
    wanted = recorded["bg_img"].numpy()
    differing, step = _differing(recorded, filled), int(512 / len(wanted))
    assert 0 < len(differing) < 0.02 * wanted[..., 0].size
    kept = _kept(classes[0] > 0.5)
    for row, column in differing:
        away = ((kept - [row * step, column * step]) ** 2).sum(1)
        nearest = photo[tuple(kept[away == away.min()].T)]
        for colour in (wanted[row, column], filled[row * step, column * step]):
            assert (nearest == colour).all(-1).any()


def _differing(recorded: Recorded, filled: np.ndarray) -> np.ndarray:
    """[n, 2] rows and columns of the recorded samples that are others."""
    wanted = recorded["bg_img"].numpy()
    step = int(512 / len(wanted))
    return np.argwhere((filled[::step, ::step] != wanted).any(-1))


def _kept(ground: np.ndarray) -> np.ndarray:
    """[n, 2] rows and columns of pixels farther than MARGIN from what is no ground, by brute force."""
    reach = int(MARGIN)
    wide = np.pad(ground, reach, constant_values=True)
    kept = np.ones_like(ground)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if down**2 + right**2 <= MARGIN**2:
                kept &= wide[reach + down :, reach + right :][: len(ground), : len(ground)]
    return np.argwhere(kept)


def test_every_recorded_tensor_is_tested(recorded: Recorded) -> None:
    tested = {"img", "head_img", "torso_img", "torso_img_crop", "torso_mask", "bg_img"}
    assert set(recorded.names()) == tested
