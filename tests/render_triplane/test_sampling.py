"""Plane sampling, decoder, importance sampling and ray marching, each against what is known of it."""

from __future__ import annotations

import pytest
import torch

from real3d_core.render_triplane.decoder import empty_space, from_equalised
from real3d_core.render_triplane.marching import march
from real3d_core.render_triplane.sampling import (
    Jitter,
    even_quantiles,
    importance_depths,
    merged_ranks,
    sample_planes,
    stratified_depths,
)
from real3d_core.wires import RenderSettings


def test_equalised_weights_are_scaled_by_their_inputs() -> None:
    weights = from_equalised(torch.ones(64, 32), torch.ones(64), torch.ones(33, 64), torch.ones(33))
    assert float(weights.w1[0, 0]) == pytest.approx(32**-0.5) and float(weights.w2[0, 0]) == 1 / 8
    assert weights.b1[0] == 1 and weights.b2[0] == 1
    assert float(empty_space(weights).density) == pytest.approx(1 + 8 * 1.3132617)


@pytest.mark.parametrize(("plane", "axes"), [(0, (0, 1)), (1, (0, 2)), (2, (2, 0))])
def test_planes_are_addressed_by_their_axes(plane: int, axes: tuple[int, int]) -> None:
    size = 16
    line = (torch.arange(size) + 0.5) / size - 0.5
    planes = torch.zeros(3, 2, size, size)
    planes[plane, 0], planes[plane, 1] = line[None, :], line[:, None]  # column, row coordinate
    points = (torch.rand(50, 3, generator=torch.Generator().manual_seed(0)) - 0.5) * 0.9
    seen = sample_planes(planes[None], points[None])[0].T * 3
    torch.testing.assert_close(seen, points[:, axes], atol=1e-6, rtol=0)


def test_features_are_zero_outside_the_box() -> None:
    assert sample_planes(torch.ones(1, 3, 4, 8, 8), torch.tensor([[[0.7, 0.7, 0.7]]])).abs().max() == 0


def test_strata_cover_the_ray_from_near_to_one_step_past_far() -> None:
    depths = stratified_depths(torch.tensor([2.0]), torch.tensor([3.0]), 11)
    torch.testing.assert_close(depths[0], 2.05 + torch.arange(11) * 0.1)


def test_importance_samples_gather_at_the_weight() -> None:
    depths = stratified_depths(torch.tensor([0.0]), torch.tensor([1.0]), 48)
    weights = torch.zeros(1, 47)
    weights[0, 20] = 1
    fine = importance_depths(depths, weights, even_quantiles(48, depths.device)[None])[0]
    assert (fine.diff() > 0).all()
    assert ((fine - depths[0, 20:22].mean()).abs() < 2 / 47).sum() >= 30


def test_two_ascending_lists_are_merged_as_sorting_would() -> None:
    numbers = torch.Generator().manual_seed(3)
    first = torch.rand(2, 50, 9, generator=numbers).round(decimals=1).sort(-1).values  # with equal entries
    second = torch.rand(2, 50, 5, generator=numbers).round(decimals=1).sort(-1).values
    both = torch.cat([first, second], -1)
    ranks = merged_ranks(first, second)
    assert torch.equal(ranks.sort(-1).values, torch.arange(14).expand(2, 50, 14))
    merged = torch.empty_like(both).scatter_(-1, ranks, both)
    assert torch.equal(merged, both.sort(-1).values)


def test_jitter_is_uniform_and_its_depths_ascend() -> None:
    settings = RenderSettings()
    jitter = Jitter.of_frame(3, 5, 256, settings)
    assert jitter.place.shape == (256, 48) and jitter.quantiles.shape == (256, 48)
    for value in (jitter.place, jitter.quantiles):
        assert value.dtype == torch.float32 and 0 <= float(value.min()) <= float(value.max()) < 1
        assert float(value.mean()) == pytest.approx(0.5, abs=0.01)
    depths = stratified_depths(torch.full((256,), 2.0), torch.full((256,), 3.0), 48, jitter.place)
    weights = torch.rand(256, 47, generator=torch.Generator().manual_seed(1)) ** 8
    fine = importance_depths(depths, weights, jitter.quantiles)
    assert (depths.diff() > 0).all() and (fine.diff() >= 0).all()
    assert not torch.equal(jitter.place, Jitter.of_frame(3, 6, 256, settings).place)
    assert not torch.equal(jitter.place, Jitter.of_frame(4, 5, 256, settings).place)


def test_uniform_fog_absorbs_as_beer_and_lambert_say() -> None:
    depths = torch.linspace(0, 2, 64)[None]
    raw = torch.full_like(depths, 1.5)
    marched = march(depths, raw)
    rate = torch.nn.functional.softplus(torch.tensor(0.5))
    assert float(marched.alpha) == pytest.approx(float(1 - torch.exp(-2 * rate)), abs=1e-5)
    mean = float(1 / rate - 2 * torch.exp(-2 * rate) / (1 - torch.exp(-2 * rate)))
    assert float(marched.depth) == pytest.approx(mean, abs=1e-3)
    assert float(marched.sample_weights().sum()) == pytest.approx(float(marched.alpha), abs=1e-5)


def test_a_ray_without_weight_is_infinitely_deep() -> None:
    marched = march(torch.linspace(0, 1, 8)[None], torch.full((1, 8), -1e4))
    assert float(marched.alpha) == 0 and float(marched.depth) > 1e30
