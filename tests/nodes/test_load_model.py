"""Load Real3D Model and Convert Real3D Model: from a downloaded checkpoint to a model on the wire."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from real3d_core.checkpoints.store import Origin, write
from real3d_core.errors import CheckpointError
from real3d_core.model import Model
from real3d_portrait.nodes import ConvertModel, LoadModel
from real3d_portrait.nodes.convert_model import NOTHING
from real3d_portrait.nodes.headless import command, convert_command
from real3d_portrait.nodes.headless.session import Session, using

from ..checkpoints.making import nested
from ..checkpoints.small import entries_of_small_parts, use_small_parts, write_checkpoint
from ..sentences import assert_one_sentence

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A models folder with a checkpoint of small networks, in a session of its own."""
    use_small_parts(monkeypatch)
    folder = tmp_path / "models" / "real3d_portrait"
    write_checkpoint(folder / "downloaded" / "small_torso", nested(entries_of_small_parts()))
    with using(Session(models=folder.parent, temp=tmp_path, output=tmp_path, input=tmp_path)):
        yield folder


@pytest.fixture
def converted(models):
    """The same, converted, with a face model."""
    assert ConvertModel.execute("downloaded/small_torso").result == ("small_torso.safetensors",)
    origin = Origin("by hand", "")
    write(models / "face.safetensors", {"meanshape": torch.ones(3)}, "face-model", {}, origin)
    return models


def options(node, name):
    return list(next(one for one in node.define_schema().inputs if one.id == name).options)


def test_without_files_there_is_the_built_in_model(tmp_path):
    with using(Session(models=tmp_path)):
        assert options(LoadModel, "model") == ["built-in"]
        assert options(LoadModel, "audio_model") == ["automatic", "none"]
        assert LoadModel.validate_inputs("built-in") is True
        assert LoadModel.execute("built-in").result == (Model.built_in(),)
        assert options(ConvertModel, "source") == [NOTHING]
        verdict = ConvertModel.validate_inputs(NOTHING)
        assert_one_sentence(verdict)
        assert str(tmp_path / "real3d_portrait") in verdict


def test_from_the_download_to_the_wire(converted, monkeypatch):
    assert options(LoadModel, "model") == ["built-in", "small_torso.safetensors"]
    assert options(LoadModel, "precision") == ["fp32", "bf16", "fp16"]
    assert LoadModel.validate_inputs("small_torso.safetensors", "automatic") is True
    with torch.inference_mode():
        model, again = (LoadModel.execute("small_torso.safetensors").result[0] for _ in range(2))
        half = LoadModel.execute("small_torso.safetensors", "none", "bf16").result[0]
    assert model == again and model.networks is again.networks and model.kind == "network"
    assert model.name == "small_torso.safetensors" and model.networks.settings.head_threshold == 0.85
    assert half.networks.htb_sr.ready()[0].weight.dtype == torch.bfloat16
    assert model.networks.image_to_plane.ready()(torch.ones(1, 2)).shape == (1, 3)


def test_a_changed_file_makes_the_node_run_again(converted):
    before = LoadModel.fingerprint_inputs("small_torso.safetensors")
    assert LoadModel.fingerprint_inputs("small_torso.safetensors", audio_model="none") == before
    os.utime(converted / "small_torso.safetensors", (1, 1))
    assert LoadModel.fingerprint_inputs("small_torso.safetensors") != before
    source = ConvertModel.fingerprint_inputs("downloaded/small_torso")
    os.utime(converted / "downloaded/small_torso/model_ckpt_steps_100000.ckpt", (1, 1))
    assert ConvertModel.fingerprint_inputs("downloaded/small_torso") != source


def test_a_missing_face_model_is_told_before_anything_runs(converted):
    (converted / "face.safetensors").unlink()
    verdict = LoadModel.validate_inputs("small_torso.safetensors", "automatic")
    assert_one_sentence(verdict)
    for word in ("BFM_model_front.mat", str(converted), "python convert_model.py"):
        assert word in verdict
    for inputs in (("elsewhere.safetensors", "automatic"), ("small_torso.safetensors", "gone.safetensors")):
        assert_one_sentence(LoadModel.validate_inputs(*inputs))


def test_a_missing_hubert_is_told_before_anything_runs(converted):
    """Unless the speech network is chosen by name: then another node's features may take its place."""
    origin, weight = Origin("by hand", ""), {"weight": torch.ones(1)}
    write(converted / "speech.safetensors", weight, "audio-to-motion", {}, origin)
    verdict = LoadModel.validate_inputs("small_torso.safetensors", "automatic")
    assert_one_sentence(verdict)
    for word in ("HuBERT", "speech.safetensors", str(converted), "python convert_model.py", "none"):
        assert word in verdict
    for audio in ("none", "speech.safetensors"):
        assert LoadModel.validate_inputs("small_torso.safetensors", audio) is True
    write(converted / "hubert_large.safetensors", weight, "hubert", {}, origin)
    assert LoadModel.validate_inputs("small_torso.safetensors", "automatic") is True


def test_only_what_is_listed_can_be_converted(models, tmp_path):
    outside = write_checkpoint(tmp_path / "outside", nested(entries_of_small_parts()))
    (models / "model_ckpt_steps_5.ckpt").touch()
    (models / "bfm").mkdir()
    (models / "bfm" / "BFM_model_front.mat").touch()
    (models / ".hidden").mkdir()
    (models / ".hidden" / "secret.ckpt").touch()
    encoders = models.parent / "audio_encoders"
    encoders.mkdir()
    (encoders / "pytorch_model.bin").touch()
    listed = ["bfm/BFM_model_front.mat", "downloaded/small_torso", "model_ckpt_steps_5.ckpt"]
    assert options(ConvertModel, "source") == [*listed, "pytorch_model.bin"]
    for name in (str(outside), "../../outside", "downloaded", ".hidden/secret.ckpt", ""):
        assert_one_sentence(ConvertModel.validate_inputs(name))
        with pytest.raises(CheckpointError):
            ConvertModel.execute(name)
    assert not list(models.glob("*.safetensors"))


def test_a_workflow_converts(models, tmp_path, capsys):
    workflow = tmp_path / "convert.json"
    node = {"class_type": "R3DP_ConvertModel", "inputs": {"source": "downloaded/small_torso"}}
    workflow.write_text(json.dumps({"1": node}))
    assert command.main([str(workflow), "--models", str(models.parent)]) == 0
    assert (models / "small_torso.safetensors").is_file()


def test_the_command_converts_and_says_what_is_wrong(models, tmp_path, capsys):
    source, target = models / "downloaded" / "small_torso", tmp_path / "elsewhere"
    assert convert_command.main([str(source), "--to", str(target), "--name", "mine.safetensors"]) == 0
    assert capsys.readouterr().out == f"{target / 'mine.safetensors'} (talking-head)\n"
    assert convert_command.main([str(tmp_path / "nothing"), "--to", str(target)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert_one_sentence(error.removeprefix("error: ").strip())
    for bad in (["--name", "../up", str(source)], ["--name", "x", str(source), str(source)], []):
        with pytest.raises(SystemExit) as ended:
            convert_command.main(bad)
        assert ended.value.code == 2
    assert os.listdir(target) == ["mine.safetensors"]


@pytest.mark.parametrize("is_installed", [True, False])
def test_where_the_command_puts_files(is_installed, tmp_path, monkeypatch):
    pack = tmp_path / ("custom_nodes" if is_installed else "repositories") / "real3d-portrait"
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(convert_command, "PACK_FOLDER", pack)
    expected = (tmp_path if is_installed else pack) / "models" / "real3d_portrait"
    assert convert_command._models_folder(None) == expected


def test_the_script_starts_from_any_folder(tmp_path):
    script = [sys.executable, str(ROOT / "convert_model.py"), "gone.ckpt", "--to", "here"]
    run = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True)
    assert (
        run.returncode == 1 and run.stderr == "error: There is no file or folder gone.ckpt; check the path.\n"
    )
    assert not (tmp_path / "here").exists()
