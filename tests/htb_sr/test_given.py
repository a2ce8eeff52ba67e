"""Pictures of other nodes: made square without ever being larger than they are or have to be."""

from __future__ import annotations

import pytest
import torch

from real3d_core.errors import RenderError
from real3d_core.htb_sr.given import cleaned, square_pictures


@pytest.mark.parametrize("shape", [(300, 700), (700, 300), (512, 512), (33, 32), (1, 60_000)])
def test_squares_cover_the_frame_and_keep_the_middle(shape: tuple[int, int]) -> None:
    image = torch.zeros(1, *shape, 3)
    rows, columns = (slice(max(0, side // 2 - 8), side // 2 + 8) for side in shape)
    image[:, rows, columns] = 1
    square = square_pictures(image, "background")
    assert square.shape == (1, 512, 512, 3)
    assert square[0, 256, 256].min() > 0.99
    bright = (square[0, ..., 0] > 0.5).nonzero().float().mean(0)
    assert (bright - 255.5).abs().max() < 512 / min(shape)


def test_what_is_no_picture_is_named() -> None:
    for bad in (torch.zeros(4, 5, 3), torch.zeros(0, 4, 5, 3), torch.zeros(1, 4, 5, 1)):
        with pytest.raises(RenderError, match="The background has shape"):
            square_pictures(bad, "background")


def test_values_of_other_nodes_are_made_fit() -> None:
    assert cleaned(torch.tensor([float("nan"), -3.0, 0.5, 7.0])).tolist() == [0, 0, 0.5, 1]
