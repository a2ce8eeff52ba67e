"""How two pictures become one."""

from __future__ import annotations

import pytest
import torch

from real3d_core.errors import RenderError
from real3d_core.stereo.layouts import (
    ANAGLYPHS,
    COLOUR,
    DUBOIS,
    GREY,
    HALF_COLOUR,
    LAYOUTS,
    LUMA,
    OVER_UNDER,
    OVER_UNDER_HALF,
    SIDE_BY_SIDE,
    SIDE_BY_SIDE_HALF,
    laid_out,
    mark_of,
    size_of,
)
from tests.sentences import assert_one_sentence

RED, BLUE = (torch.tensor(colour).expand(2, 8, 8, 3) for colour in ([1.0, 0, 0], [0, 0, 1.0]))


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return torch.rand(2, 8, 12, 3, generator=random), torch.rand(2, 8, 12, 3, generator=random)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sizes_and_range(layout: str) -> None:
    left, right = pair()
    made = laid_out(left, right, layout)
    width, height = size_of(layout, 12, 8)
    assert made.shape == (2, height, width, 3)
    assert float(made.min()) >= 0 and float(made.max()) <= 1


def test_left_and_upper_are_the_left_eyes() -> None:
    left, right = pair()
    both = laid_out(left, right, SIDE_BY_SIDE)
    assert torch.equal(both[:, :, :12], left) and torch.equal(both[:, :, 12:], right)
    both = laid_out(left, right, OVER_UNDER)
    assert torch.equal(both[:, :8], left) and torch.equal(both[:, 8:], right)
    half = laid_out(RED, BLUE, SIDE_BY_SIDE_HALF)
    assert torch.equal(half[:, :, :3], RED[:, :, :3]) and torch.equal(half[:, :, 5:], BLUE[:, :, :3])
    half = laid_out(RED, BLUE, OVER_UNDER_HALF)
    assert torch.equal(half[:, :3], RED[:, :3]) and torch.equal(half[:, 5:], BLUE[:, :3])


def test_red_shows_the_left_eye_and_cyan_the_right() -> None:
    left, right = pair()
    luma = torch.tensor(LUMA)
    colour, half, grey = (laid_out(left, right, one) for one in (COLOUR, HALF_COLOUR, GREY))
    assert torch.equal(colour[..., 0], left[..., 0]) and torch.equal(colour[..., 1:], right[..., 1:])
    torch.testing.assert_close(half[..., 0], left @ luma)
    assert torch.equal(half[..., 1:], right[..., 1:])
    torch.testing.assert_close(grey[..., 2], right @ luma)


@pytest.mark.parametrize("layout", ANAGLYPHS)
def test_grey_stays_grey_and_each_eye_has_its_own_side(layout: str) -> None:
    grey = torch.linspace(0, 1, 11)[None, None, :, None].expand(1, 1, -1, 3)
    torch.testing.assert_close(laid_out(grey, grey, layout), grey, atol=3e-3, rtol=0)
    white, black = torch.ones(1, 1, 1, 3), torch.zeros(1, 1, 1, 3)
    left = laid_out(white, black, layout)[0, 0, 0]
    right = laid_out(black, white, layout)[0, 0, 0]
    assert left[0] > 0.99 and left[1:].max() < 0.01
    assert right[1:].min() > 0.99 and right[0] < 0.01


def test_dubois_keeps_skin_from_flickering_between_the_eyes() -> None:
    """Seen alike by both eyes, a red thing is dark in the right eye as colour, less so with Dubois."""
    colour, dubois = (laid_out(RED, RED, one)[0, 0, 0] for one in (COLOUR, DUBOIS))
    assert colour[0] - colour[1] == 1 and dubois[0] - dubois[1] < 0.2


def test_players_are_told_of_whole_layouts_alone() -> None:
    assert mark_of(SIDE_BY_SIDE_HALF, swapped=False) == "side by side"
    assert mark_of(OVER_UNDER, swapped=False) == "over-under"
    assert mark_of(DUBOIS, swapped=False) == "" and mark_of(SIDE_BY_SIDE, swapped=True) == ""


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(RenderError) as error:
        laid_out(RED, BLUE, "hologram")
    assert_one_sentence(error.value)
