"""Networks of a few numbers in the place of the real ones, and the real checkpoint, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from real3d_core.checkpoints import convert, parts
from real3d_core.checkpoints.parts import Part

from ..bfm_making import SyntheticBfm, synthetic_bfm
from .making import CONFIG, checkpoint, entries_of, nested, write_face_model


class SmallSuperResolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.torso_model, self.block0 = nn.Linear(3, 2), nn.Conv2d(2, 2, 3)
        self.register_buffer("steps", torch.tensor(0))

    def folded(self) -> nn.Module:
        return nn.Sequential(self.torso_model, nn.Sigmoid())


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture networks are small; the decoder is the real one."""
    small = {
        "IMAGE_TO_PLANE": Part("cano_img2plane_backbone.", lambda: nn.Linear(2, 3)),
        "MOTION_ADAPTER": Part("secc_img2plane_backbone.", lambda: nn.BatchNorm1d(2)),
        "HTB_SR": Part("superresolution.", SmallSuperResolution),
    }
    for name, part in small.items():
        monkeypatch.setattr(parts, name, part)
    head = (parts.IMAGE_TO_PLANE, parts.MOTION_ADAPTER, parts.DECODER, parts.HTB_SR)
    monkeypatch.setitem(parts.PARTS, "talking-head", head)


@pytest.fixture
def small_entries(small_parts: None) -> dict[str, torch.Tensor]:
    """Entries of the small portrait networks, with the training's own."""
    filled = torch.Generator().manual_seed(1)
    entries = {
        part.prefix + name: torch.randn(value.shape, generator=filled).to(value.dtype)
        for part in parts.PARTS["talking-head"]
        for name, value in part.build().state_dict().items()
    }
    return entries | {name: torch.ones(shape) for name, shape in parts.TRAINING_ONLY.items()}


@pytest.fixture
def small_checkpoint(small_entries: dict[str, torch.Tensor], tmp_path: Path) -> Path:
    """The folder of a checkpoint of the small networks."""
    return write_checkpoint(tmp_path / "small_torso", nested(small_entries))


def write_checkpoint(folder: Path, state: dict[str, Any], config: str | None = CONFIG) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint(state), folder / "model_ckpt_steps_100000.ckpt")
    if config is not None:
        (folder / "config.yaml").write_text(config)
    return folder


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
