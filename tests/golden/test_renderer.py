"""The renderer on the planes of the networks: every tensor of renderer_cam0..2.npz."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from real3d_core.model import Model
from real3d_core.render_triplane.cameras import Pinhole, split_camera
from real3d_core.render_triplane.decoder import decode
from real3d_core.render_triplane.plain import RayBundle, Samples, evaluate, march_together, render_plain
from real3d_core.render_triplane.rays import camera_rays
from real3d_core.render_triplane.sampling import importance_depths, merged_ranks, sample_each
from real3d_core.streaming import one_torch_thread
from real3d_core.wires import Camera, HeadRender, RenderedFrames, RenderSettings, TriPlane
from tests.deterministic import decoder_weights
from tests.golden.conftest import NetworkPlanes
from tests.golden.recorded import CHAIN, Recorded

RAYS = (3e-6, 1e-6)
"""What planes have no part in."""

SETTINGS = RenderSettings()
CAMERAS = [0, 1, 2]
"""Some rays of the last one miss the box."""

FAINT = 1e-3
"""Alpha below which a ray has next to no weight: all that miss the planes, with 1.8e-5 at most."""

OPACITY_STEP = 2**-24
"""What 1 - exp(-x) is a multiple of in float32 where x is small."""

OF_RAYS = {"ray_start", "ray_end", "is_ray_valid", "depths_coarse"}
OF_PASSES = {"coarse_features", "coarse_rgb", "coarse_sigma", "weights_coarse", "depths_fine", "depths_all"}
OF_PICTURES = {"feature_image", "depth_image", "weights_image", "image_raw"}


def camera_of(number: int) -> Tensor:
    """[25] as recorded."""
    return Recorded("camera_rays")["camera25"][number]


@dataclass(frozen=True)
class Traced:
    """One camera's recorded numbers, its rays, and their first samples."""

    recorded: Recorded
    rays: RayBundle
    depths: Tensor


def traced(number: int) -> Traced:
    camera = split_camera(camera_of(number))
    rays = camera_rays(camera.c2w, camera.intrinsics, SETTINGS.resolution)
    bundle = RayBundle.of([rays], SETTINGS, None)
    return Traced(Recorded(f"renderer_cam{number}"), bundle, bundle.coarse_depths(SETTINGS.coarse))


def test_no_tensor_is_left_out() -> None:
    for number in CAMERAS:
        assert set(Recorded(f"renderer_cam{number}").names()) == OF_RAYS | OF_PASSES | OF_PICTURES


@pytest.mark.parametrize("number", CAMERAS)
def test_rays(number: int) -> None:
    one = traced(number)
    one.recorded.assert_close("ray_start", one.rays.near[..., None], RAYS)
    one.recorded.assert_close("ray_end", one.rays.far[..., None], RAYS)
    one.recorded.assert_close("depths_coarse", one.depths[..., None], RAYS)
    camera = split_camera(camera_of(number))
    hit = camera_rays(camera.c2w, camera.intrinsics, SETTINGS.resolution).hit
    one.recorded.assert_close("is_ray_valid", hit.float().reshape(1, 1, 128, 128), (0, 0))
    assert int((~hit).sum()) == (512 if number == 2 else 0)


@pytest.mark.parametrize("number", CAMERAS)
def test_both_passes(number: int, network_planes: NetworkPlanes) -> None:
    with torch.inference_mode(), one_torch_thread():
        check_passes(number, network_planes)


def check_passes(number: int, network_planes: NetworkPlanes) -> None:
    one, planes, weights = traced(number), network_planes.fused, decoder_weights()
    features = sample_each(planes, one.rays.points(one.depths))
    one.recorded.assert_close("coarse_features", features.transpose(2, 3), CHAIN)
    seen = decode(features.mean(1), weights)
    del features
    one.recorded.assert_close("coarse_rgb", seen.colour.transpose(1, 2), CHAIN)
    one.recorded.assert_close("coarse_sigma", seen.density[..., None], CHAIN)
    colour = seen.colour.unflatten(-1, one.depths.shape[1:])
    first = Samples(one.depths, seen.density.reshape(one.depths.shape), colour)
    found = first.march().weights
    one.recorded.assert_close("weights_coarse", found[..., None], CHAIN)
    depths = importance_depths(first.depths, found, one.rays.quantiles)
    one.recorded.assert_close("depths_fine", depths[..., None], CHAIN)
    second = evaluate(planes, weights, one.rays, depths)
    both = march_together(first, second, merged_ranks(first.depths, second.depths))
    one.recorded.assert_close("depths_all", both.depths[..., None], CHAIN)


@pytest.fixture(scope="module")
def pictures(network_planes: NetworkPlanes) -> list[RenderedFrames]:
    """What the stage gives for the three cameras."""
    with one_torch_thread():
        return [picture(network_planes, number) for number in CAMERAS]


def picture(planes: NetworkPlanes, number: int) -> RenderedFrames:
    triplane = TriPlane(
        planes=planes.fused,
        decoder=decoder_weights(),
        camera=camera_of(number),
        pivot=torch.zeros(3),
        model=Model("released", "network"),
    )
    return HeadRender(triplane, Camera.front(), RenderSettings()).frames(0, 1)


@pytest.mark.parametrize("number", CAMERAS)
def test_pictures(number: int, pictures: list[RenderedFrames]) -> None:
    recorded, seen = Recorded(f"renderer_cam{number}"), pictures[number]
    recorded.assert_close("feature_image", seen.features, CHAIN)
    recorded.assert_close("weights_image", seen.alpha, CHAIN)
    assert_depth_close(recorded, seen.depth)
    recorded.assert_close("image_raw", seen.rgb.clamp(-1, 1), CHAIN)


def assert_depth_close(recorded: Recorded, depth: Tensor) -> None:
    """Depth is a mean weighted by opacity: of faint rays a quotient of rounding.

    Their hundred opacities are a few steps of rounding each and add up to 300 at most, or are all 0. One step
    more or less in one of them (an ulp of a sample's depth decides, which not every processor rounds alike)
    moves the mean by up to half the ray's length / 276, 2e-3. Against float64 the recorded depths of these
    rays are wrong by as much as 0.35. So they are allowed two such steps. All rays together have to meet the
    mean.
    """
    alpha = recorded["weights_image"].double()
    half = (recorded["ray_end"] - recorded["ray_start"]).abs().max() / 2
    faint = alpha < FAINT
    allowed = (2 * OPACITY_STEP * half / alpha.clamp(min=OPACITY_STEP)).clamp(CHAIN[0], 1e-2)
    difference = (depth.double() - recorded["depth_image"]).abs()
    assert (difference <= torch.where(faint, allowed, CHAIN[0])).all()
    assert float(faint.float().mean()) < 0.04
    recorded.assert_close("depth_image", depth, (float(allowed.max()), CHAIN[1]))


def test_frames_rendered_together_are_those_rendered_alone(
    pictures: list[RenderedFrames], network_planes: NetworkPlanes
) -> None:
    """As an accelerator does it: other planes and another camera in each frame."""
    small = RenderSettings(resolution=32)
    views: list[Pinhole] = [split_camera(camera_of(number)) for number in (2, 0)]
    rays = [camera_rays(view.c2w, view.intrinsics, small.resolution) for view in views]
    planes = torch.cat([network_planes.fused, network_planes.canonical])
    with torch.inference_mode(), one_torch_thread():
        together = render_plain(planes, decoder_weights(), rays, small)
        alone = [render_plain(planes[i : i + 1], decoder_weights(), [rays[i]], small)[0] for i in range(2)]
    for whole, single in zip(together, alone, strict=True):
        for name in ("colour", "alpha", "depth"):
            difference = (getattr(whole, name) - getattr(single, name)).abs()
            assert float(difference.max()) < 1e-4 and float(difference.mean()) < 5e-6
