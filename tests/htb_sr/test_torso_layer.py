"""The torso's flow: nothing moved is nothing warped, and no camera makes it NaN."""

from __future__ import annotations

import torch

from real3d_core.htb_sr.torso_layer import FLOW, TorsoLayer, torso_flow
from real3d_core.render_triplane.cameras import DISTANCE, FOCAL, built_in_camera, split_camera


def flat_layer() -> TorsoLayer:
    """A sheet at z = 0 that fills the picture and follows the head everywhere."""
    c = (torch.arange(FLOW) + 0.5) / FLOW
    v, u = torch.meshgrid(c, c, indexing="ij")
    scale = DISTANCE / FOCAL
    surface = torch.stack([(u - 0.5) * scale, (0.5 - v) * scale, torch.zeros_like(u)], -1)
    return TorsoLayer(surface, torch.ones(FLOW, FLOW), torch.zeros(1, 512, 512, 4), (0, 512), (0, 512))


def test_nothing_moves_at_rest() -> None:
    camera = split_camera(built_in_camera())
    flow = torso_flow(flat_layer(), torch.eye(4), camera.c2w, camera.intrinsics, camera.c2w)
    assert flow.shape == (512, 512, 2) and flow.abs().max() < 1e-3


def test_a_camera_inside_the_torso_gives_finite_addresses() -> None:
    layer, camera = flat_layer(), split_camera(built_in_camera())
    view = camera.c2w.clone()
    view[:3, 3] = layer.surface[40, 60]
    flow = torso_flow(layer, torch.eye(4), view, camera.intrinsics, camera.c2w)
    assert torch.isfinite(flow).all()
