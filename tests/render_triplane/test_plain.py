"""The plain sampler against reference numbers, and an ellipsoid measured back from its picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.render_triplane.cameras import DISTANCE, FOCAL, built_in_camera, split_camera
from real3d_core.render_triplane.plain import render_plain
from real3d_core.render_triplane.rays import camera_rays
from real3d_core.render_triplane.sampling import Jitter
from real3d_core.wires import Camera, HeadRender, RenderSettings
from tests.deterministic import decoder_weights
from tests.golden import make_renderer
from tests.render_triplane.heads import Ellipsoid, ellipsoid_head, soft_planes

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.mark.parametrize("number", [0, 2])
def test_formula_planes_render_as_stored(number: int) -> None:
    golden = np.load(GOLDEN / "renderer.npz")
    seen = make_renderer.render(np.load(GOLDEN / "camera_rays.npz")["camera25"][number])
    _close(seen.colour[:, ::4], golden[f"colour{number}"])
    _close(seen.alpha, golden[f"alpha{number}"])
    # The depth of a ray of hardly any weight is a quotient of rounding errors.
    _close(seen.depth * seen.alpha, golden[f"depth{number}"] * golden[f"alpha{number}"], most=1e-3)


def _close(value: Tensor, expected: np.ndarray, most: float = 3e-4, mean: float = 2e-5) -> None:
    difference = (value - torch.from_numpy(expected)).abs()
    assert float(difference.max()) < most and float(difference.mean()) < mean


def test_an_ellipsoid_is_measured_back_from_its_picture() -> None:
    shape = Ellipsoid(half=(0.2, 0.3, 0.25, 0.2), centre=(0.03, -0.02))
    head = HeadRender(ellipsoid_head(shape), Camera.front(), RenderSettings(resolution=64, sampler="plain"))
    frames = head.frames(0, 1)
    inside = frames.alpha[0, 0] > 0.5
    # Each ray of the silhouette is tangent to the ellipsoid; the sheet at its rim lies at z = 0.
    across, down = inside.any(0).sum() / 64, inside.any(1).sum() / 64
    assert float(across) == pytest.approx(2 * 0.2 * FOCAL / DISTANCE, abs=1.5 / 64)
    assert float(down) == pytest.approx(2 * 0.3 * FOCAL / DISTANCE, abs=1.5 / 64)
    column = (inside.float().mean(0) * (torch.arange(64) + 0.5)).sum() / inside.float().mean(0).sum() / 64
    assert float(column) == pytest.approx(0.5 + 0.03 * FOCAL / DISTANCE, abs=1 / 64)
    # Straight ahead the front lies at z = 0.25; light sinks in by 1/200 on average.
    assert float(frames.depth[0, 0][inside].min()) == pytest.approx(DISTANCE - 0.25 + 0.005, abs=0.004)


def test_what_is_empty_is_minus_one_without_alpha_and_as_deep_as_can_be() -> None:
    head = HeadRender(ellipsoid_head(), Camera.front(), RenderSettings(resolution=16, sampler="plain"))
    frames = head.frames(0, 1)
    corner = (0, slice(None), 0, 0)
    assert frames.features[corner].eq(-1).all() and frames.alpha[corner] == 0
    assert frames.depth[corner] == frames.depth.max()


def test_jitter_scatters_about_the_picture_without_it() -> None:
    settings, frames = RenderSettings(resolution=8), 48
    camera = split_camera(built_in_camera())
    rays = camera_rays(camera.c2w, camera.intrinsics, settings.resolution)
    volume, weights = soft_planes()[None], decoder_weights()
    still = render_plain(volume, weights, [rays], settings)[0]
    jitter = [Jitter.of_frame(1, frame, len(rays), settings) for frame in range(frames)]
    drawn = render_plain(volume.expand(frames, -1, -1, -1, -1), weights, [rays] * frames, settings, jitter)
    away = torch.stack([one.alpha for one in drawn]) - still.alpha
    spread = float(away.square().mean().sqrt())
    # The mean falls a little short: uneven gaps miss more of a narrow peak than even ones.
    assert 0.001 < spread < 0.01 and -0.004 < float(away.mean()) < 0.001
