"""The Motion Adapter network's module, with whatever weights."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor

from real3d_core.motion_adapter.backbone import MotionPlanes
from real3d_core.streaming import one_torch_thread
from tests.pretended_gpu import GPU, OnGpu, PretendedGpu


@pytest.fixture(autouse=True)
def quick():
    with one_torch_thread():  # the pictures are small
        yield


@pytest.fixture(scope="module")
def net() -> MotionPlanes:
    torch.manual_seed(0)
    return MotionPlanes().eval()


def maps(count: int, size: int = 64) -> list[Tensor]:
    torch.manual_seed(count)
    return [torch.rand(1, 3, size, size) * 2 - 1 for _ in range(count)]


def test_it_computes_where_its_weights_are(net):
    canonical, source, target = maps(3)
    with torch.no_grad():
        wanted = net(canonical, source, target)
        with PretendedGpu():
            weights = {name: value.to(GPU) for name, value in net.state_dict().items()}
            there = [one.to(GPU) for one in (canonical, source, target)]
            made = torch.func.functional_call(net, weights, tuple(there))
            assert isinstance(made, OnGpu) and (made.cpu() - wanted).abs().max() < 1e-5


def test_threads_do_not_disturb_each_other(net):
    canonical, source, *targets = maps(6)
    with torch.no_grad():
        portrait = net.portrait(canonical, source)
        wanted = [net.forward_with(portrait, one) for one in targets]
    got: dict[int, Tensor] = {}

    def work(number: int) -> None:
        with torch.no_grad():
            got[number] = net.forward_with(portrait, targets[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(targets))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for number, planes in enumerate(wanted):
        assert (got[number] - planes).abs().max() < 1e-5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_other_precisions(net, dtype):
    """Planes come in the weights' type, and are those of float32 but for its rounding."""
    canonical, source, target = maps(3)
    short = MotionPlanes().to(dtype).eval()
    short.load_state_dict(net.state_dict())
    with torch.no_grad():
        wanted = net(canonical, source, target)
        portrait = short.portrait(canonical.to(dtype), source.to(dtype))
        made = short.forward_with(portrait, target.to(dtype))
    assert made.dtype == dtype
    assert (made.float() - wanted).pow(2).mean().sqrt() < 0.05 * wanted.std()
