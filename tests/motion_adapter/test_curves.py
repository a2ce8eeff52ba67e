"""The batched PCHIP tables equal SciPy's curves."""

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator

from real3d_core.motion_adapter.curves import look_up, pchip_table


def test_table_equals_scipy():
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-1, 1, (6, 9)), 1) + np.arange(9) * 0.01
    y = rng.normal(0, 0.1, (6, 9))
    table = pchip_table(torch.tensor(x), torch.tensor(y), 65).numpy()
    for row in range(6):
        at = np.linspace(x[row, 0], x[row, -1], 65)
        assert np.abs(table[row] - PchipInterpolator(x[row], y[row])(at)).max() < 2e-4


def test_points_in_any_order_and_on_top_of_each_other():
    x = torch.tensor([[0.0, 0.5, 0.5, 0.2, 1.0]])
    y = torch.tensor([[0.0, 0.5, 0.5, 0.2, 1.0]])
    table = pchip_table(x, y, 11)
    assert torch.isfinite(table).all()
    assert (table[0].diff() >= -1e-6).all()
    assert table[0, 0] == 0
    assert abs(table[0, -1] - 1) < 1e-4


def test_look_up_is_linear_and_clipped():
    table = torch.tensor([[0.0, 1.0, 4.0]])
    at = torch.tensor([[-1.0, 0.0, 0.25, 0.75, 1.0, 2.0]])
    assert look_up(table, at)[0].tolist() == [0.0, 0.0, 0.5, 2.5, 4.0, 4.0]
