"""Blinks against the recorded ones: equal but for pixels whose nearest face pixels are equally near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from real3d_core.face_model.blink import blink, blink_percent
from tests.deterministic import secc_image
from tests.golden.recorded import Recorded

PERCENTS = ("0.0", "0.3", "0.7", "1.0")
CROP = (slice(None), slice(180, 250), slice(160, 350))


def to_levels(maps: Tensor) -> np.ndarray:
    return np.round((maps.numpy() + 1) * 127.5).astype(int)


@dataclass(frozen=True)
class Eye:
    """lids [512, 512] bool; sources [k, 2], the face pixels that may fill them."""

    lids: np.ndarray
    sources: np.ndarray


def eyes_of(levels: np.ndarray) -> list[Eye]:
    """The same rule in numpy: one eye at a time, distances by a tree of points."""
    face = (levels > 0).all(0)
    holes = []
    for columns in (slice(128, 256), slice(256, 384)):
        hole = np.zeros_like(face)
        hole[128:256, columns] = ~face[128:256, columns]
        holes.append(np.argwhere(hole))
    rows = np.concatenate(holes)[:, 0]
    eyes = []
    for hole in holes:
        box = np.zeros_like(face)
        box[rows.min() - 4 : rows.max() + 4, hole[:, 1].min() - 4 : hole[:, 1].max() + 4] = True
        inside = np.argwhere(face & box)
        near = cKDTree(hole).query(inside)[0] <= 5
        lids = ~face & box
        lids[tuple(inside[near].T)] = True
        eyes.append(Eye(lids, np.argwhere(face & box & ~lids)))
    return eyes


@pytest.fixture(scope="module")
def eyes() -> list[Eye]:
    return eyes_of(to_levels(torch.floor((secc_image(0.3)[0] + 1) * 127.5) / 127.5 - 1))


@pytest.mark.parametrize("percent", PERCENTS)
def test_closed_eyes(percent: str, eyes: list[Eye]) -> None:
    recorded = Recorded("blink")
    opened = to_levels(blink(secc_image(0.3), torch.zeros(1))[0])
    drawn = blink(secc_image(0.3), torch.tensor([float(percent)]))[0]
    levels, expected = to_levels(drawn)[CROP], to_levels(recorded[f"blink_{percent}"])
    assert list(drawn.shape) == recorded[f"blink_{percent}_full__shape"].tolist()
    unequal = np.argwhere((levels != expected).any(0))
    assert len(unequal) <= 0.0125 * levels[0].size
    for row, column in unequal:
        place = np.array([row + CROP[1].start, column + CROP[2].start])
        (eye,) = [eye for eye in eyes if eye.lids[tuple(place)]]
        distance = ((eye.sources - place) ** 2).sum(1)
        nearest = opened[(slice(None), *eye.sources[distance == distance.min()].T)]
        assert (nearest == expected[:, row, column, None]).all(0).any(), f"{place} is not a tie"
    whole = recorded[f"blink_{percent}_full"]
    assert (drawn[:, ::16, ::17] == whole).all(0).float().mean() >= 0.995
    precise = drawn.double()
    found = torch.stack([precise.mean(), precise.std(unbiased=False), precise.min(), precise.max()])
    assert (found - recorded[f"blink_{percent}_full__stats"]).abs().max() < 1e-5


def test_not_closing_is_exact() -> None:
    drawn = blink(secc_image(0.3), torch.zeros(1))[0]
    recorded = Recorded("blink")
    assert torch.equal(drawn[CROP], recorded["blink_0.0"])
    assert torch.equal(drawn[:, ::16, ::17], recorded["blink_0.0_full"])


def test_course_of_a_blink() -> None:
    Recorded("blink").assert_close("blink_percent_T11", blink_percent(11), (1e-6, 1e-7))


def test_every_recorded_tensor_is_compared() -> None:
    compared = {f"blink_{p}{end}" for p in PERCENTS for end in ("", "_full")} | {"blink_percent_T11"}
    assert set(Recorded("blink").names()) == compared
