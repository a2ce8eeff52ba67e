import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from real3d_core.audio_to_motion.features import BLOCK, HOP, RATE, VOICED, analyse, levinson
from tests.audio_to_motion import synthetic

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", synthetic.FORMANTS)
@pytest.mark.parametrize("pitch", [100.0, 130.0])
def test_formants_of_known_vowels(name, pitch):
    found = analyse(synthetic.vowel(name, 0.5, pitch))
    middle = slice(15, 35)
    f1, f2, _ = synthetic.FORMANTS[name]
    assert np.nanmedian(found.f1[middle]) == pytest.approx(f1, abs=65)
    assert np.nanmedian(found.f2[middle]) == pytest.approx(f2, rel=0.08)
    assert (found.voicing[middle] > 0.9).all()
    assert np.median(found.pitch[middle]) == pytest.approx(pitch, rel=0.05)
    assert np.median(found.level[middle]) == pytest.approx(-14, abs=2)


def test_levels_are_in_decibels_of_full_scale():
    time = np.arange(RATE) / RATE
    found = analyse(0.1 * np.sin(2 * np.pi * 1000 * time))
    assert np.allclose(found.level[10:90], 20 * np.log10(0.1) - 3.01, atol=0.1)
    assert (found.bands[10:90].argmax(1) == 3).all()
    quiet = analyse(np.zeros(RATE))
    assert (quiet.level <= -99).all() and not quiet.voiced.any() and np.isnan(quiet.f1).all()


def test_noise_is_no_voice():
    found = analyse(0.1 * np.random.default_rng(0).standard_normal(2 * RATE))
    assert (found.voicing > VOICED + 0.2).mean() < 0.02


def test_rows_are_centred_and_blocks_leave_no_seam():
    length = (BLOCK + 300) * HOP
    wave = np.zeros(length)
    rows = (0, 7, BLOCK - 9, BLOCK, BLOCK + 9, BLOCK + 250)
    for row in rows:
        wave[row * HOP] = 1.0
    found = analyse(wave)
    assert len(found) == BLOCK + 301
    for row in rows[1:]:
        around = found.level[row - 1 : row + 2]
        assert around[1] == around.max() > -60
    whole = synthetic.vowel("a", 0.3)
    wave[:] = 0
    wave[BLOCK * HOP - 2400 : BLOCK * HOP + 2400] = whole
    alone = analyse(np.concatenate([np.zeros(1600), whole, np.zeros(1600)]))
    placed = analyse(wave)
    assert np.allclose(placed.level[BLOCK - 12 : BLOCK + 12], alone.level[13:37], atol=1e-6)
    assert np.allclose(placed.f1[BLOCK - 10 : BLOCK + 10], alone.f1[15:35], equal_nan=True)


def test_levinson_solves_the_normal_equations():
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((5, 200))
    correlation = np.stack([(signal[:, : 200 - k] * signal[:, k:]).sum(1) for k in range(9)], 1)
    for row, polynomial in zip(correlation, levinson(correlation), strict=True):
        matrix = row[np.abs(np.subtract.outer(np.arange(8), np.arange(8)))]
        assert np.allclose(matrix @ polynomial, -row[1:], atol=1e-8)


@pytest.mark.parametrize("samples", [1, 2, 159, 160, 161])
def test_a_few_samples(samples):
    found = analyse(np.full(samples, 0.1, np.float32))
    assert len(found) == -(-samples // HOP) + 1 and np.isfinite(found.level).all()


def test_nothing_compiled_or_heavy_is_imported():
    """numba and librosa would stall the first call of a fresh machine for half a minute."""
    script = (
        "import sys, torch; from real3d_core.audio_to_motion import *; from real3d_core.wires import Audio;"
        "from real3d_core.model import Model; audio = Audio(torch.rand(1, 22050) - 0.5, 22050);"
        "audio_to_motion(audio, Model.built_in(), AudioToMotionSettings());"
        "print([m for m in ('numba', 'librosa', 'sklearn', 'scipy') if m in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_long_sound_can_be_cancelled_at_every_block():
    class Cancelled(BaseException):
        pass

    calls = 0

    def check():
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        analyse(np.zeros(4 * BLOCK * HOP, np.float32), check)
    assert calls == 3
