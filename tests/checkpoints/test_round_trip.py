"""From files laid out as the released ones to networks: every number arrives."""

import os

import numpy as np
import pytest
import torch

from real3d_core.audio_to_motion.hubert import Hubert, hubert_entries
from real3d_core.checkpoints import Files, Host, convert, files_of, load_model, model_files, parts
from real3d_core.checkpoints.parts import Part
from real3d_core.checkpoints.store import FORMAT, read_entries, read_header
from real3d_core.face_model.bfm import FaceModel
from real3d_core.htb_sr.network.folded import FoldedSuperResolution
from real3d_core.model import Resident
from real3d_core.render_triplane.decoder import from_equalised

from ..audio_to_motion.small_hubert import small_hubert, stored_entries
from .making import entries_of, flat, manifest, nested
from .small import write_checkpoint

CPU = Host(hold=Resident, device=lambda: torch.device("cpu"))


def assert_same(module, entries, prefix):
    own = module.state_dict()
    expected = {name: value for name, value in entries.items() if name.startswith(prefix)}
    assert {prefix + name for name in own} == set(expected) != set()
    for name, value in expected.items():
        assert torch.equal(own[name.removeprefix(prefix)], value), name


def test_the_released_layout_from_checkpoint_to_networks(released, face_model, tmp_path):
    source = write_checkpoint(tmp_path / "secc2plane_torso_orig", nested(released))
    (source / "model_ckpt_steps_99999.ckpt").write_bytes(b"an older one, which is not read")
    made = convert(source, tmp_path / "models")
    assert made.kind == "talking-head" and made.path.name == "secc2plane_torso_orig.safetensors"
    (source / "model_ckpt_steps_100000.ckpt").unlink()
    header = read_header(made.path)
    assert header.metadata["format"] == FORMAT and header.metadata["source"] == "model_ckpt_steps_100000.ckpt"
    assert header.shapes == {
        name: shape for name, shape in manifest("secc2plane_torso").items() if name not in parts.TRAINING_ONLY
    }
    networks = load_model(
        made.path.name, Files(made.path, face_model, None, None), "fp32", CPU, tmp_path
    ).networks
    assert networks.settings.head_threshold == 0.85 and networks.settings.origin == "config.yaml"
    assert_same(networks.image_to_plane.ready(), released, "cano_img2plane_backbone.")
    assert_same(networks.motion_adapter.ready(), released, "secc_img2plane_backbone.")
    stored = [released[f"decoder.net.{name}"] for name in ("0.weight", "0.bias", "2.weight", "2.bias")]
    decoder, expected = networks.decoder, from_equalised(*stored)
    for name in ("w1", "b1", "w2", "b2"):
        assert torch.equal(getattr(decoder, name), getattr(expected, name))
    folded = networks.htb_sr.ready()
    assert isinstance(folded, FoldedSuperResolution) and not folded.training
    in_file = read_entries(made.path, (name for name in released if name.startswith("superresolution.")))
    assert_same(parts.load(parts.HTB_SR, made.path, in_file), released, "superresolution.")


def test_the_speech_network(face_model, small_checkpoint, tmp_path):
    entries = entries_of("audio2secc_vae")
    config = "use_pitch: true\ntask_cls: tasks.os_avatar.audio2motion_task.Audio2MotionTask\n"
    source = write_checkpoint(tmp_path / "audio2secc_vae", flat(entries), config)
    made = convert(source / "model_ckpt_steps_100000.ckpt", tmp_path)
    assert made.kind == "audio-to-motion" and made.path.name == "audio2secc_vae.safetensors"
    files = Files(convert(small_checkpoint, tmp_path).path, face_model, made.path, None)
    model = load_model("small", files, "bf16", CPU, tmp_path)
    speech = model.networks.need_audio_to_motion()
    assert speech.dtype == torch.float32 and model.networks.htb_sr.dtype == torch.bfloat16
    assert_same(speech.ready(), entries, "")
    assert model.networks.htb_sr.ready()[0].weight.dtype == torch.bfloat16


def test_the_face_model(bfm, face_model_files, tmp_path):
    made = convert(face_model_files, tmp_path)
    assert made.kind == "face-model" and made.path.name == "face_model.safetensors"
    entries = read_entries(made.path, read_header(made.path).shapes)
    originals = {
        **{name: bfm.mat[name] for name in ("meanshape", "idBase", "exBase", "tri", "keypoints")},
        "index_mp468": bfm.index_mp468,
        "ncc_code": bfm.ncc,
        "eye_faces_left": bfm.eye_faces_a,
        "eye_faces_right": bfm.eye_faces_b,
    }
    assert set(entries) == set(originals)
    assert all(np.array_equal(entries[name].numpy(), value) for name, value in originals.items())
    model = FaceModel.from_tensors(entries)
    assert torch.equal(model.triangles, torch.from_numpy(bfm.mat["tri"]) - 1)


@pytest.mark.parametrize("old_names", [True, False])
@pytest.mark.parametrize("ending", [".bin", ".safetensors"])
def test_hubert(old_names, ending, monkeypatch, tmp_path):
    monkeypatch.setattr(parts, "HUBERT", Part("", small_hubert))
    monkeypatch.setitem(parts.PARTS, "hubert", (parts.HUBERT,))
    stored = stored_entries("hubert.", old_names) | {"lm_head.weight": torch.zeros(32, 64)}
    source = tmp_path / ("pytorch_model" + ending)
    if ending == ".bin":
        torch.save(stored, source)
    else:
        from safetensors.torch import save_file

        save_file(stored, source)
    made = convert(source, tmp_path / "models")
    assert made.kind == "hubert" and made.path.name == "hubert_large.safetensors"
    expected = small_hubert()
    expected.load_state_dict(hubert_entries(stored))
    for path in (made.path, source) if ending == ".safetensors" else (made.path,):
        loaded = parts.load(
            parts.HUBERT, path, parts.hubert_entries(path, read_entries(path, read_header(path).shapes))
        )
        assert isinstance(loaded, Hubert)
        assert_same(loaded, expected.state_dict(), "")


def test_what_is_there_is_listed_and_found(small_checkpoint, face_model, tmp_path):
    from safetensors.torch import save_file

    own, encoders = tmp_path / "own", tmp_path / "audio_encoders"
    encoders.mkdir()
    last = "encoder.layers.23.final_layer_norm.weight"
    save_file({f"hubert.{last}": torch.ones(2)}, encoders / "speech.safetensors")
    save_file({last: torch.ones(2)}, encoders / "hubert_large_fp16.safetensors")
    save_file({last: torch.ones(2)}, encoders / "wav2vec2_large.safetensors")
    convert(small_checkpoint, own)
    convert(small_checkpoint, own, "another")
    os.link(face_model, own / face_model.name)
    save_file({"weight": torch.ones(2)}, own / "of_another_program.safetensors")
    (own / "broken.safetensors").write_bytes(b"\xff" * 64)
    there = model_files([own, tmp_path / "not there"], [encoders])
    assert [(file.name, file.kind) for file in there] == [
        ("another.safetensors", "talking-head"),
        ("face_model.safetensors", "face-model"),
        ("hubert_large_fp16.safetensors", "hubert"),
        ("small_torso.safetensors", "talking-head"),
        ("speech.safetensors", "hubert"),
    ]
    files = files_of("another.safetensors", "", there, own)
    assert files.talking_head == own / "another.safetensors" and files.audio_to_motion is None
    assert files.hubert == encoders / "hubert_large_fp16.safetensors"
    assert files_of("another.safetensors", None, there, own).hubert is None
