"""Relatives of the released models that cannot be run are refused by name, and settings are read."""

import pytest
import torch

from real3d_core.checkpoints import convert
from real3d_core.checkpoints.variants import RELEASED, Config, settings_of
from real3d_core.errors import CheckpointError
from real3d_core.model import NetworkSettings

from ..sentences import assert_one_sentence
from .making import manifest, nested
from .small import write_checkpoint

FINAL = "cano_img2plane_backbone.triplane_predictor_vit.final_conv.weight"


def refused(entries, config, folder):
    with pytest.raises(CheckpointError) as raised:
        convert(write_checkpoint(folder / "variant", nested(entries), config), folder / "models")
    assert_one_sentence(raised.value)
    assert not (folder / "models").exists()
    return str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"plane2grid_module.alpha": torch.ones(1)}, "trigrid_v2"),
        ({FINAL: torch.ones(288, 1)}, "trigrid_v2"),
        (
            {"superresolution.torso_model.weight": None, "superresolution.torso_model.bias": None},
            "head alone",
        ),
        ({"superresolution.block0.spade.weight": torch.ones(1)}, "SPADE"),
    ],
    ids=["plane2grid", "channels", "head only", "spade"],
)
def test_portrait_networks(change, said, small_entries, tmp_path):
    entries = {name: value for name, value in (small_entries | change).items() if value is not None}
    assert said in refused(entries, None, tmp_path)


@pytest.mark.parametrize("name", RELEASED)
def test_other_settings_are_refused_by_name(name, small_entries, tmp_path):
    released = RELEASED[name]
    other = str(not released).lower() if isinstance(released, bool) else "5"
    assert f"{name} = " in refused(small_entries, f"{name}: {other}\n", tmp_path)


@pytest.mark.parametrize("mode", ["v1", "'v3'", '"v3"'])
def test_other_ways_of_joining_head_and_torso(mode, small_entries, tmp_path):
    config = f"htbsr_head_weight_fuse_mode: {mode}  # mode\n"
    assert f"= {mode.strip(chr(39) + chr(34))} " in refused(small_entries, config, tmp_path)


@pytest.mark.parametrize(
    ("change", "config", "said"),
    [
        ({"pitch_embed.weight": None}, "", "without pitch"),
        ({"eye_amp_embed": torch.ones(1)}, "", "eye amplitude"),
        ({"mouth_amp_embed": None}, "", "without a mouth"),
        ({"vae.prior_flow.": None}, "", "flow prior"),
        ({"mel_encoder.0.weight": torch.ones(128, 80, 3)}, "", "80 features"),
        ({"vae.decoder.out_proj.weight": torch.ones(144, 2, 1)}, "", "idexp"),
        ({}, "task_cls: tasks.icl_audio2motion\n", "in-context"),
    ],
)
def test_speech_networks(change, config, said, tmp_path):
    entries = {name: torch.zeros(shape) for name, shape in manifest("audio2secc_vae").items()}
    for name, value in change.items():
        if value is None:
            entries = {key: one for key, one in entries.items() if not key.startswith(name)}
        else:
            entries[name] = value
    assert said in refused(entries, config, tmp_path)


def test_settings_come_from_the_config_or_are_the_released_ones(tmp_path):
    checkpoint = tmp_path / "model_ckpt_steps_1.ckpt"
    assert settings_of(Config.beside(checkpoint)) == NetworkSettings(0.9, "v2", "v2", "released")
    text = "htbsr_head_threshold: 0.7\nraw: {a: 1}\nhtbsr:\n  htbsr_head_threshold: 3\n"
    text += "empty:\nnote: 'it''s'\n"
    (tmp_path / "config.yaml").write_text(text)
    config = Config.beside(checkpoint)
    assert settings_of(config) == NetworkSettings(0.7, "v2", "v2", "config.yaml")
    assert config.values == {
        "htbsr_head_threshold": 0.7,
        "raw": "{a: 1}",
        "htbsr": None,
        "empty": None,
        "note": "it's",
    }
    (tmp_path / "config.yaml").write_text("base_config: ./nowhere.yaml\n")
    assert settings_of(Config.beside(checkpoint)).head_threshold == 0.9
