import numpy as np
import pytest
import torch

from real3d_core.audio_to_motion.hubert import FIELD, STRIDE, WINDOW, hubert_entries, listen, rows
from real3d_core.model import Resident
from real3d_core.streaming import one_torch_thread
from tests.audio_to_motion.small_hubert import RECORDED, WIDTH, small_hubert, stored_entries, wave
from tests.cancelling import ends_at_any_step

LAYERS_OF_SMALL = 9  # seven convolutions and two layers of attention, a check before each


@pytest.fixture(autouse=True)
def small_work():
    with one_torch_thread():
        yield


def loaded(entries):
    network = small_hubert()
    network.load_state_dict(hubert_entries(entries), strict=True)
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return loaded(stored_entries())


@pytest.mark.parametrize(
    "stored", [{"prefix": prefix, "old_names": old} for prefix in ("", "hubert.") for old in (False, True)]
)
def test_it_computes_what_transformers_does_however_it_was_stored(stored):
    entries = stored_entries(**stored) | {"lm_head.weight": torch.ones(3, 3), "lm_head.bias": torch.ones(3)}
    with torch.inference_mode():
        features = loaded(entries)(wave())
    expected = torch.from_numpy(np.load(RECORDED)["features"])
    assert features.shape == expected.shape
    # Equal bit for bit where the numbers were made; other machines add up in another order.
    assert (features - expected).abs().max() < 2e-5


def test_an_entry_too_few_or_too_many_is_seen():
    entries = stored_entries()
    for wrong in (dict(list(entries.items())[1:]), entries | {"encoder.more": torch.ones(1)}):
        with pytest.raises(RuntimeError):
            loaded(wrong)


def test_the_released_network_is_large():
    from real3d_core.audio_to_motion.hubert import Hubert

    with torch.device("meta"):
        released = Hubert()
    # 315,438,720 with the mask token of the training
    assert sum(value.numel() for value in released.state_dict().values()) == 315_438_720 - 1024


def test_windows_hear_nothing_outside_themselves(network, monkeypatch):
    sound = 0.1 * wave(4 * 3200 + 500)[0].numpy() + 0.05
    monkeypatch.setattr("real3d_core.audio_to_motion.hubert.WINDOW", 3200)
    with torch.inference_mode():
        features = listen(sound, Resident(network))
        assert features.shape == (rows(len(sound)), WIDTH) and features.dtype == torch.float32
        normalised = torch.from_numpy((sound - sound.mean()) / np.sqrt(sound.var() + 1e-7))[None]
        for first in range(0, len(sound), 3200):
            part = network(normalised[:, first : first + 3200 + FIELD - STRIDE])[0]
            assert torch.allclose(features[first // STRIDE : first // STRIDE + len(part)], part, atol=1e-4)


def test_the_windows_of_training():
    assert (WINDOW, FIELD, STRIDE) == (320_000, 400, 320)


@pytest.mark.parametrize("samples", [1, 399, 400, 719, 720, 6399, 6400, 6479, 6480, 6799, 6800, 9600])
def test_every_length_gives_its_rows(network, samples, monkeypatch):
    monkeypatch.setattr("real3d_core.audio_to_motion.hubert.WINDOW", 3200)
    with torch.inference_mode():
        features = listen(wave(samples)[0].numpy(), Resident(network))
    assert len(features) == rows(samples)
    assert torch.isfinite(features).all()


def test_loudness_and_offset_do_not_matter_and_silence_is_finite(network):
    sound = wave()[0].numpy()
    with torch.inference_mode():
        features = [
            listen(each, Resident(network)) for each in (sound, 0.2 * sound + 0.3, np.zeros_like(sound))
        ]
    assert torch.allclose(features[0], features[1], atol=2e-3)
    assert torch.isfinite(features[2]).all()


def test_it_can_be_cancelled_before_every_layer(network):
    ends_at_any_step(
        lambda check: listen(wave(800)[0].numpy(), Resident(network), check), 1 + LAYERS_OF_SMALL
    )
