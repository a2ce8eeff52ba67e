"""Smoothing of tracks over time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from real3d_core.face_model.poses import PoseTrack, network_cameras
from real3d_core.face_model.smoothing import mirror_index, smooth_cameras, smooth_track
from tests.deterministic import normal


@pytest.mark.parametrize("frames", [1, 2, 5, 30])
def test_cameras_have_the_mean_rotation_and_position(frames: int) -> None:
    track = PoseTrack(0.8 * normal("e", (frames, 3)), normal("t", (frames, 3)))
    cameras = network_cameras(track)
    smooth = smooth_cameras(cameras)
    assert smooth.shape == cameras.shape and smooth.dtype == cameras.dtype
    c2w, found = (value[:, :16].reshape(-1, 4, 4).double().numpy() for value in (cameras, smooth))
    for i in range(frames):
        span = c2w[max(0, i - 3) : i + 4]
        mean = Rotation.from_matrix(span[:, :3, :3]).mean().as_matrix()
        assert np.abs(found[i, :3, :3] - mean).max() < 1e-5
        assert np.abs(found[i, :3, 3] - span[:, :3, 3].mean(0)).max() < 1e-5
    assert torch.equal(smooth[:, 16:], cameras[:, 16:])
    assert torch.equal(smooth[:, 12:16], cameras[:, 12:16])


@pytest.mark.parametrize("frames", [1, 2, 3, 12])
def test_a_track_keeps_its_mean_value_and_is_mirrored_at_its_ends(frames: int) -> None:
    track = normal("track", (frames, 68, 3))
    smooth = smooth_track(track)
    assert smooth.shape == track.shape
    assert torch.allclose(smooth.mean(0), track.mean(0), atol=1e-5)
    assert torch.allclose(smooth_track(torch.ones(frames, 2)), torch.ones(frames, 2))


def test_a_track_without_motion_stays() -> None:
    cameras = network_cameras(PoseTrack(torch.full((9, 3), 0.3), torch.full((9, 3), -0.2)))
    assert torch.allclose(smooth_cameras(cameras), cameras, atol=1e-6)


def test_back_and_forth() -> None:
    assert mirror_index(torch.arange(-3, 8), 3).tolist() == [2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]
    assert mirror_index(torch.arange(4), 1).tolist() == [0, 0, 0, 0]
