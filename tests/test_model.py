"""Weights as backends see them."""

import pytest
import torch
from torch import nn

from real3d_core.model import Resident, as_weights, device_of, dtype_of, is_on


class Shared(nn.Module):
    """Two layers with one weight, and a table that is no parameter."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.register_buffer("table", torch.arange(3.0), persistent=False)

    def forward(self, x):
        return self.second(self.first(x)) + self.table


def tensors(module):
    return [*module.parameters(), *module.buffers()]


@pytest.mark.parametrize("inference", [True, False])
def test_weights_built_in_any_mode_are_ordinary_and_the_same(inference):
    with torch.inference_mode(inference):
        module = Shared().train()
        given = {name: value.clone() for name, value in module.state_dict().items()}
    assert any(one.is_inference() for one in tensors(module)) == inference
    same = as_weights(module)
    assert same is module and not module.training and not module.first.training
    assert not any(one.is_inference() or one.requires_grad for one in tensors(module))
    assert module.second.weight is module.first.weight and "table" not in module.state_dict()
    assert all(torch.equal(value, given[name]) for name, value in module.state_dict().items())
    with torch.no_grad():
        module.to(torch.float64).table.add_(1)  # what the host may do, in any mode
        assert module(torch.ones(1, 3, dtype=torch.float64)).shape == (1, 3)


def test_resident_weights():
    weights = Resident(Shared().to(torch.bfloat16))
    assert weights.device == torch.device("cpu") and weights.dtype == torch.bfloat16
    assert weights.ready(10**9) is weights.ready() and not weights.ready().training


def test_where_a_module_lies():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, device="meta"))
    assert not is_on(module, torch.device("cpu")) and is_on(module[1], torch.device("meta"))
    assert device_of(module[1]) == torch.device("meta")
    assert device_of(nn.Identity()) == torch.device("cpu") and dtype_of(nn.Identity()) == torch.float32
