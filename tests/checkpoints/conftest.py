"""Small networks and their files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from .making import nested
from .small import entries_of_small_parts, use_small_parts, write_checkpoint


@pytest.fixture
def small_entries(monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Entries of the small portrait networks, which take the place of the real ones."""
    use_small_parts(monkeypatch)
    return entries_of_small_parts()


@pytest.fixture
def small_checkpoint(small_entries: dict[str, torch.Tensor], tmp_path: Path) -> Path:
    """The folder of a checkpoint of the small networks."""
    return write_checkpoint(tmp_path / "small_torso", nested(small_entries))
