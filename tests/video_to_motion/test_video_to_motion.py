"""Gaps, rates, blendshapes judged by a net: without pictures of faces."""

import numpy as np
import pytest

from real3d_core.errors import FaceNotFoundError
from real3d_core.video_to_motion import FrameOfFace, VideoToMotionSettings, video_to_motion
from real3d_core.video_to_motion.curves import at_rate, smooth
from real3d_core.video_to_motion.judged import JUDGED_NAMES, JUDGED_POINTS, above_neutral, by_name, judged
from real3d_core.video_to_motion.reading import NAMES, Reading, weights_of
from real3d_core.wires import ARKIT_INDEX, ARKIT_NAMES

PICTURE = np.zeros((8, 8, 3), np.uint8)


def moving(portrait, lost=()):
    """A face that goes to the right by a pixel a picture; lost in some pictures."""
    marks = portrait.landmarks.numpy().astype(float)

    def watch(index, picture):
        return FrameOfFace(None if index in lost else marks + np.array([index, 0.0, 0.0]))

    return watch


@pytest.mark.parametrize("fps", [12.5, 25.0, 30.0, 60.0])
def test_any_rate_becomes_25(portrait, fps):
    made = video_to_motion([PICTURE] * round(2 * fps), fps, moving(portrait))
    assert made.motion.fps == 25 and len(made.motion) == 50


def test_a_lost_face_is_bridged_and_counted(portrait):
    lost = (10, 11, 12)
    whole = video_to_motion([PICTURE] * 40, 25.0, moving(portrait), VideoToMotionSettings(smoothing=0))
    made = video_to_motion([PICTURE] * 40, 25.0, moving(portrait, lost), VideoToMotionSettings(smoothing=0))
    assert (made.seen, made.lost) == (40, 3) and "lost in 3" in made.summary
    np.testing.assert_allclose(made.motion.translation, whole.motion.translation, atol=2e-3)
    steps = np.diff(made.motion.translation[:, 0].numpy())
    assert (steps > 0).all()


def test_no_face_at_all_is_an_error():
    with pytest.raises(FaceNotFoundError, match=r"any of the 5 pictures"):
        video_to_motion([PICTURE] * 5, 25.0, lambda index, picture: FrameOfFace(None))


@pytest.mark.parametrize(("take", "shapes", "pose"), [("expression", True, False), ("pose", False, True)])
def test_what_is_not_taken_stays_as_in_the_photo(portrait, take, shapes, pose):
    follow = moving(portrait)

    def watch(index, picture):
        weights = np.zeros(52)
        weights[ARKIT_INDEX["jawOpen"]] = index / 40
        return FrameOfFace(follow(index, picture).landmarks, weights)

    made = video_to_motion([PICTURE] * 40, 25.0, watch, VideoToMotionSettings(take=take)).motion
    assert bool(made.blendshapes.any()) is shapes and bool(made.translation.any()) is pose


def test_the_filter_has_no_lag_and_takes_jitter_out():
    time = np.arange(100) / 25
    wave = np.sin(2 * np.pi * 0.7 * time)[:, None]
    noisy = wave + 0.1 * np.random.default_rng(0).normal(size=wave.shape)
    filtered = smooth(noisy, 25, 0.8)
    assert np.std(filtered - wave) < 0.6 * np.std(noisy - wave)
    lags = [np.corrcoef(wave[5:-5, 0], np.roll(filtered, lag)[5:-5, 0])[0, 1] for lag in range(-4, 5)]
    assert int(np.argmax(lags)) == 4
    assert smooth(noisy, 25, 0) is noisy


def test_curves_hold_before_the_first_and_after_the_last_face():
    values = np.array([[np.nan], [1.0], [np.nan], [3.0], [np.nan]])
    np.testing.assert_allclose(at_rate(values, np.arange(5) / 25, 25, 0.2)[:, 0], [1, 1, 2, 3, 3])


def test_a_net_s_weights_go_by_name():
    """The net's second number is browDownLeft, its last noseSneerRight; tongueOut it does not know."""

    def stand_in(points):
        assert points.shape == (len(JUDGED_POINTS), 2) == (146, 2)
        np.testing.assert_allclose(points.mean(0), 0, atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(points, axis=1).mean(), 0.5, rtol=1e-5)
        return np.arange(52) / 100

    weights = judged(np.random.default_rng(0).normal(size=(478, 3)) * 100, stand_in)
    assert weights[ARKIT_INDEX["browDownLeft"]] == pytest.approx(0.01)
    assert weights[ARKIT_INDEX["noseSneerRight"]] == pytest.approx(0.51)
    assert weights[ARKIT_INDEX["tongueOut"]] == 0
    assert set(JUDGED_NAMES) == {"_neutral", *ARKIT_NAMES} - {"tongueOut"}
    assert by_name({"jawOpen": float("nan"), "unheard": 1.0, "mouthClose": 7.0}).max() == 1


def test_a_net_s_weights_are_against_the_clip_s_rest():
    rows = [np.full(52, 0.2)] * 8 + [np.full(52, 1.0)] * 2
    out = above_neutral(rows, np.zeros((10, 52)))
    np.testing.assert_allclose(out[:8], 0, atol=1e-9)
    np.testing.assert_allclose(out[8:], 1)


def test_a_small_movement_counts_about_a_large_one_only():
    """Lips that are seen parted by 2 mm belong to a mouth that speaks, or are the nets' error."""
    movements = np.zeros((300, len(NAMES)))
    movements[:, NAMES.index("lipsParted")] = 0.2  # cm
    movements[200, NAMES.index("lipsParted")] = 1.0
    still = np.zeros((300, 3))
    jaw = weights_of(Reading(movements, still), still)[:, ARKIT_INDEX["jawOpen"]]
    assert jaw[0] == jaw[100] == 0
    assert 0 < jaw[195] < 0.2 < 0.4 < jaw[200]


@pytest.mark.parametrize(("width", "low", "high"), [(0.0, 0.4, 0.6), (-1.2, 0.0, 0.05)])
def test_pursed_lips_are_no_open_mouth(width, low, high):
    """The nets part lips that are pursed; what a driver's tight pout was read as."""
    movements = np.zeros((40, len(NAMES)))
    movements[:, NAMES.index("lipsParted")] = 0.8  # cm
    movements[:, NAMES.index("mouthWidth")] = width
    still = np.zeros((40, 3))
    jaw = weights_of(Reading(movements, still), still)[:, ARKIT_INDEX["jawOpen"]]
    assert low <= jaw.min() and jaw.max() <= high
