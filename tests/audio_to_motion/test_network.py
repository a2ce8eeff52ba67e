import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from real3d_core.audio_to_motion import AudioToMotionSettings, audio_to_motion
from real3d_core.audio_to_motion.hubert import Hubert, listen, rows
from real3d_core.audio_to_motion.network import expressions
from real3d_core.audio_to_motion.pitch_vae import PitchContourVAE
from real3d_core.errors import AudioError, CheckpointError
from real3d_core.face_model.blink import period_blinks
from real3d_core.face_model.expression_map import expression_to_shapes
from real3d_core.model import Model, Networks, Resident
from real3d_core.sound import to_mono
from real3d_core.streaming import one_torch_thread
from real3d_core.wires import ARKIT_NAMES, Audio
from tests.audio_to_motion.demo_speech import demo_speech
from tests.cancelling import ends_at_any_step
from tests.deterministic import audio_inputs, fill_module
from tests.expressive_bfm import expressive_face_model
from tests.golden.recorded import CHAIN, Recorded
from tests.pretended_gpu import GPU, PretendedGpu
from tests.sentences import assert_one_sentence

LIDS = [ARKIT_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
STILL = AudioToMotionSettings(head_motion=0, seed=3)


def unused():
    raise AssertionError("a sound needs no decoder")


@pytest.fixture(scope="module")
def networks():
    """The speech network as released, and a HuBERT of its width with one narrow layer."""
    other = Resident(nn.Identity())
    hubert = Hubert(hidden=16, layers=1)
    return Networks(
        image_to_plane=other,
        motion_adapter=other,
        htb_sr=other,
        load_decoder=unused,
        load_face_model=expressive_face_model,
        audio_to_motion=Resident(fill_module(PitchContourVAE())),
        hubert=Resident(fill_module(hubert)),
    )


@pytest.fixture(scope="module")
def speech():
    """2.02 s."""
    demo = demo_speech()
    return Audio(demo.waveform[:, : int(2.02 * demo.sample_rate)], demo.sample_rate)


@pytest.fixture(scope="module")
def features(speech, networks):
    with torch.inference_mode():
        return listen(to_mono(speech, 16_000), networks.hubert)


@pytest.fixture(autouse=True)
def small_work():
    with torch.inference_mode(), one_torch_thread():
        yield


def move(speech, networks, settings=STILL, features=None):
    return audio_to_motion(speech, Model("released", "network", networks), settings, hubert_features=features)


def test_the_motion(speech, networks):
    motion = move(speech, networks, dataclasses.replace(STILL, head_motion=1))
    assert len(motion) == 51 and motion.fps == 25  # ceil(2.02 * 25)
    assert motion.expression.shape == (51, 64) and motion.expression.std(0).min() > 0
    shapes = expression_to_shapes(expressive_face_model())
    alike = shapes(motion.expression)
    close = alike[:, ARKIT_NAMES.index("mouthClose")]
    close.copy_(torch.maximum(close, shapes.closed_lips(motion.expression)))
    others = np.delete(np.arange(len(ARKIT_NAMES)), LIDS)
    assert torch.equal(motion.blendshapes[:, others], alike[:, others])
    assert motion.blendshapes[:, others].std(0).max() > 0.01
    assert motion.blendshapes[:, LIDS].max() > 0.9
    assert 0.01 < motion.euler.abs().max() < np.radians(12) and motion.translation.abs().max() > 0
    analytic = audio_to_motion(speech, Model.built_in(), dataclasses.replace(STILL, head_motion=1))
    assert torch.equal(motion.euler, analytic.euler) and torch.equal(motion.translation, analytic.translation)


def test_no_head_motion_is_the_photos_pose(speech, networks, features):
    motion = move(speech, networks, STILL, features)
    assert not motion.euler.any() and not motion.translation.any()


def test_it_is_the_network_on_its_inputs(networks, monkeypatch):
    """From the recorded inputs to the recorded expressions, through the stage's own padding and noise."""
    given = audio_inputs()
    monkeypatch.setattr(
        "real3d_core.audio_to_motion.network.pitch_contour", lambda *_: given.f0[0, :61].numpy()
    )
    cut = torch.cat([given.hubert[0, :61], torch.zeros(3, 1024)])
    settings = dataclasses.replace(STILL, temperature=0)
    got = expressions(given.hubert[0, :61], np.zeros(1), networks.audio_to_motion, settings)
    f0 = torch.nn.functional.pad(given.f0[:, :61], (0, 3))
    want = networks.audio_to_motion.ready()(cut[None], f0, given.mouth_amplitude, torch.zeros(1, 16, 8))
    assert torch.allclose(got, want[0], atol=1e-5)
    monkeypatch.setattr("real3d_core.audio_to_motion.network.pitch_contour", lambda *_: given.f0[0].numpy())
    whole = expressions(given.hubert[0], np.zeros(1), networks.audio_to_motion, settings)
    Recorded("audio2motion").assert_close("z0_exp", whole[None], CHAIN)


def test_the_mouth_amplitude_is_the_networks_own(networks, features, monkeypatch):
    seen = []
    network = networks.audio_to_motion.ready()
    hook = network.register_forward_pre_hook(lambda _, inputs: seen.append(float(inputs[2])))
    for amplitude in (0.0, 1.0, 2.0):
        settings = dataclasses.replace(STILL, mouth_amplitude=amplitude)
        expressions(features, np.zeros(1), networks.audio_to_motion, settings)
    hook.remove()
    assert seen == pytest.approx([0, 0.45, 0.9])


def test_seed_and_temperature(speech, networks, features):
    def expression(**changes):
        return move(speech, networks, dataclasses.replace(STILL, **changes), features).expression

    base = expression(temperature=0.5)
    assert torch.equal(base, expression(temperature=0.5))
    assert not torch.equal(base, expression(temperature=0.5, seed=4))
    assert torch.equal(expression(temperature=0.0), expression(temperature=0.0, seed=4))
    few, more = (expression(temperature=t) - expression(temperature=0.0) for t in (0.1, 0.5))
    assert more.std() > 2 * few.std() > 0


def test_chunks_meet_without_a_seam(networks, monkeypatch):
    long = torch.from_numpy(np.random.default_rng(0).standard_normal((810, 1024), np.float32) * 0.5)
    wave = demo_speech().waveform[0].numpy()
    settings = dataclasses.replace(STILL, temperature=1.0)
    whole = expressions(long, wave, networks.audio_to_motion, settings)
    assert whole.shape == (408, 64)
    monkeypatch.setattr("real3d_core.audio_to_motion.network.CHUNK", 40)
    parts = expressions(long, wave, networks.audio_to_motion, settings)
    assert (whole - parts).abs().max() < 1e-4


def test_features_from_elsewhere(speech, networks, features):
    own = move(speech, networks).expression
    silent = dataclasses.replace(networks, hubert=None)
    for given in (features, features.double(), torch.cat([features, features[:2]])):
        assert torch.allclose(move(speech, silent, STILL, given).expression, own, atol=1e-4)
    assert move(speech, silent, STILL, features[:-3]).expression.shape == own.shape


@pytest.mark.parametrize("kind", ["narrow", "batch", "short", "long", "nan"])
def test_features_of_something_else_are_refused(speech, networks, features, kind):
    wrong = {
        "narrow": features[:, :768],
        "batch": features[None],
        "short": features[:-10],
        "long": torch.cat([features, features]),
        "nan": torch.where(torch.arange(len(features))[:, None] == 7, torch.nan, features),
    }[kind]
    with pytest.raises(AudioError) as caught:
        move(speech, networks, STILL, wrong)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("missing", ["audio_to_motion", "hubert"])
def test_missing_networks_are_named_before_any_work(speech, networks, missing, monkeypatch):
    monkeypatch.setattr(
        "real3d_core.audio_to_motion.network.to_mono", lambda *_: pytest.fail("work was begun")
    )
    with pytest.raises(CheckpointError, match=r"convert_model\.py") as caught:
        move(speech, dataclasses.replace(networks, **{missing: None}))
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("fps", [10, 24, 30, 60])
def test_other_frame_rates_read_in_between(speech, networks, features, fps):
    base = move(speech, networks, STILL, features)
    other = move(speech, networks, dataclasses.replace(STILL, fps=fps), features)
    assert len(other) == int(np.ceil(2.02 * fps))
    times = (np.arange(len(other)) + 0.5) / fps
    for column in (0, 63):
        curve = np.interp(times, (np.arange(len(base)) + 0.5) / 25, base.expression[:, column])
        inside = times < 2.02 - 0.04
        assert np.allclose(other.expression[inside, column], curve[inside], atol=1e-4)


@pytest.mark.parametrize("samples", [1, 300, 640, 641, 15_999, 16_000, 16_001])
def test_any_length(networks, samples):
    motion = move(Audio(torch.randn(1, samples) * 0.1, 16_000), networks)
    assert len(motion) == max(1, -(-samples // 640)) and torch.isfinite(motion.expression).all()


def test_silence_and_stereo(speech, networks):
    silent = move(Audio(torch.zeros(2, 16_000), 16_000), networks)
    assert torch.isfinite(silent.expression).all()
    both = Audio(speech.waveform.repeat(2, 1), speech.sample_rate)
    assert torch.allclose(move(both, networks).expression, move(speech, networks).expression, atol=1e-4)


def test_it_can_be_cancelled(speech, networks):
    model = Model("released", "network", networks)
    ends_at_any_step(lambda check: audio_to_motion(speech, model, STILL, check), 10)


def test_it_computes_where_the_networks_lie(networks):
    sound = Audio(0.1 * torch.randn(1, 3200), 16_000)
    expected = move(sound, networks).expression
    with torch.inference_mode(False), PretendedGpu(), torch.no_grad():
        parts = (networks.audio_to_motion, networks.hubert)
        speech, hubert = (Resident(copy.deepcopy(part.ready()).to(GPU)) for part in parts)
        there = dataclasses.replace(networks, audio_to_motion=speech, hubert=hubert)
        assert there.hubert.device == GPU
        motion = move(sound.__class__(sound.waveform.clone(), 16_000), there)
        assert motion.expression.device.type == "cpu"
        assert torch.allclose(motion.expression, expected, atol=1e-4)


def test_lids_blink_as_the_networks_were_shown(speech, networks, features):
    for settings in (STILL, dataclasses.replace(STILL, fps=30, blink=2, seed=8)):
        motion = move(speech, networks, settings, features)
        expected = period_blinks(len(motion), settings.seed, settings.fps, settings.blink)
        for lid in LIDS:
            assert torch.equal(motion.blendshapes[:, lid], expected)
    unblinking = move(speech, networks, dataclasses.replace(STILL, blink=0), features)
    assert not unblinking.blendshapes[:, LIDS].any()


def test_rows_and_frames_agree():
    for samples in range(1, 30_000, 37):
        frames = -(-rows(samples) // 8) * 4
        assert frames >= -(-samples // 640) - 1
