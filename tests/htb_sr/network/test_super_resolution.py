"""The whole network: its entries, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from real3d_core.errors import BackendError
from real3d_core.htb_sr.network import BackgroundFeatures, PortraitFeatures, SuperResolution
from real3d_core.htb_sr.network.appearance import torso_mask
from real3d_core.htb_sr.network.folded import fused_encoder
from real3d_core.htb_sr.network.folded_motion import StillVolume
from real3d_core.htb_sr.network.super_resolution import solid

MANIFEST = Path(__file__).parents[2] / "golden" / "manifest_secc2plane_torso.json"
PREFIX = "superresolution."


def test_entries_are_the_checkpoints() -> None:
    """In name, shape, type and order."""
    listed = json.loads(MANIFEST.read_text())["entries"]
    wanted = [
        (entry["name"].removeprefix(PREFIX), entry["shape"], entry["dtype"])
        for entry in listed
        if entry["name"].startswith(PREFIX)
    ]
    with torch.device("meta"):
        network = SuperResolution()
    found = [
        (name, list(value.shape), str(value.dtype).removeprefix("torch."))
        for name, value in network.state_dict().items()
    ]
    assert found == wanted


@pytest.mark.parametrize("mode", ["v1", "v3"])
def test_other_recipes_are_refused_by_name(mode: str) -> None:
    with pytest.raises(BackendError, match=f'"{mode}"'):
        SuperResolution(mode)


def test_above_the_threshold_a_head_is_solid() -> None:
    alpha = torch.tensor([0.2, 0.9, 0.91, 1.1])
    assert torch.equal(solid(alpha, 0.9), torch.tensor([0.2, 0.9, 1.0, 1.0]))


def test_torso_mask_grows_by_three_texels() -> None:
    classes = torch.zeros(1, 2, 16, 16)
    classes[0, 0, 8, 8] = 0.5
    classes[0, 1, 8, 8] = 0.5
    mask = torso_mask(classes)
    assert mask.shape == (1, 1, 16, 16)
    assert torch.equal(mask[0, 0, 8], torch.tensor([0.0] * 5 + [1.0] * 7 + [0.0] * 4))


def test_torso_encoder_is_in_the_convolution_that_joins() -> None:
    torch.manual_seed(0)
    encoder, fuse = torch.nn.Conv2d(3, 4, 1), torch.nn.Conv2d(8, 5, 3, padding=1)
    head, torso, rest = torch.randn(2, 4, 6, 6), torch.randn(2, 3, 6, 6), torch.rand(2, 1, 6, 6)
    with torch.no_grad():
        wanted = torch.nn.functional.leaky_relu(fuse(torch.cat([head, encoder(torso) * rest], 1)), 0.01)
        found = fused_encoder(encoder, fuse)(torch.cat([head, torso * rest, rest], 1))
    assert torch.allclose(found, wanted, atol=1e-5)


def test_portrait_features_move_whole() -> None:
    one = torch.zeros(1)
    features = PortraitFeatures(one, StillVolume(one, one, one), one, BackgroundFeatures(one, one)).to("meta")
    parts = [features, features.still, features.background]
    values = [getattr(part, field.name) for part in parts for field in fields(part)]
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    assert len(tensors) == 7
    assert all(value.device.type == "meta" for value in tensors)
