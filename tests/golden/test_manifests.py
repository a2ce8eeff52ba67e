"""The modules' state dicts are those of the released files: the same names, shapes and types."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from real3d_core.checkpoints.parts import TRAINING_ONLY

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


PICTURES, AUDIO = "secc2plane_torso", "audio2secc_vae"
PARTS = {
    PICTURES: (
        Part("image_to_plane.backbone", "CanonicalPlanes", "cano_img2plane_backbone."),
        Part("motion_adapter.backbone", "MotionPlanes", "secc_img2plane_backbone."),
        Part("render_triplane.decoder", "TriPlaneDecoder", "decoder."),
        Part("htb_sr.network.super_resolution", "SuperResolution", "superresolution."),
    ),
    AUDIO: (Part("audio_to_motion.pitch_vae", "PitchContourVAE", ""),),
}
"""What the two released files are made of."""


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


@pytest.mark.parametrize(
    ("manifest", "part"),
    [(name, part) for name, parts in PARTS.items() for part in parts],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_part_is_the_released_one(manifest: str, part: Part) -> None:
    """Each for itself, so that the failing one is named."""
    wanted = {name: entry for name, entry in released(manifest).items() if name.startswith(part.prefix)}
    assert own(part) == wanted


@pytest.mark.parametrize(("manifest", "training_only"), [(PICTURES, TRAINING_ONLY), (AUDIO, {})])
def test_the_parts_are_the_whole_file(manifest: str, training_only: dict[str, tuple[int, ...]]) -> None:
    wanted = {name: entry.shape for name, entry in released(manifest).items()}
    found = [(name, entry.shape) for part in PARTS[manifest] for name, entry in own(part).items()]
    assert dict(found) | training_only == wanted
    assert len(found) + len(training_only) == len(wanted)  # no entry belongs to two parts
