"""The modules' state dicts are those of the released files: the same names, shapes and types."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    shape: tuple[int, ...]
    dtype: str
    kind: str


@dataclass(frozen=True)
class Part:
    """A module under real3d_core, its class, and what its entries' names begin with in the released file."""

    module: str
    name: str
    prefix: str


PICTURE_PARTS = (
    Part("image_to_plane.backbone", "CanonicalPlanes", "cano_img2plane_backbone."),
    Part("motion_adapter.backbone", "MotionPlanes", "secc_img2plane_backbone."),
)
TRAINING_ONLY = {"lambda_pertube_blink_secc", "lambda_pertube_secc"}
"""Entries of the released file that no part has: how far training disturbed its maps."""


def released(manifest: str) -> dict[str, Entry]:
    entries = json.loads((HERE / f"manifest_{manifest}.json").read_text())["entries"]
    return {one["name"]: Entry(tuple(one["shape"]), one["dtype"], one["kind"]) for one in entries}


def own(part: Part) -> dict[str, Entry]:
    made = getattr(importlib.import_module(f"real3d_core.{part.module}"), part.name)
    with torch.device("meta"):
        module = made()
    parameters = {name for name, _ in module.named_parameters()}
    return {
        part.prefix + name: Entry(
            tuple(value.shape),
            str(value.dtype).removeprefix("torch."),
            "param" if name in parameters else "buffer",
        )
        for name, value in module.state_dict().items()
    }


@pytest.mark.parametrize("part", PICTURE_PARTS, ids=lambda part: part.name)
def test_a_part_is_the_released_one(part: Part) -> None:
    wanted = {n: e for n, e in released("secc2plane_torso").items() if n.startswith(part.prefix)}
    assert own(part) == wanted
