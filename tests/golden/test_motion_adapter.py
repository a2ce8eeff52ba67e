"""The Motion Adapter network gives the recorded numbers, block by block."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from real3d_core.motion_adapter.backbone import MotionPlanes
from tests.deterministic import NetInputs, secc_image
from tests.golden.conftest import NetworkPlanes
from tests.golden.recorded import Recorded

RECORDED = Recorded("secc_plane")


def test_every_recorded_tensor_is_compared(motion_run: dict[str, Tensor]) -> None:
    assert set(RECORDED.names()) == set(motion_run)


@pytest.mark.parametrize("name", RECORDED.names())
def test_recorded(motion_run: dict[str, Tensor], name: str) -> None:
    RECORDED.assert_close(name, motion_run[name])


def test_a_prepared_portrait_gives_the_same(
    motion_planes_module: MotionPlanes, network_planes: NetworkPlanes, inputs: NetInputs
) -> None:
    with torch.inference_mode():
        portrait = motion_planes_module.portrait(inputs.cano_secc, inputs.src_secc)
        planes = motion_planes_module.forward_with(portrait, inputs.tgt_secc)
    assert portrait.shape == (1, 32, 128, 128)
    RECORDED.assert_close("planes_secc", planes)
    difference = (planes - network_planes.residual).abs()
    assert difference.max() <= 1e-4 and difference.mean() <= 5e-6


@pytest.mark.parametrize("prepared", [False, True])
def test_a_batch_is_its_frames(
    motion_planes_module: MotionPlanes, inputs: NetInputs, network_planes: NetworkPlanes, prepared: bool
) -> None:
    """Any number of targets go with one portrait."""
    targets = torch.cat([secc_image(0.2), inputs.tgt_secc, secc_image(0.5, 3.0)])
    with torch.inference_mode():
        if prepared:
            portrait = motion_planes_module.portrait(inputs.cano_secc, inputs.src_secc)
            together = motion_planes_module.forward_with(portrait, targets)
        else:
            together = motion_planes_module(inputs.cano_secc, inputs.src_secc, targets)
    difference = (together[1:2] - network_planes.residual).abs()
    assert difference.max() <= 1e-4 and difference.mean() <= 5e-6
    assert (together[0] - together[2]).abs().mean() > 0.01  # they are different frames
