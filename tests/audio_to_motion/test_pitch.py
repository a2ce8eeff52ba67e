import time

import numpy as np
import pytest

from real3d_core.audio_to_motion.pitch import CEILING, FLOOR, RATE, STEP, pitch_contour
from tests.audio_to_motion.demo_speech import RECORDED, demo_wave
from tests.audio_to_motion.synthetic import vowel
from tests.cancelling import ends_at_any_step


@pytest.fixture(scope="module")
def wave():
    return demo_wave()


def contour(wave):
    return pitch_contour(wave.astype(np.float32), -(-len(wave) // STEP) - 1)


def tone(hertz, seconds=1.0):
    """Eight harmonics."""
    time = np.arange(int(seconds * RATE)) / RATE
    return 0.1 * sum(np.sin(2 * np.pi * k * hertz * time) / k for k in range(1, 9))


def test_it_hears_what_praat_hears(wave):
    praat, ours = np.load(RECORDED)["hertz"], contour(wave)
    assert ours.shape == praat.shape
    assert ((ours > 0) == (praat > 0)).mean() > 0.99
    both = (ours > 0) & (praat > 0)
    cents = np.abs(1200 * np.log2(ours[both] / praat[both]))
    assert both.mean() > 0.5 and np.median(cents) < 0.5 and cents.max() < 50


@pytest.mark.parametrize("hertz", [85, 120, 201.3, 333, 500, 700])
def test_a_tone_is_exact(hertz):
    heard = contour(tone(hertz))
    assert (heard > 0).all()
    assert np.abs(1200 * np.log2(heard[2:-2] / hertz)).max() < 2


@pytest.mark.parametrize("hertz", [40, 1500])
def test_no_pitch_outside_the_range(hertz):
    heard = contour(0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE))
    assert ((heard == 0) | ((heard >= FLOOR * 0.98) & (heard <= CEILING * 1.01))).all()


def test_silence_and_hiss_have_no_voice():
    assert not contour(np.zeros(RATE)).any()
    assert (contour(0.1 * np.random.default_rng(0).standard_normal(RATE)) > 0).mean() < 0.05


def test_loudness_does_not_matter(wave):
    assert np.array_equal(contour(wave) > 0, contour(0.01 * wave) > 0)


def test_the_path_does_not_jump_octaves():
    heard = contour(vowel("a", 2.0, pitch=110))
    voiced = heard[heard > 0]
    assert len(voiced) > 90 and np.abs(np.diff(np.log2(voiced))).max() < 0.1


def test_blocks_do_not_show(wave, monkeypatch):
    whole = contour(wave)
    monkeypatch.setattr("real3d_core.audio_to_motion.pitch.BLOCK", 17)
    assert np.allclose(contour(wave), whole, rtol=1e-6)


def test_the_length_is_the_one_asked_for(wave):
    short, exact, long = (pitch_contour(wave[:16_000], rows) for rows in (10, 49, 60))
    assert (len(short), len(exact), len(long)) == (10, 49, 60)
    assert np.array_equal(long[:49], exact) and not long[49:].any()
    for samples in (0, 1, 320, 321, 640, 641):
        assert pitch_contour(wave[:samples], 3).shape == (3,)


def test_ten_minutes_are_quick_and_can_be_cancelled(wave):
    long = np.tile(wave, 72)
    start = time.process_time()
    pitch_contour(long, 30_000)
    assert time.process_time() - start < 20
    ends_at_any_step(lambda check: pitch_contour(long, 30_000, check), 2)
