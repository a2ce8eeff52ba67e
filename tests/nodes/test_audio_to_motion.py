"""The Audio-to-Motion node with the networks: what it hands on, and ComfyUI's own audio encoder."""

from __future__ import annotations

import pytest
import torch

from real3d_core.errors import AudioError
from real3d_core.model import Model
from real3d_portrait.nodes import AudioToMotion, audio_to_motion
from tests.sentences import assert_one_sentence

SOUND = {"waveform": 0.1 * torch.randn(1, 1, 16_000), "sample_rate": 16_000}
SETTINGS = (1.0, 0.2, 0, 0.0, 1.0, 25.0)  # mouth, temperature, seed, head, blink, fps


def encoded(rows: int) -> dict[str, object]:
    return {"encoded_audio": torch.randn(1, rows, 1024), "encoded_audio_all_layers": (), "audio_samples": 1}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor | None]:
    """What the stage is given as features of the sound."""
    given = []

    def stage(audio, model, settings, check, features):
        given.append(features)
        return "motion"

    monkeypatch.setattr("real3d_core.audio_to_motion.audio_to_motion", stage)
    return given


def test_core_s_features_reach_the_stage(heard: list[torch.Tensor | None]) -> None:
    value = encoded(49)
    AudioToMotion.execute(SOUND, *SETTINGS, Model.built_in(), value)
    AudioToMotion.execute(SOUND, *SETTINGS, Model.built_in())
    AudioToMotion.execute(SOUND, *SETTINGS)
    assert torch.equal(heard[0], value["encoded_audio"][0]) and heard[1:] == [None, None]


def test_the_built_in_model_has_no_use_for_them() -> None:
    with_features = AudioToMotion.execute(SOUND, *SETTINGS, None, encoded(49)).result[0]
    without = AudioToMotion.execute(SOUND, *SETTINGS).result[0]
    assert torch.equal(with_features.blendshapes, without.blendshapes) and without.expression is None


def test_another_value_is_refused() -> None:
    with pytest.raises(AudioError) as caught:
        AudioToMotion.execute(SOUND, *SETTINGS, None, {"samples": torch.zeros(1)})
    assert_one_sentence(caught.value)


def test_the_socket_is_core_s() -> None:
    last = AudioToMotion.define_schema().inputs[-1]
    assert (last.id, last.get_io_type(), last.optional) == (
        "audio_encoder_output",
        "AUDIO_ENCODER_OUTPUT",
        True,
    )
    assert audio_to_motion.wire_types.AudioEncoderOutput is not None
