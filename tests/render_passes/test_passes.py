"""Passes against what is known of the head: its own height fields, cast without the renderer."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from real3d_core.errors import BackendError, RenderError
from real3d_core.htb_sr import Form, htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.render_passes import CHANNELS, PassSettings, pass_source
from real3d_core.render_triplane.rays import ray_directions
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion, Portrait, RenderSettings
from tests.render_triplane.heads import ellipsoid_head

RAYS = 128
NEAR_FAR = PassSettings(2.36, 3.36)


def channel(frames: torch.Tensor, name: str) -> np.ndarray:
    return frames[..., CHANNELS.index(name)].numpy()


@pytest.fixture(scope="module")
def head(portrait: Portrait) -> HeadRender:
    """As in the photo; turned by 20 degrees; turned with the mouth open; turned away far."""
    motion = Motion.still(4)
    for row, yaw in enumerate((0, 20, 20, 40)):
        motion.euler[row, 1] = math.radians(yaw)
    motion.blendshapes[2, ARKIT_INDEX["jawOpen"]] = 0.8
    clip = motion_adapter(image_to_plane(portrait, Model.built_in()), portrait, motion)
    return HeadRender(clip, Camera.front(), RenderSettings(resolution=RAYS))


@pytest.fixture(scope="module")
def metric(head: HeadRender, portrait: Portrait) -> torch.Tensor:
    return pass_source(head, PassSettings(2.36, 3.36, "metric"), portrait).frames(0, 2)


def cast(head: HeadRender, index: int) -> tuple[np.ndarray, np.ndarray]:
    """[r, r] distance to the solid between two height fields inside an outline, and [r, r, 3] the camera's
    normals of the front one; NaN where a ray misses. By bisection on the avatar's own numbers.
    """
    from scipy.ndimage import map_coordinates

    fields = np.moveaxis(head.triplane.avatar.surfaces[0].numpy().astype(np.float64), -1, 0)
    rendered = head.frames(index, index + 1)
    c2w = rendered.c2w[0].numpy().astype(np.float64)
    toward = ray_directions(rendered.c2w[0], rendered.intrinsics[0], RAYS).numpy().astype(np.float64)

    def read(number: int, points: np.ndarray) -> np.ndarray:
        at = [(points[:, 1] + 0.5) * 256 - 0.5, (points[:, 0] + 0.5) * 256 - 0.5]
        return map_coordinates(fields[number], at, order=1, mode="nearest")

    def inside(depth: np.ndarray) -> np.ndarray:
        p = c2w[:3, 3] + depth[:, None] * toward
        return (p[:, 2] < read(0, p)) & (p[:, 2] > read(1, p)) & (read(2, p) > 0)

    found = np.full(len(toward), np.nan)
    for depth in np.arange(2.4, 3.3, 0.004):
        found[np.isnan(found) & inside(np.full(len(toward), depth))] = depth
    low, high = found - 0.004, found.copy()
    for _ in range(12):
        middle = (low + high) / 2
        hit = inside(np.nan_to_num(middle))
        low, high = np.where(hit, low, middle), np.where(hit, middle, high)
    points, step = np.nan_to_num(c2w[:3, 3] + high[:, None] * toward), 1 / 256
    slope = [
        (read(0, points + offset) - read(0, points - offset)) / (2 * step)
        for offset in np.array([[step, 0, 0], [0, step, 0]])
    ]
    normals = np.stack([-slope[0], -slope[1], np.ones_like(slope[0])], -1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    on_front = np.abs(points[:, 2] - read(0, points)) < 2e-3
    normals[~on_front] = np.nan
    seen = (normals @ c2w[:3, :3]) * np.array([1, -1, -1])
    return high.reshape(RAYS, RAYS), seen.reshape(RAYS, RAYS, 3)


@pytest.mark.parametrize("index", [0, 1], ids=["yaw 0", "yaw 20"])
def test_depth_and_normals_are_those_of_the_surface(
    head: HeadRender, metric: torch.Tensor, index: int
) -> None:
    from scipy.ndimage import binary_erosion

    depth, normals = cast(head, index)
    inside = binary_erosion(channel(metric, "alpha")[index] > 0.5) & ~np.isnan(depth)
    assert inside.sum() > 4000
    found = channel(metric, "depth")[index]
    error = np.abs(found - depth)[inside] / np.ptp(found[inside])
    assert np.median(error) <= 0.01 and np.percentile(error, 95) <= 0.03
    seen = metric[index, ..., CHANNELS.index("right") : CHANNELS.index("toward") + 1].numpy() * 2 - 1
    cosine = (seen * normals).sum(-1)[inside & ~np.isnan(normals[..., 0])]
    assert np.degrees(np.median(np.arccos(np.clip(cosine, -1, 1)))) <= 5


@pytest.mark.parametrize("size", [0, 512])
def test_masks_fill_the_frame_and_are_htb_sr_s(head: HeadRender, portrait: Portrait, size: int) -> None:
    frames = pass_source(head, replace(NEAR_FAR, size=size), portrait).frames(1, 3)
    assert frames.shape == (2, size or RAYS, size or RAYS, len(CHANNELS))
    parts = {name: channel(frames, name) for name in CHANNELS[8:]}
    total = parts["head"] + parts["torso"] + parts["background"]
    assert np.abs(total - 1).max() < 1 / 255
    for name in ("face", "mouth", "eyes", "unseen"):
        assert (parts[name] <= parts["head"] + 1e-6).all() and parts[name].max() > 0.9, name
    for name in ("mouth", "eyes"):
        assert (parts[name] <= parts["face"] + 1e-4).all()
    if size:
        person = htb_sr(head, portrait).as_form(Form.MASKED).frames(1, 3)[..., 3].numpy()
        assert np.abs(person - parts["head"] - parts["torso"]).max() < 1e-4


def test_unseen_is_the_inside_of_the_mouth_and_the_far_side(head: HeadRender, portrait: Portrait) -> None:
    frames = pass_source(head, NEAR_FAR, portrait).frames(0, 4)
    unseen, face, mouth = (channel(frames, name) for name in ("unseen", "face", "mouth"))
    front, turned, _, far = unseen.sum((1, 2))
    assert front < 0.15 * turned < 0.15 * far
    assert (unseen * mouth)[2].sum() > 3 * (unseen * mouth)[1].sum() > 0
    assert (unseen * face * (1 - mouth))[:3].sum() < 0.02 * face.sum()


def test_normalised_depth_is_white_near_and_the_same_for_any_part(head: HeadRender) -> None:
    source = pass_source(head, PassSettings(0.0, 0.0, "normalised"))
    frames = source.frames(0, 4)
    depth, alpha = channel(frames, "depth"), channel(frames, "alpha")
    assert 0.9 < depth.max() < 1 and depth[alpha > 0.9].min() > 0.1 and depth[alpha < 0.4].max() == 0
    again = channel(source.frames(2, 3), "depth")[0]
    assert np.abs(again - depth[2])[alpha[2] > 0.9].max() < 1e-3


def test_without_a_portrait_only_the_torso_is_missing(head: HeadRender) -> None:
    frames = pass_source(head, NEAR_FAR).frames(2, 3)
    parts = {name: channel(frames, name) for name in CHANNELS[8:]}
    assert parts["torso"].max() == 0 and np.abs(parts["background"] + parts["head"] - 1).max() < 1e-6
    assert all(parts[name].max() > 0.9 for name in ("face", "mouth", "eyes", "unseen"))


def test_what_cannot_be_drawn_is_said(head: HeadRender, portrait: Portrait) -> None:
    with pytest.raises(RenderError, match="no depth 'far'"):
        pass_source(head, PassSettings(2.0, 3.0, "far"))
    with pytest.raises(RenderError, match="512, 768, 1024"):
        pass_source(head, PassSettings(2.0, 3.0, size=500))
    with pytest.raises(BackendError, match="another PORTRAIT"):
        pass_source(head, NEAR_FAR, replace(portrait, image=1 - portrait.image))


def test_an_ellipsoid_s_normals() -> None:
    """Of a backend that says nothing of its parts: the middle looks at the viewer, the rim away from him."""
    head = HeadRender(ellipsoid_head(), Camera.front(), RenderSettings(32, 16, 16))
    head = replace(head, triplane=replace(head.triplane, model=Model("other", "network")))
    frames = pass_source(head, NEAR_FAR).frames(0, 1)[0]
    right, up, toward = (channel(frames, name) * 2 - 1 for name in ("right", "up", "toward"))
    assert toward[16, 16] > 0.98 and right[16, 18] > 0.05 > -0.05 > right[16, 13]
    assert up[12, 16] > 0.1 > -0.1 > up[19, 16]
    assert toward[0, 0] == 1 and np.abs(channel(frames, "head") - channel(frames, "alpha")).max() < 1e-6
