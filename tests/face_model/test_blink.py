"""Blinks drawn into maps: what closes, what stays, and when."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from real3d_core.errors import MotionError
from real3d_core.face_model.blink import LONGEST, SHORTEST, blink, period_blinks
from tests.pretended_gpu import GPU, PretendedGpu


def map_with_eyes(size: int = 128, shift: int = 0) -> Tensor:
    """[3, size, size]: colours that grow to the right and down, two eye holes."""
    y, x = torch.meshgrid(torch.arange(size) / size, torch.arange(size) / size, indexing="ij")
    secc = torch.stack([x - 0.2, y - 0.3, x * y])
    for centre in (0.39 + shift / size, 0.61 + shift / size):
        secc[:, ((x - centre) / 0.05) ** 2 + ((y - 0.42) / 0.025) ** 2 < 1] = -1
    return secc


def holes(secc: Tensor) -> Tensor:
    """[n] pixels without face."""
    return (secc == -1).all(1).sum((1, 2))


def test_lids_meet() -> None:
    percent = torch.tensor([0, 0.25, 0.5, 0.75, 0.9, 1])
    closing = blink(map_with_eyes().expand(6, -1, -1, -1), percent)
    left = holes(closing)
    assert left[0] > 40
    assert (left.diff() <= 0).all()
    assert left[-1] == 0
    # From both sides: what is left of the hole stays in the middle.
    rows = [torch.nonzero((one == -1).all(0).any(1))[:, 0].float().mean() for one in closing[:5]]
    assert max(abs(row - rows[0]) for row in rows) <= 1


def test_colours_come_from_beside_the_eye() -> None:
    opened, closed = (blink(map_with_eyes()[None], torch.tensor([p]))[0] for p in (0.0, 1.0))
    changed = (opened != closed).any(0)
    assert changed.sum() > 100
    assert (closed - map_without_eyes()).abs().max() < 0.2  # a few pixels' worth of the gradient


def map_without_eyes() -> Tensor:
    y, x = torch.meshgrid(torch.arange(128) / 128, torch.arange(128) / 128, indexing="ij")
    return torch.stack([x - 0.2, y - 0.3, x * y])


def test_open_eyes_are_only_rounded_down_to_8_bits() -> None:
    secc = map_with_eyes()[None]
    drawn = blink(secc, torch.zeros(1))
    levels = (drawn + 1) * 127.5
    assert (levels - levels.round()).abs().max() < 1e-4
    assert (secc - drawn).min() > -1e-6
    assert (secc - drawn).max() < 1 / 127.4


def test_a_frame_does_not_depend_on_the_others() -> None:
    maps = torch.stack([map_with_eyes(shift=shift) for shift in (-9, 0, 4, 11, 2, 7)])
    percent = torch.tensor([1, 0.4, 0, 0.6, 0.99, 0.1])
    together = blink(maps, percent)
    for k in range(6):
        assert torch.equal(blink(maps[k : k + 1], percent[k : k + 1])[0], together[k])


@pytest.mark.parametrize("fill", [-1.0, 0.5])
def test_maps_without_eyes_stay(fill: float) -> None:
    secc = torch.full((1, 3, 64, 64), fill)
    assert torch.equal(blink(secc, torch.ones(1)), blink(secc, torch.zeros(1)))


def test_one_eye_and_sizes_that_four_does_not_divide() -> None:
    secc = map_with_eyes(131)
    secc[:, :, 65:] = secc[:, :1, 65:]  # no hole on the right side
    closed = blink(secc[None, :, :, :127], torch.ones(1))
    assert holes(closed) == 0


def test_on_a_gpu() -> None:
    maps, percent = map_with_eyes()[None].repeat(2, 1, 1, 1), torch.tensor([0.5, 1.0])
    with PretendedGpu():
        there = blink(maps.to(GPU), percent.to(GPU))
        assert there.device == GPU
        assert torch.equal(there.cpu(), blink(maps, percent))


def test_bad_blinks_are_refused() -> None:
    secc = map_with_eyes()[None]
    for percent in (torch.tensor([1.5]), torch.tensor([-0.1]), torch.tensor([float("nan")]), torch.zeros(2)):
        with pytest.raises(MotionError):
            blink(secc, percent)
    with pytest.raises(MotionError):
        blink(secc[:, :2], torch.zeros(1))


def test_a_blink_every_five_seconds() -> None:
    curve = period_blinks(1000, seed=3)
    assert curve.shape == (1000,)
    assert curve.min() >= 0
    assert curve.max() <= 1
    for start in range(0, 1000, 125):
        one = curve[start : start + 125]
        assert one[0] == 0
        length = int(torch.nonzero(one)[-1]) + 1
        assert SHORTEST <= length <= LONGEST
        assert one.max() > 0.97
        assert (one[1:length] > 0).all()
    assert len({int((curve[s : s + 125] > 0).sum()) for s in range(0, 1000, 125)}) > 1


def test_blinks_of_a_seed() -> None:
    curve = period_blinks(500, seed=1)
    assert torch.equal(period_blinks(130, seed=1), curve[:130])
    assert any(not torch.equal(period_blinks(500, seed), curve) for seed in range(2, 6))
    assert period_blinks(0, seed=1).shape == (0,)


@pytest.mark.parametrize(("amount", "count"), [(0, 0), (0.05, 1), (0.5, 4), (1, 8), (2, 16)])
def test_the_amount_is_how_many(amount: float, count: int) -> None:
    shut = (period_blinks(1000, seed=0, amount=amount) > 0).int()
    assert int((shut.diff() == 1).sum()) == count


def test_blinks_at_another_rate_take_as_long() -> None:
    slow, fast = period_blinks(250, seed=5), period_blinks(500, seed=5, fps=50)
    assert abs(int((fast > 0).sum()) - 2 * int((slow > 0).sum())) <= 6
    assert fast[125] == 0
    assert fast[255] > 0
