"""Synthesis blocks: their filter, their scales, and their folded form."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from real3d_core.htb_sr.network.folded_synthesis import FoldedSynthesis
from real3d_core.htb_sr.network.synthesis import ModulatedConv, SynthesisBlock, doubled, fir_filter


def test_doubled_is_zeros_between_and_the_filter() -> None:
    rgb = torch.randn(2, 3, 5, 6)
    apart = torch.zeros(2, 3, 10, 12)
    apart[..., ::2, ::2] = rgb
    padded = F.pad(apart, (2, 1, 2, 1))
    wanted = F.conv2d(padded, 4 * fir_filter().expand(3, 1, 4, 4), groups=3)
    assert torch.allclose(doubled(rgb, fir_filter()), wanted, atol=1e-6)


def test_doubled_keeps_a_flat_picture_flat() -> None:
    inside = doubled(torch.full((1, 3, 6, 6), 0.7), fir_filter())[..., 1:-1, 1:-1]
    assert torch.allclose(inside, torch.tensor(0.7), atol=1e-6)


def test_outputs_have_unit_weight_whatever_the_style() -> None:
    torch.manual_seed(0)
    layer = ModulatedConv(6, 5, 8, doubles=False)
    with torch.no_grad():
        layer.affine.bias.uniform_(0.2, 3)
    assert torch.allclose(layer.modulated().square().sum((1, 2, 3)), torch.ones(5), atol=1e-5)


@pytest.mark.parametrize("doubles", [True, False])
def test_folded_block(doubles: bool) -> None:
    torch.manual_seed(0)
    block = SynthesisBlock(6, 5, 16, doubles)
    for layer in (block.conv0, block.conv1, block.torgb):
        torch.nn.init.normal_(layer.bias)
    x, rgb = torch.randn(2, 6, 8, 8), torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        wanted, found = block(x, rgb), FoldedSynthesis(block)(x, rgb)
    assert wanted.rgb.shape[-1] == (16 if doubles else 8)
    assert torch.allclose(found.features, wanted.features, atol=2e-5)
    assert torch.allclose(found.rgb, wanted.rgb, atol=2e-5)
