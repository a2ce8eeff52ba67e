"""The motion field's geometry, and what folding takes out of its convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from real3d_core.htb_sr.network.folded_motion import TAPS, case_of_depth, depth_cases, halved
from real3d_core.htb_sr.network.motion_field import KEY_POINTS, grid, heat, key_points


def test_wide_convolution_of_a_volume_that_is_the_same_at_every_depth() -> None:
    torch.manual_seed(0)
    weight, picture = torch.randn(3, 2, 7, 7, 7), torch.randn(2, 2, 8, 9)
    wanted = F.conv3d(picture[:, :, None].expand(-1, -1, 16, -1, -1), weight, padding=3)
    cases = F.conv2d(picture, depth_cases(weight), padding=3).unflatten(1, (TAPS, 3))
    found = cases[:, case_of_depth()].transpose(1, 2)
    assert torch.allclose(found, wanted, atol=1e-3)


def test_grid_runs_from_corner_to_corner() -> None:
    positions = grid(torch.zeros(1))
    assert positions.shape == (16, 64, 64, 3)
    assert positions[0, 0, 0].tolist() == [-1, -1, -1]
    assert positions[0, 0, -1].tolist() == [1, -1, -1]
    assert positions[0, -1, 0].tolist() == [-1, 1, -1]
    assert positions[-1, 0, 0].tolist() == [-1, -1, 1]


def test_heat_is_greatest_at_its_point() -> None:
    point = grid(torch.zeros(1))[8, 20, 40]
    warm = heat(point.expand(1, 4, 3))
    assert warm.shape == (1, 4, 16, 64, 64)
    assert float(warm[0, 0, 8, 20, 40]) == 1
    assert float(warm[0, 0].flatten().topk(2).values[1]) < 1
    normal = (warm == 0) | (warm > torch.finfo(torch.float32).tiny)
    assert bool(normal.all())


def test_key_points_lie_in_the_plane() -> None:
    landmarks = torch.randn(2, 68, 3)
    chosen = key_points(landmarks)
    assert torch.equal(chosen[..., :2], landmarks[:, list(KEY_POINTS), :2])
    assert not chosen[..., 2].any()


def test_halved() -> None:
    volume = torch.randn(2, 3, 4, 6, 8)
    assert torch.allclose(halved(volume), F.avg_pool3d(volume, (1, 2, 2)), atol=1e-6)
    assert halved(volume.bfloat16()).dtype == torch.bfloat16
