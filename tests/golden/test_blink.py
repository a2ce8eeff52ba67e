"""Blinks against the recorded ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.face_model.blink import blink, blink_percent
from tests.deterministic import secc_image
from tests.golden.recorded import Recorded

PERCENTS = ("0.0", "0.3", "0.7", "1.0")
CROP = (slice(None), slice(180, 250), slice(160, 350))


def to_levels(maps: Tensor) -> np.ndarray:
    return np.round((maps.numpy() + 1) * 127.5).astype(int)


@pytest.mark.parametrize("percent", PERCENTS)
def test_closed_eyes(percent: str) -> None:
    recorded = Recorded("blink")
    drawn = blink(secc_image(0.3), torch.tensor([float(percent)]))[0]
    assert list(drawn.shape) == recorded[f"blink_{percent}_full__shape"].tolist()
    equal = to_levels(drawn)[CROP] == to_levels(recorded[f"blink_{percent}"])
    assert equal.all(0).mean() >= 0.995
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
