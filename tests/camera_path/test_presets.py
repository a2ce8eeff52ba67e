"""Ready movements: where they go, that they loop, that nothing jumps."""

from __future__ import annotations

import math

import pytest
import torch

from real3d_core.camera_path import Offset, PathSettings, camera_path
from real3d_core.camera_path.easing import EASINGS, eased, wave
from real3d_core.camera_path.picture import angles_picture, camera_picture
from real3d_core.camera_path.presets import PRESETS, Move, preset_track, with_hand
from real3d_core.camera_path.tracks import held, together, track
from real3d_core.errors import CameraError
from real3d_core.render_triplane.safe_range import camera_angles
from real3d_core.wires import Camera
from tests.sentences import assert_one_sentence

DEGREE = math.pi / 180


@pytest.mark.parametrize("easing", EASINGS)
def test_easings_go_all_the_way_and_never_back(easing: str) -> None:
    way = eased(torch.linspace(0, 1, 101), easing)
    assert way[0] == 0 and way[-1] == pytest.approx(1)
    assert (way.diff() >= 0).all()
    swing = wave(torch.tensor([0, 0.25, 0.5, 0.75, 1], dtype=torch.float64), easing)
    torch.testing.assert_close(swing, torch.tensor([0.0, 1, 0, -1, 0]).double(), atol=1e-9, rtol=0)


def test_smooth_is_a_sine() -> None:
    phase = torch.linspace(0, 3, 200, dtype=torch.float64)
    torch.testing.assert_close(wave(phase, "smooth"), torch.sin(2 * math.pi * phase), atol=1e-9, rtol=0)


def test_orbit_swings_to_both_sides_and_loops() -> None:
    yaw = preset_track(Move("orbit"), 100, 25).yaw / DEGREE
    assert yaw.max() == pytest.approx(15, abs=0.1) and yaw.min() == pytest.approx(-15, abs=0.1)
    assert yaw[0].abs() < 1e-5
    step = float((yaw[1] - yaw[0]).abs())
    assert float((yaw[0] - yaw[-1]).abs()) == pytest.approx(step, rel=0.02)  # the next round goes on alike
    twice = preset_track(Move("orbit", amount=-2, period=2.0), 100, 25).yaw / DEGREE
    assert twice[12:13] < -29 and twice[:50].sub(twice[50:]).abs().max() < 1e-4


def test_figure_eight_crosses_its_middle_and_goes_up_twice_a_round() -> None:
    path = preset_track(Move("figure-eight"), 200, 25)
    assert path.yaw.max() / DEGREE == pytest.approx(12, abs=0.1)
    assert path.pitch.max() / DEGREE == pytest.approx(5, abs=0.1)
    assert path.pitch[:100].max() > 4 * DEGREE and path.pitch[100:].max() > 4 * DEGREE
    assert path.yaw[100].abs() < 1e-6 and path.pitch[100].abs() < 1e-6


def test_dolly_goes_near_and_back_and_push_in_near_alone() -> None:
    dolly = preset_track(Move("dolly"), 100, 25).dolly
    assert dolly[0] == 1 and dolly.max() == 1  # farther than in the photo there is nothing to see
    assert dolly[50] == pytest.approx(0.8, abs=1e-3)
    torch.testing.assert_close(dolly[1:50], dolly[51:].flip(0))
    push = preset_track(Move("push-in"), 100, 25).dolly
    assert push[0] == 1 and push[-1] == pytest.approx(0.8) and (push.diff() <= 0).all()
    short = preset_track(Move("push-in", period=1.0), 100, 25).dolly
    torch.testing.assert_close(short[25:], torch.full((75,), 0.8))  # arrived, and stays


def test_shake_is_the_seeds_own_small_and_smooth() -> None:
    long, short = (preset_track(Move("shake", seed=4), frames, 25) for frames in (2000, 50))
    torch.testing.assert_close(held(long, 50).yaw, short.yaw)  # of the same beginning at any length
    assert not torch.allclose(preset_track(Move("shake", seed=5), 50, 25).yaw, short.yaw)
    assert float(long.yaw.square().mean().sqrt()) == pytest.approx(0.7 * DEGREE, rel=0.25)
    assert float(long.yaw.diff().abs().max()) < 0.5 * DEGREE
    twice = preset_track(Move("shake", amount=2, seed=4), 50, 25)
    torch.testing.assert_close(twice.shift, 2 * short.shift)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("easing", EASINGS)
def test_no_preset_jumps(preset: str, easing: str) -> None:
    path = preset_track(Move(preset, easing=easing), 100, 25)
    for part in (path.yaw, path.pitch, path.roll):
        assert float(part.diff().abs().max()) < 2 * DEGREE
    assert float(path.dolly.diff().abs().max()) < 0.03
    assert len(path) == 100 and len(preset_track(Move(preset, easing=easing), 1, 25)) == 1


def test_static_without_more_is_the_photos_view() -> None:
    path, front = camera_path(PathSettings(), 3, 25), Camera.front()
    for name in ("yaw", "pitch", "roll", "dolly", "shift", "field_of_view"):
        expected = getattr(front, name).expand_as(getattr(path, name))
        assert torch.equal(getattr(path, name), expected)


def test_angles_add_up_and_factors_multiply() -> None:
    base = Camera.front()
    base = track(2, yaw=torch.tensor([0.1, 0.2]), dolly=torch.tensor([2.0]), truck=torch.tensor([0.3]))
    offset = Offset(10, 5, -20, 0.5, 0.1, -0.2, 1.5)
    path = camera_path(PathSettings(offset=offset, keyframes="0: yaw 20, dolly 3"), 3, 25, base)
    torch.testing.assert_close(path.yaw, torch.tensor([0.1, 0.2, 0.2]) + 30 * DEGREE)
    torch.testing.assert_close(path.dolly, torch.full((3,), 3.0))
    torch.testing.assert_close(path.roll, torch.full((3,), -20 * DEGREE))
    torch.testing.assert_close(path.shift, torch.tensor([[0.1, -0.2]]).expand(3, 2))
    torch.testing.assert_close(path.field_of_view, torch.full((3,), 1.5))
    torch.testing.assert_close(path.truck, torch.full((3,), 0.3))


def test_a_hand_shakes_on_top_of_any_movement() -> None:
    orbit = preset_track(Move("orbit"), 50, 25)
    assert with_hand(orbit, 0.0, 25, 3) is orbit
    shaken = with_hand(orbit, 1.5, 25, 3)
    hand = preset_track(Move("shake", 1.5, seed=3), 50, 25)
    torch.testing.assert_close(shaken.yaw, orbit.yaw + hand.yaw)


@pytest.mark.parametrize(
    ("settings", "frames", "fps"),
    [
        (PathSettings(Move("loop the loop")), 3, 25),
        (PathSettings(Move("orbit", easing="bouncy")), 3, 25),
        (PathSettings(), 0, 25),
        (PathSettings(), 10**9, 25),
        (PathSettings(), 3, 0),
        (PathSettings(), 3, float("nan")),
    ],
)
def test_unusable_settings_are_refused(settings: PathSettings, frames: int, fps: float) -> None:
    with pytest.raises(CameraError) as error:
        camera_path(settings, frames, fps)
    assert_one_sentence(error.value)


def test_a_camera_with_nan_is_refused() -> None:
    with pytest.raises(CameraError) as error:
        together(track(2), track(1, yaw=torch.tensor([float("nan")])))
    assert_one_sentence(error.value)


def test_pictures_show_the_curves_and_the_warning() -> None:
    wide = preset_track(Move("orbit", amount=3), 60, 25)
    warning = camera_angles(wide).warning(limited=True)
    plain, warned = camera_picture(wide, 25), camera_picture(wide, 25, (warning,))
    assert plain.dtype == "uint8" and warned.shape[0] > plain.shape[0] and warned.shape[1:] == plain.shape[1:]
    assert (camera_picture(track(60), 25) != plain).any()
    angles = angles_picture(camera_angles(wide), camera_angles(track(60)), 25, (warning,))
    assert angles.std() > 5
