"""The Image-to-Plane network's module, with whatever weights."""

from __future__ import annotations

import pytest
import torch

from real3d_core.image_to_plane.backbone import CanonicalPlanes, as_planes, with_positions
from real3d_core.streaming import one_torch_thread
from tests.pretended_gpu import GPU, OnGpu, PretendedGpu


@pytest.fixture(autouse=True)
def quick():
    with one_torch_thread():  # the pictures are small
        yield


@pytest.fixture(scope="module")
def net() -> CanonicalPlanes:
    torch.manual_seed(0)
    return CanonicalPlanes().eval()


def test_it_computes_where_its_weights_are(net):
    head = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        wanted = net(head)
        assert wanted.shape == (1, 3, 32, 32, 32)
        with PretendedGpu():
            weights = {name: value.to(GPU) for name, value in net.state_dict().items()}
            made = torch.func.functional_call(net, weights, (head.to(GPU),))
            assert isinstance(made, OnGpu) and (made.cpu() - wanted).abs().max() < 1e-5


def test_positions_are_rows_then_columns():
    rows, columns = with_positions(torch.zeros(2, 3, 4, 8))[1, 3:]
    assert rows[:, 5].tolist() == [0, 0.25, 0.5, 0.75]
    assert columns[2].tolist() == [n / 8 for n in range(8)]


def test_planes_are_flipped():
    """The first texel of a plane is the bottom row of the first two, and the far corner of the third."""
    channels = torch.zeros(1, 96, 4, 4)
    channels[0, 0, 3, 0] = channels[0, 32, 3, 0] = channels[0, 64, 3, 3] = 1
    planes = as_planes(channels)
    assert planes.shape == (1, 3, 32, 4, 4)
    assert planes[0, :, 0, 0, 0].tolist() == [1, 1, 1] and planes.sum() == 3


def test_half_precision():
    """Planes are those of float32 but for rounding; the picture may come as it is."""
    torch.manual_seed(0)
    net, head = CanonicalPlanes().eval(), torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        wanted, made = net(head), net.to(torch.float16)(head)
    assert made.dtype == torch.float16
    assert (made.float() - wanted).pow(2).mean().sqrt() < 0.02 * wanted.std()
