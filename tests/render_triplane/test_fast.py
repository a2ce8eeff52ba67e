"""The fast sampler: as good as the plain one against a converged picture, and many times faster."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.render_triplane.cameras import Pinhole, built_in_camera, resolve, split_camera
from real3d_core.render_triplane.decoder import empty_space
from real3d_core.render_triplane.fast import render_fast
from real3d_core.render_triplane.field import prepare_field
from real3d_core.render_triplane.plain import Rendered, render_plain
from real3d_core.render_triplane.rays import camera_rays
from real3d_core.wires import Camera, DecoderWeights, RenderSettings
from tests.deterministic import decoder_weights
from tests.render_triplane.heads import ellipsoid_head, soft_planes, solid_decoder

GOLDEN = Path(__file__).parent.parent / "golden"
CONVERGED = RenderSettings(resolution=32, coarse=192, fine=384)
NORMAL = RenderSettings(resolution=32)


def decibels(value: Tensor, expected: Tensor) -> float:
    """Peak signal to noise, peak 1."""
    return float(-10 * torch.log10((value - expected).square().mean()))


def assert_not_worse(ours: Rendered, usual: Rendered, true: Rendered) -> None:
    """Against a converged picture; beyond 55 dB a few rays of the rim decide, and nobody sees them."""
    for name in ("colour", "alpha"):
        reached = decibels(getattr(ours, name), getattr(true, name))
        wanted = min(decibels(getattr(usual, name), getattr(true, name)) - 0.5, 55)
        assert reached > wanted, f"{name}: {reached:.1f} dB where {wanted:.1f} dB are wanted"


def orbit(yaw: float, pitch: float = 0.0) -> Pinhole:
    track = replace(Camera.front(), yaw=torch.tensor([yaw]), pitch=torch.tensor([pitch]))
    cameras = resolve(ellipsoid_head(), track, 0, 1)
    return Pinhole(cameras.c2w[0], cameras.intrinsics[0])


def off_centre() -> Pinhole:
    """A camera of the reference numbers; some of its rays miss the box."""
    return split_camera(torch.from_numpy(np.load(GOLDEN / "camera_rays.npz")["camera25"][2]))


def plain(planes: Tensor, weights: DecoderWeights, camera: Pinhole, settings: RenderSettings) -> Rendered:
    rays = camera_rays(camera.c2w, camera.intrinsics, settings.resolution)
    return render_plain(planes[None], weights, [rays], settings)[0]


def fast(planes: Tensor, weights: DecoderWeights, camera: Pinhole, settings: RenderSettings) -> Rendered:
    return render_fast(prepare_field(planes, weights, frozenset()), weights, camera, settings)


@cache
def solid() -> tuple[Tensor, DecoderWeights]:
    return ellipsoid_head().planes[0], solid_decoder()


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (0.5, 0.15)])
def test_a_solid_head_is_not_worse_than_plain(yaw: float, pitch: float) -> None:
    scene = (*solid(), orbit(yaw, pitch))
    true, usual, ours = plain(*scene, CONVERGED), plain(*scene, NORMAL), fast(*scene, NORMAL)
    assert_not_worse(ours, usual, true)
    inside = (true.alpha > 0.5) & (ours.alpha > 0.5)
    assert float((ours.depth - true.depth)[inside].abs().mean()) < 0.0005
    lost = int(((ours.alpha < 0.02) & (true.alpha > 0.05)).sum())
    assert lost <= max(3, int(((usual.alpha < 0.02) & (true.alpha > 0.05)).sum()))


def test_what_nothing_is_seen_of_is_the_same_to_the_bit() -> None:
    scene = (*solid(), off_centre())
    usual, ours = plain(*scene, NORMAL), fast(*scene, NORMAL)
    missing = ~camera_rays(scene[2].c2w, scene[2].intrinsics, NORMAL.resolution).hit
    empty = missing | ((usual.alpha == 0) & (ours.alpha == 0))
    assert int(missing.sum()) > 10 and int(empty.sum()) > 300
    for name in ("colour", "alpha", "depth"):
        assert torch.equal(getattr(usual, name)[empty], getattr(ours, name)[empty])
    assert usual.alpha[empty].eq(0).all() and usual.colour[empty].eq(0).all()


def test_fog_that_fills_space_is_seen_by_rays_that_miss_the_box() -> None:
    weights = decoder_weights()
    raised = float(empty_space(weights).density)
    foggy = replace(weights, b2=weights.b2.index_add(0, torch.tensor([0]), torch.tensor([1 - raised])))
    scene = (soft_planes(), foggy, off_centre())
    usual, ours = plain(*scene, NORMAL), fast(*scene, NORMAL)
    missing = ~camera_rays(scene[2].c2w, scene[2].intrinsics, NORMAL.resolution).hit
    assert float(usual.alpha[missing].min()) > 0.05
    for name in ("colour", "alpha", "depth"):
        torch.testing.assert_close(getattr(usual, name)[missing], getattr(ours, name)[missing])


def test_a_soft_volume_is_not_worse_than_plain() -> None:
    scene = (soft_planes(), decoder_weights(), split_camera(built_in_camera()))
    true, usual, ours = plain(*scene, CONVERGED), plain(*scene, NORMAL), fast(*scene, NORMAL)
    assert_not_worse(ours, usual, true)
    assert decibels(ours.colour, usual.colour) > 38


def test_few_samples_and_no_importance_pass_still_work() -> None:
    for settings in (
        RenderSettings(resolution=20, coarse=6, fine=0),
        RenderSettings(resolution=3, coarse=4, fine=1),
    ):
        seen = fast(*solid(), orbit(0.2), settings)
        assert torch.isfinite(seen.colour).all() and float(seen.alpha.max()) > 0.9


def test_an_empty_volume_is_empty() -> None:
    planes, weights = solid()
    seen = fast(torch.zeros_like(planes), weights, orbit(0), RenderSettings(resolution=16))
    assert seen.alpha.eq(0).all() and seen.colour.eq(0).all()
    assert (seen.depth == seen.depth[0]).all()


def test_the_fast_sampler_is_ten_times_faster() -> None:
    settings = RenderSettings()
    planes, weights = solid()
    field, camera = prepare_field(planes, weights, frozenset()), orbit(0.25)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        quick = min(_seconds(lambda: render_fast(field, weights, camera, settings)) for _ in range(5))
        slow = _seconds(lambda: plain(planes, weights, camera, settings))
    finally:
        torch.set_num_threads(threads)
    assert slow > 10 * quick, f"plain {slow * 1e3:.0f} ms, fast {quick * 1e3:.0f} ms"


def _seconds(call: object) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
