"""The recorded numbers of this folder: what the original computed for tests/deterministic.py.

A file holds each tensor X sampled with fixed strides, its whole shape (X__shape), the strides (X__stride)
and, for floats, mean, standard deviation, least and greatest value of the whole tensor (X__stats).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

HERE = Path(__file__).parent

BLOCK = (3e-4, 2e-5)
"""Greatest and mean difference of a block that is fed the recorded input of the block before it."""

CHAIN = (1e-3, 5e-5)
"""The same for a chain of all blocks."""


class Recorded:
    """One file of recorded numbers."""

    def __init__(self, name: str) -> None:
        self._file = np.load(HERE / f"{name}.npz")

    def names(self) -> list[str]:
        return [name for name in self._file.files if "__" not in name]

    def __getitem__(self, name: str) -> Tensor:
        """The stored (strided) numbers."""
        return torch.from_numpy(self._file[name])

    def assert_close(
        self, name: str, actual: Tensor, tolerance: tuple[float, float] = BLOCK, outliers: int = 0
    ) -> None:
        """The whole tensor `actual` has the recorded shape and numbers, save for `outliers`."""
        shape = [int(size) for size in self._file[f"{name}__shape"]]
        assert list(actual.shape) == shape, f"{name}: shape {list(actual.shape)}, recorded {shape}"
        steps = tuple(slice(None, None, int(step)) for step in self._file[f"{name}__stride"])
        actual = actual.detach().cpu()
        difference = (actual[steps].double() - self[name].double()).abs().flatten()
        mean = float(difference.mean())
        worst = float(difference.sort().values[-1 - outliers])
        assert worst <= tolerance[0], f"{name}: differs by {worst:.2e}, allowed {tolerance[0]:.0e}"
        assert mean <= tolerance[1], f"{name}: differs by {mean:.2e} in the mean, allowed {tolerance[1]:.0e}"
        if f"{name}__stats" in self._file.files:
            self._assert_stats(name, actual, tolerance[0])

    def _assert_stats(self, name: str, actual: Tensor, most: float) -> None:
        """Catches what the stride steps over."""
        whole = actual.double()
        found = np.array([whole.mean(), whole.std(unbiased=False), whole.min(), whole.max()])
        stats = self._file[f"{name}__stats"]
        assert np.allclose(found[:2], stats[:2], atol=most, rtol=1e-3), f"{name}: {found} recorded {stats}"
