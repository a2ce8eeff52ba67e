"""The Motion Adapter network gives the recorded numbers, block by block."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from real3d_core.motion_adapter.backbone import MotionPlanes
from real3d_core.streaming import one_torch_thread
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
def test_a_batch_is_its_frames(motion_planes_module: MotionPlanes, inputs: NetInputs, prepared: bool) -> None:
    """Any number of targets go with one portrait. On smaller maps: the network takes any multiple of 32."""

    def small(secc: Tensor) -> Tensor:
        return secc[:, :, 64:448:6, 64:448:6]

    net, maps = motion_planes_module, (small(inputs.cano_secc), small(inputs.src_secc))

    def planes(targets: Tensor) -> Tensor:
        return net.forward_with(net.portrait(*maps), targets) if prepared else net(*maps, targets)

    targets = torch.cat([small(secc_image(0.2)), small(inputs.tgt_secc), small(secc_image(0.5, 3.0))])
    with torch.inference_mode(), one_torch_thread():
        together = planes(targets)
        for target, one in zip(targets, together, strict=True):
            difference = (planes(target[None])[0] - one).abs()
            assert difference.max() <= 1e-4 and difference.mean() <= 5e-6
    assert (together[0] - together[1]).abs().mean() > 0.01  # they are different frames
