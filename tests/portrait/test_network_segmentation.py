from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from real3d_core.errors import FaceNetsError
from real3d_core.portrait.geometry import square_map
from real3d_core.portrait.net_files import SELFIE_MULTICLASS
from real3d_core.portrait.network_segmentation import load_multiclass, scores_of, seen_through, segment
from tests.portrait.tflite_making import colour_classifier

COLOURS = np.array(
    [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [255, 255, 255]], np.uint8
)
"""One colour per class; the net made here gives each pixel the class of the nearest."""


def nearest_colour_net() -> bytes:
    levels = COLOURS.astype(np.float32) / 255
    return colour_classifier(2 * levels, -(levels**2).sum(1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / SELFIE_MULTICLASS).write_bytes(nearest_colour_net())
    return tmp_path


def labels() -> np.ndarray:
    """[512, 512] six upright stripes."""
    return np.tile(np.arange(512) * 6 // 512, (512, 1))


def one_hot(classes: np.ndarray) -> np.ndarray:
    return (np.arange(6)[:, None, None] == classes).astype(np.float32)


def test_the_file_is_found_and_gives_its_classes(tmp_path: Path, folder: Path) -> None:
    net = load_multiclass([tmp_path / "none", folder])
    assert net is not None
    found = segment(COLOURS[labels()], net)
    assert found.shape == (6, 512, 512) and found.dtype == np.float32
    np.testing.assert_array_equal(found.sum(0), 1)
    away = np.abs((np.arange(512)[:, None] + 0.5) - np.arange(1, 6) * 512 / 6).min(1) > 2  # from an edge
    np.testing.assert_array_equal(found[..., away], one_hot(labels())[..., away])


def test_without_the_file_there_is_no_net(tmp_path: Path) -> None:
    assert load_multiclass([tmp_path]) is None
    assert load_multiclass([]) is None


class Layout:
    """Stands for a net of a reader that leaves the classes last, or puts a batch axis before."""

    def __init__(self, scores: np.ndarray) -> None:
        self.scores = scores

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        assert picture.shape == (256, 256, 3) and picture.dtype == np.float32
        assert picture.min() >= 0 and picture.max() <= 1
        return [self.scores]


def test_either_layout_of_the_scores_is_read() -> None:
    scores = np.random.default_rng(0).random((6, 256, 256), np.float32)
    picture = np.full((512, 512, 3), 200, np.uint8)
    for given in (scores, scores.transpose(1, 2, 0), scores[None]):
        np.testing.assert_array_equal(scores_of(Layout(given), picture), scores)


@pytest.mark.parametrize("content", ["empty", "text", "cut", "two classes"])
def test_a_file_that_is_another_is_refused(folder: Path, content: str) -> None:
    levels = COLOURS[:2].astype(np.float32)
    path = folder / SELFIE_MULTICLASS
    whole = path.read_bytes()
    made = {
        "empty": b"",
        "text": b"<!DOCTYPE html> not found",
        "cut": whole[: len(whole) // 2],
        "two classes": colour_classifier(levels, levels[:, 0]),
    }
    path.write_bytes(made[content])
    with pytest.raises(FaceNetsError, match=r"cannot be used .* download it again, or delete it") as caught:
        load_multiclass([folder])
    assert str(path) in str(caught.value)


def test_classes_seen_through_another_crop() -> None:
    classes = labels()
    classes[300:] = 5
    same = seen_through(one_hot(classes), square_map(256, 256, 512, 0.0, 512))
    np.testing.assert_array_equal(same, one_hot(classes))
    shifted = seen_through(one_hot(classes), square_map(256 + 40, 256 - 30, 512, 0.0, 512))
    np.testing.assert_array_equal(shifted[:, 30:, :472], one_hot(classes)[:, :482, 40:])
    np.testing.assert_array_equal(shifted[:, 100, 472:], one_hot(classes)[:, 70, 511:].repeat(40, 1))


def test_small_islands_go_to_what_surrounds_them() -> None:
    classes = np.zeros((512, 512), int)
    classes[100:400, 100:400] = 4
    wanted = one_hot(classes)
    classes[200:215, 200:215] = 2  # in the clothes
    classes[20:30, 20:30] = 3  # in the scenery
    np.testing.assert_array_equal(seen_through(one_hot(classes), np.eye(2, 3)), wanted)
    classes[300:340, 300:340] = 2
    kept = seen_through(one_hot(classes), np.eye(2, 3))
    np.testing.assert_array_equal(kept[2, 300:340, 300:340], 1)
