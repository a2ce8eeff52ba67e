import numpy as np
import pytest
import torch

from real3d_core.errors import RenderError
from real3d_core.video.contact_sheet import GAP, LABEL_HEIGHT, contact_sheet


def tiles(count):
    return [np.full((30, 40, 3), 50 + 10 * i, np.uint8) for i in range(count)]


def test_tiles_lie_row_by_row():
    sheet = contact_sheet(tiles(5), 2)
    assert sheet.shape == (3 * (30 + GAP) + GAP, 2 * (40 + GAP) + GAP, 3) and sheet.dtype == np.uint8
    for index in range(5):
        y, x = GAP + index // 2 * (30 + GAP), GAP + index % 2 * (40 + GAP)
        assert (sheet[y : y + 30, x : x + 40] == 50 + 10 * index).all()


def test_labels_are_written_below_their_tiles():
    bare, labelled = contact_sheet(tiles(2), 2, ["", ""]), contact_sheet(tiles(2), 2, ["0.00 s", ""])
    assert labelled.shape[0] == 30 + LABEL_HEIGHT + 2 * GAP
    changed = np.argwhere((bare != labelled).any(axis=2))
    assert len(changed) > 20
    assert changed[:, 0].min() >= GAP + 30 and changed[:, 1].max() < GAP + 40 + GAP


def test_tiles_of_any_size_and_kind_are_scaled():
    sheet = contact_sheet([np.zeros((60, 80, 3)), torch.ones(10, 10, 3)], 1, tile_width=20)
    assert sheet.shape == (2 * (20 + GAP) + GAP, 20 + 2 * GAP, 3)
    assert (sheet[GAP : GAP + 15, GAP : GAP + 20] == 0).all() and sheet[GAP + 24 + 10, GAP + 10, 0] == 255


def test_nothing_to_show():
    with pytest.raises(RenderError):
        contact_sheet([], 3)
    with pytest.raises(RenderError, match="labels"):
        contact_sheet(tiles(2), 2, ["only one"])
