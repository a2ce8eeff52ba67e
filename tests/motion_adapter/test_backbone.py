"""The Motion Adapter network's module on small pictures."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch import Tensor

from real3d_core.motion_adapter.backbone import MotionPlanes
from real3d_core.streaming import one_torch_thread
from tests.deterministic import fill_module
from tests.pretended_gpu import GPU, OnGpu, PretendedGpu


@pytest.fixture(autouse=True)
def quick():
    with one_torch_thread():  # the pictures are small
        yield


@pytest.fixture(scope="module")
def net() -> MotionPlanes:
    return fill_module(MotionPlanes(), "secc_img2plane_backbone.")


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
    """Planes are those of float32 but for rounding: less of it where only the last layers are lowered."""
    given = maps(3)
    errors = []
    with torch.no_grad():
        wanted = net(*given)
        for change in (lambda module: module.to(dtype), lambda module: module.lowered(dtype)):
            short = change(copy.deepcopy(net))
            for made in (short(*given), short.forward_with(short.portrait(*given[:2]), given[2])):
                assert made.dtype == dtype
                errors.append(float((made.float() - wanted).pow(2).mean().sqrt() / wanted.std()))
    assert max(errors[:2]) < 0.02 and max(errors[2:]) < 0.7 * min(errors[:2])
