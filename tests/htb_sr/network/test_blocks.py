"""Blocks with constants baked in give what the blocks give."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from real3d_core.htb_sr.network.blocks import (
    MOST_DOUBLED,
    BakedDoubling,
    BakedResidual,
    ConvNorm,
    Residual,
    SpectralConv,
    Up,
    baked,
    baked_up,
)

SHAPE = {2: (2, 4, 6, 7), 3: (2, 4, 5, 6, 7)}


def lived_in(module: nn.Module) -> nn.Module:
    """In eval mode, with norms that do something."""
    torch.manual_seed(0)
    for name, value in module.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
        elif value.ndim == 1 and value.is_floating_point() and "_u" not in name and "_v" not in name:
            value.normal_()
    return module.eval()


def assert_same(found: Tensor, wanted: Tensor) -> None:
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=2e-5), (found - wanted).abs().max()


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_norm_is_in_the_convolution(rank: int, slope: float) -> None:
    block, x = lived_in(ConvNorm(rank, 4, 3, slope=slope)), torch.randn(SHAPE[rank])
    with torch.no_grad():
        assert_same(baked(block)(x), block(x))


@pytest.mark.parametrize("rank", [2, 3])
def test_doubling_is_one_transposed_convolution(rank: int) -> None:
    block, x = lived_in(Up(rank, 4, 3)), torch.randn(SHAPE[rank])
    with torch.no_grad():
        folded = baked_up(block)
        assert isinstance(folded, BakedDoubling)
        assert_same(folded(x), block(x))
        assert block(x).shape[-2:] == (12, 14)


def test_doubling_of_many_channels_keeps_its_few_taps() -> None:
    block, x = lived_in(Up(3, MOST_DOUBLED + 1, 2)), torch.randn(1, MOST_DOUBLED + 1, 3, 2, 2)
    with torch.no_grad():
        folded = baked_up(block)
        assert_same(folded(x), block(x))
        assert sum(value.numel() for value in folded.parameters()) == 2 * (MOST_DOUBLED + 1) * 27 + 2


@pytest.mark.parametrize("rank", [2, 3])
def test_residual(rank: int) -> None:
    block, x = lived_in(Residual(rank, 4, spectral=rank == 2)), torch.randn(SHAPE[rank])
    before = x.clone()
    with torch.no_grad():
        assert_same(BakedResidual(block)(x), block(x))
    assert torch.equal(x, before)


def test_spectral_weight_has_unit_norm() -> None:
    """Once the stored vectors are the leading singular ones."""
    torch.manual_seed(1)
    layer = SpectralConv(3, 5)
    u, _, v = torch.linalg.svd(layer.weight_orig.detach().flatten(1), full_matrices=False)
    layer.weight_u.copy_(u[:, 0])
    layer.weight_v.copy_(v[0])
    assert float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) == pytest.approx(1, abs=1e-5)
