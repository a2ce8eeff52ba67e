"""Cameras of absolute head poses, and the rays of these cameras."""

from __future__ import annotations

import torch

from real3d_core.face_model.poses import PoseTrack, network_cameras
from real3d_core.render_triplane.cameras import split_camera
from real3d_core.render_triplane.rays import camera_rays
from tests.deterministic import EULER, TRANS
from tests.golden.recorded import Recorded

EXACT = (0, 0)
TRIG = (1e-6, 3e-7)
"""Cameras are reckoned from float32 angles."""

UNUSED_RADIUS = 2.7
"""The original also reckons cameras of this distance from the origin, which nothing uses."""


def test_cameras_and_rays() -> None:
    recorded = Recorded("camera_rays")
    euler, translation = torch.tensor(EULER), torch.tensor(TRANS)
    recorded.assert_close("euler", euler, (1e-7, 1e-7))
    recorded.assert_close("trans", translation, (1e-7, 1e-7))
    cameras = network_cameras(PoseTrack(recorded["euler"], recorded["trans"]))
    recorded.assert_close("camera25", cameras, TRIG)
    c2w = cameras[:, :16].reshape(-1, 4, 4)
    recorded.assert_close("c2w", c2w, TRIG)
    recorded.assert_close("intrinsics", cameras[:, 16:].reshape(-1, 3, 3), TRIG)
    unused = c2w.clone()
    unused[:, :3, 3] *= UNUSED_RADIUS / unused[:, :3, 3].norm(dim=1, keepdim=True)
    recorded.assert_close("convention_c2w", unused, TRIG)
    names = {"euler", "trans", "c2w", "convention_c2w", "intrinsics", "camera25"}
    for number, camera in enumerate(cameras):
        parts = split_camera(camera)
        rays = camera_rays(parts.c2w, parts.intrinsics, 128)
        recorded.assert_close(f"cam{number}_ray_o", rays.origin.expand(1, len(rays), 3), TRIG)
        recorded.assert_close(f"cam{number}_ray_d", rays.direction[None], TRIG)
        names |= {f"cam{number}_ray_o", f"cam{number}_ray_d"}
    assert set(recorded.names()) == names
