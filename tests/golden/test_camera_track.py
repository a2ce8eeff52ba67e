"""Cameras of a track of head poses, smoothing, playing back and forth, and mapping to a portrait's pose."""

from __future__ import annotations

import torch

from real3d_core.face_model.poses import PoseTrack, mapped_to_source, network_cameras
from real3d_core.face_model.smoothing import mirror_index, smooth_cameras, smooth_track
from tests.deterministic import pose_track, uniform
from tests.golden.recorded import Recorded

INPUT = (1e-6, 1e-7)
ROUNDED = (2e-6, 3e-7)
"""Cameras are reckoned from float32 angles."""

UNUSED_RADIUS = 2.7
"""The original also reckons cameras of this distance from the origin, which nothing uses."""


def test_camera_track() -> None:
    recorded = Recorded("camera_track")
    track = PoseTrack(*(torch.from_numpy(part) for part in pose_track(20)))
    recorded.assert_close("euler", track.euler, INPUT)
    recorded.assert_close("trans", track.translation, INPUT)

    cameras = network_cameras(track)
    recorded.assert_close("camera25", cameras, ROUNDED)
    recorded.assert_close("camera25_smooth7", smooth_cameras(cameras), ROUNDED)
    unused = cameras[:, :16].reshape(-1, 4, 4).clone()
    unused[:, :3, 3] *= UNUSED_RADIUS / unused[:, :3, 3].norm(dim=1, keepdim=True)
    recorded.assert_close("convention_c2w", unused, ROUNDED)

    key_points = torch.from_numpy(uniform("kp_track", (20, 136)) * 2 - 1).float()
    recorded.assert_close("kp", key_points, INPUT)
    recorded.assert_close("kp_smooth7", smooth_track(key_points), INPUT)
    recorded.assert_close("mirror_index_len5_40", mirror_index(torch.arange(40), 5), (0, 0))

    source = PoseTrack(recorded["src_euler"], recorded["src_trans"])
    mapped = mapped_to_source(track, source)
    recorded.assert_close("mapped_euler", mapped.euler, INPUT)
    recorded.assert_close("mapped_trans", mapped.translation, INPUT)

    compared = {"euler", "trans", "camera25", "camera25_smooth7", "convention_c2w", "kp", "kp_smooth7"}
    given = {"src_euler", "src_trans"}
    assert set(recorded.names()) == compared | given | {
        "mirror_index_len5_40",
        "mapped_euler",
        "mapped_trans",
    }
