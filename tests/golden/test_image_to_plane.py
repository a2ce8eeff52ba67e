"""The Image-to-Plane network gives the recorded numbers, block by block."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from real3d_core.image_to_plane.backbone import CanonicalPlanes
from real3d_core.streaming import one_torch_thread
from tests.deterministic import NetInputs
from tests.golden.conftest import CANONICAL_PARTS
from tests.golden.recorded import Recorded

RECORDED = Recorded("cano_plane")


def test_every_recorded_tensor_is_compared() -> None:
    assert set(RECORDED.names()) == set(CANONICAL_PARTS)


@pytest.mark.parametrize("name", CANONICAL_PARTS)
def test_recorded(canonical_run: dict[str, Tensor], name: str) -> None:
    RECORDED.assert_close(name, canonical_run[name])


def test_a_batch_is_its_pictures(canonical_planes_module: CanonicalPlanes, inputs: NetInputs) -> None:
    """On smaller pictures: the network takes any multiple of 32."""
    small = inputs.src_head[:, :, 128:384:4, 128:384:4]
    heads = torch.cat([small, small.flip(3), small.flip(1)])
    with torch.inference_mode(), one_torch_thread():
        together = canonical_planes_module(heads)
        for head, planes in zip(heads, together, strict=True):
            difference = (canonical_planes_module(head[None])[0] - planes).abs()
            assert difference.max() <= 1e-4 and difference.mean() <= 5e-6
    assert (together[0] - together[1]).abs().mean() > 0.1  # they are different pictures
