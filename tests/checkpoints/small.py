"""Networks of a few numbers in the place of the real ones, and their checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from real3d_core.checkpoints import parts
from real3d_core.checkpoints.parts import Part

from .making import CONFIG, checkpoint


class SmallSuperResolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.torso_model, self.block0 = nn.Linear(3, 2), nn.Conv2d(2, 2, 3)
        self.register_buffer("steps", torch.tensor(0))

    def folded(self) -> nn.Module:
        return nn.Sequential(self.torso_model, nn.Sigmoid())


class SmallMotionPlanes(nn.BatchNorm1d):
    """Lowers only its bias, as the real one lowers only its last layers."""

    def __init__(self) -> None:
        super().__init__(2)

    def lowered(self, dtype: torch.dtype) -> nn.Module:
        self.bias.data = self.bias.data.to(dtype)
        return self


def use_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the picture networks small for a test; the decoder is the real one."""
    small = {
        "IMAGE_TO_PLANE": Part("cano_img2plane_backbone.", lambda: nn.Linear(2, 3)),
        "MOTION_ADAPTER": Part("secc_img2plane_backbone.", SmallMotionPlanes),
        "HTB_SR": Part("superresolution.", SmallSuperResolution),
    }
    for name, part in small.items():
        monkeypatch.setattr(parts, name, part)
    head = (parts.IMAGE_TO_PLANE, parts.MOTION_ADAPTER, parts.DECODER, parts.HTB_SR)
    monkeypatch.setitem(parts.PARTS, "talking-head", head)


def entries_of_small_parts() -> dict[str, torch.Tensor]:
    """Entries of the portrait networks as they are now, with the training's own."""
    seeded = torch.Generator().manual_seed(1)
    entries = {
        part.prefix + name: torch.randn(value.shape, generator=seeded).to(value.dtype)
        for part in parts.PARTS["talking-head"]
        for name, value in part.build().state_dict().items()
    }
    return entries | {name: torch.ones(shape) for name, shape in parts.TRAINING_ONLY.items()}


def write_checkpoint(folder: Path, state: dict[str, Any], config: str | None = CONFIG) -> Path:
    """The folder of a released checkpoint, with its settings if there are any."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint(state), folder / "model_ckpt_steps_100000.ckpt")
    if config is not None:
        (folder / "config.yaml").write_text(config)
    return folder
