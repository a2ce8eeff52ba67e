"""Rendering clips: ranges, motion, settings, and the pictures made of the result."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from real3d_core.errors import RenderError
from real3d_core.model import Model
from real3d_core.render_triplane import render
from real3d_core.render_triplane.passes import alpha_pass, colour_pass, depth_pass
from real3d_core.render_triplane.render import is_fast
from real3d_core.timing import recording
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion, RenderSettings
from tests.render_triplane.heads import ellipsoid_head

SMALL = RenderSettings(resolution=32)


def moving_clip(frames: int = 4) -> Motion:
    motion = Motion.still(frames)
    motion.blendshapes[:, ARKIT_INDEX["jawOpen"]] = torch.linspace(0, 1, frames)
    motion.euler[:, 1] = torch.linspace(-0.3, 0.3, frames)
    return motion


@pytest.mark.parametrize("sampler", ["fast", "plain"])
def test_a_range_is_part_of_the_whole(sampler: str) -> None:
    head = HeadRender(ellipsoid_head(motion=moving_clip()), Camera.front(), replace(SMALL, sampler=sampler))
    whole, part = head.frames(0, 4), head.frames(2, 4)
    assert whole.features.shape == (4, 32, 32, 32) and whole.alpha.shape == whole.depth.shape == (
        4,
        1,
        32,
        32,
    )
    for name in ("features", "alpha", "depth", "c2w", "view", "intrinsics"):
        assert torch.equal(getattr(whole, name)[2:], getattr(part, name))
    assert not torch.equal(whole.features[0], whole.features[1])


def test_both_samplers_see_the_motion_alike() -> None:
    head = HeadRender(ellipsoid_head(motion=moving_clip(2)), Camera.front(), SMALL)
    plain = replace(head, settings=replace(SMALL, sampler="plain")).frames(0, 2)
    fast = head.frames(0, 2)
    solid = (plain.alpha > 0.99) & (fast.alpha > 0.99)
    assert (fast.depth - plain.depth)[solid].abs().mean() < 0.001
    assert (fast.rgb - plain.rgb).abs().mean() < 0.003
    still = HeadRender(ellipsoid_head(), Camera.front(), SMALL).frames(0, 1)
    opened = replace(moving_clip(2), euler=torch.zeros(2, 3))
    raised = HeadRender(ellipsoid_head(motion=opened), Camera.front(), SMALL).frames(1, 2)
    nearer = (still.depth - raised.depth)[solid[:1]]  # the bump of the residual is 0.03 high
    assert 0.02 < float(nearer.max()) < 0.035


def test_turning_the_head_shows_what_orbiting_the_camera_shows() -> None:
    motion = replace(Motion.still(), euler=torch.tensor([[0.0, 0.3, 0.0]]))
    turned = HeadRender(ellipsoid_head(motion=motion), Camera.front(), SMALL).frames(0, 1)
    orbit = replace(Camera.front(), yaw=torch.tensor([-0.3]))
    orbited = HeadRender(ellipsoid_head(), orbit, SMALL).frames(0, 1)
    torch.testing.assert_close(turned.features, orbited.features, atol=2e-3, rtol=0)
    assert not torch.allclose(turned.view, orbited.view)


def test_networks_are_sampled_plainly() -> None:
    """Of their fog the fast sampler makes another picture, and not sooner."""
    head = HeadRender(ellipsoid_head(), Camera.front(), SMALL)
    trained = replace(head, triplane=replace(head.triplane, model=Model("released", "network")))
    plain = replace(head, settings=replace(SMALL, sampler="plain")).frames(0, 1)
    assert is_fast(head) and not is_fast(trained)
    seen, fast = trained.frames(0, 1), head.frames(0, 1)
    # Not to the bit: the cameras of networks may go through arithmetic of their own.
    assert float((seen.features - plain.features).abs().mean()) < 5e-6
    assert float((fast.features - plain.features).abs().mean()) > 2e-5


def test_jitter_is_that_of_its_seed_and_frame_however_a_clip_is_cut_up() -> None:
    clip = HeadRender(ellipsoid_head(motion=Motion.still(4)), Camera.front(), SMALL)
    head = replace(clip, settings=replace(SMALL, jitter_seed=7))
    whole = head.frames(0, 4)
    with ThreadPoolExecutor(2) as pool:
        spans = list(pool.map(lambda span: head.frames(*span), [(0, 1), (3, 4), (1, 3)]))
    for name in ("features", "alpha", "depth"):
        cut = torch.cat([getattr(spans[i], name) for i in (0, 2, 1)])
        assert torch.equal(getattr(whole, name), cut)
    assert not torch.equal(whole.features[0], whole.features[1])  # the same head in every frame
    other = replace(clip, settings=replace(SMALL, jitter_seed=8)).frames(0, 1)
    assert not torch.equal(whole.features[:1], other.features)


@pytest.mark.parametrize("seed", [None, 5])
def test_frames_rendered_together_are_those_rendered_alone(
    seed: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an accelerator does it: each with its own planes, camera and random numbers."""
    settings = RenderSettings(resolution=16, sampler="plain", jitter_seed=seed)
    head = HeadRender(ellipsoid_head(motion=moving_clip()), Camera.front(), settings)
    alone = head.frames(0, 4)
    monkeypatch.setattr(render, "frames_at_once", lambda device, most: 3)
    together = head.frames(0, 4)
    for name in ("features", "alpha", "depth"):
        difference = (getattr(together, name) - getattr(alone, name)).abs()
        assert float(difference.max()) < 1e-4 and float(difference.mean()) < 5e-6


def test_a_still_head_lasts_as_long_as_its_camera_track() -> None:
    camera = Camera(*(torch.zeros(3) for _ in range(3)), torch.ones(3), torch.zeros(3, 2), torch.ones(3))
    head = HeadRender(ellipsoid_head(), replace(camera, yaw=torch.tensor([0.0, 0.2, 0.4])), SMALL)
    assert len(head) == 3 and head.frames(1, 3).features.shape[0] == 2


def test_bad_requests_are_named() -> None:
    head = HeadRender(ellipsoid_head(), Camera.front(), SMALL)
    for start, stop in ((0, 2), (1, 1), (-1, 1)):
        with pytest.raises(RenderError, match="clip of 1"):
            head.frames(start, stop)
    with pytest.raises(RenderError, match="coarse"):
        replace(head, settings=replace(SMALL, coarse=2)).frames(0, 1)
    with pytest.raises(RenderError, match="jitter"):
        replace(head, settings=replace(SMALL, jitter_seed=-2)).frames(0, 1)
    with pytest.raises(RenderError, match="fastest"):
        replace(head, settings=replace(SMALL, sampler="fastest")).frames(0, 1)


def test_inputs_are_left_alone_and_the_stage_is_timed() -> None:
    head = HeadRender(ellipsoid_head(motion=moving_clip(2)), Camera.front(), SMALL)
    before = head.triplane.planes.clone()
    with recording() as times:
        first = head.frames(0, 2)
    assert times.times()["render_triplane"].calls == 1
    assert torch.equal(before, head.triplane.planes)
    assert torch.equal(first.features, head.frames(0, 2).features)


def test_passes() -> None:
    frames = HeadRender(ellipsoid_head(), Camera.front(), SMALL).frames(0, 1)
    colour, alpha = colour_pass(frames), alpha_pass(frames)
    depth = depth_pass(frames, 2.4, 3.4)
    assert colour.shape == (1, 3, 32, 32) and alpha.shape == depth.shape == (1, 1, 32, 32)
    assert colour[..., 0, 0].eq(0).all() and alpha[..., 0, 0] == 0 and depth[..., 0, 0] == 0
    assert float(depth.max()) == pytest.approx(
        1 - (2.861 - 0.27 - 2.4), abs=0.02
    )  # the nearest point is brightest
    assert float(depth[0, 0, 16, 16]) > float(depth[0, 0, 16, 11]) > 0
    with pytest.raises(RenderError, match="near"):
        depth_pass(frames, 3.0, 3.0)
