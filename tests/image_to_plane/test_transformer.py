"""Attention blocks of the plane networks."""

from __future__ import annotations

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from real3d_core.image_to_plane import transformer
from real3d_core.image_to_plane.transformer import Attention, Grid, attention


class Largest(TorchDispatchMode):
    """Notes the bytes of the largest tensor that any operation gives."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for one in tree_leaves(result):
            if isinstance(one, torch.Tensor):
                self.bytes = max(self.bytes, one.numel() * one.element_size())
        return result


def test_sixteen_thousand_tokens_need_no_gigabyte_of_scores():
    """Even where no kernel computes attention without storing its scores: all of them would be 1 GiB."""
    with torch.device("meta"):
        layer, tokens = Attention(1024, 4, 2), torch.empty(1, 128 * 128, 1024)
    with Largest() as largest, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        assert layer(tokens, Grid(128, 128)).shape == tokens.shape
    assert largest.bytes <= 128 * 2**20


def test_slices_of_queries_are_the_whole(monkeypatch):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 3, 37, 8), torch.randn(2, 3, 11, 8), torch.randn(2, 3, 11, 8)
    scores = q.double() @ k.double().transpose(2, 3) / 8**0.5
    wanted = scores.softmax(3) @ v.double()
    for most in (1, 2 * 3 * 11 * 5, 2**25):  # one query at a time, five, all
        monkeypatch.setattr(transformer, "SCORES_AT_ONCE", most)
        assert (attention(q, k, v) - wanted).abs().max() < 1e-6
