"""Small networks and their files, and the real checkpoint, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from real3d_core.checkpoints import convert

from ..bfm_making import SyntheticBfm, synthetic_bfm
from .making import entries_of, nested, write_face_model
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


@pytest.fixture(scope="session")
def bfm() -> SyntheticBfm:
    return synthetic_bfm()


@pytest.fixture(scope="session")
def face_model_files(bfm: SyntheticBfm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the face model's original files. Not to be changed."""
    return write_face_model(tmp_path_factory.mktemp("bfm"), bfm).parent


@pytest.fixture(scope="session")
def face_model(face_model_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The converted face model. Not to be changed."""
    return convert(face_model_files, tmp_path_factory.mktemp("face_model")).path


@pytest.fixture(scope="session")
def released() -> dict[str, torch.Tensor]:
    """Every entry of the released portrait networks' layout, 592 MB."""
    return entries_of("secc2plane_torso")
