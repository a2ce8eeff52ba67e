"""Networks are read when they are asked for, once, and are gone when nobody has them."""

import dataclasses
import gc
import os
import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from real3d_core.checkpoints import Files, Host, convert, files_of, load_model, model_files, networks
from real3d_core.checkpoints.store import Origin, read_entries, read_header, write
from real3d_core.errors import CheckpointError
from real3d_core.model import Resident

from ..sentences import assert_one_sentence

CPU = Host(hold=Resident, device=lambda: torch.device("cpu"))


@pytest.fixture
def files(small_checkpoint, face_model, tmp_path):
    """The converted files of a small model."""
    head = convert(small_checkpoint, tmp_path / "models").path
    os.link(face_model, head.with_name(face_model.name))
    return Files(head, head.with_name(face_model.name), None, None)


@pytest.fixture
def read(monkeypatch):
    """The first name of each read from a file, as it happens."""
    names = []

    def reading(path, wanted):
        wanted = list(wanted)
        names.append(wanted[0])
        return read_entries(path, wanted)

    monkeypatch.setattr(networks, "read_entries", reading)
    return names


def load(files, precision="fp32", host=CPU):
    return load_model("small", files, precision, host, files.talking_head.parent).networks


def test_nothing_is_read_before_it_is_asked_for(files, read):
    loaded = load(files)
    devices = {one.device for one in (loaded.image_to_plane, loaded.motion_adapter, loaded.htb_sr)}
    assert devices == {torch.device("cpu")} and loaded.htb_sr.dtype == torch.float32 and not read
    first = loaded.motion_adapter.ready(10**6)
    assert loaded.motion_adapter.ready() is first and read == ["secc_img2plane_backbone.weight"]
    assert loaded.decoder is loaded.decoder and loaded.face_model is loaded.face_model
    assert len(read) == 3, "one read for each"


def test_a_part_is_read_once_whoever_asks(files, read):
    first, second = load(files), load(files)
    with ThreadPoolExecutor(8) as pool:
        modules = set(pool.map(lambda one: one.image_to_plane.ready(), [first, second] * 8))
    assert len(modules) == 1 and read == ["cano_img2plane_backbone.weight"]
    assert load_model("a", files, "fp32", CPU, files.face_model) == load_model(
        "a", files, "fp32", CPU, files.face_model
    )


def test_models_with_and_without_speech_share_the_picture_networks(files, tmp_path):
    other = dataclasses.replace(files, hubert=files.face_model)  # any file: it is not read
    first, second = load(files), load(other)
    assert first is not second and first.hubert is None and second.hubert is not None
    assert first.image_to_plane is second.image_to_plane
    half = load(files, "bf16")
    assert half.motion_adapter is not first.motion_adapter and half.htb_sr is not first.htb_sr
    assert half.image_to_plane is first.image_to_plane and half.face_model is first.face_model
    assert first.exact is None and half.exact().htb_sr is first.htb_sr


def test_what_nobody_has_is_gone(files, read):
    loaded = load(files)
    kept = weakref.ref(loaded.image_to_plane.ready())
    face = weakref.ref(loaded.face_model)
    del loaded
    gc.collect()
    assert kept() is None and face() is None
    load(files).image_to_plane.ready()
    assert read.count("cano_img2plane_backbone.weight") == 2


@pytest.mark.parametrize("inference", [True, False])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_weights_have_the_precision_and_are_ordinary_in_any_mode(precision, inference, files, small_entries):
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    with torch.inference_mode(inference):
        loaded = load(files, precision)
        module, motion = loaded.htb_sr.ready()[0], loaded.motion_adapter.ready()
        decoder, planes = loaded.decoder, loaded.image_to_plane
    assert loaded.htb_sr.dtype == module.weight.dtype == motion.bias.dtype == dtype
    assert motion.weight.dtype == torch.float32 and motion.num_batches_tracked.dtype == torch.int64
    assert planes.dtype == planes.ready().weight.dtype == torch.float32
    assert torch.equal(module.weight, small_entries["superresolution.torso_model.weight"].to(dtype))
    assert not module.weight.is_inference() and not module.weight.requires_grad and not module.training
    assert decoder.w1.dtype == torch.float32 and not decoder.w1.is_inference()


def test_weights_do_not_depend_on_their_file_any_more(files, small_entries):
    """They are copies, not views of a file that somebody may cut short."""
    module = load(files).image_to_plane.ready()
    with files.talking_head.open("r+b") as file:
        file.write(b"\0" * files.talking_head.stat().st_size)
    assert torch.equal(module.weight, small_entries["cano_img2plane_backbone.weight"])


def test_a_file_that_changed_is_another_model(files):
    before = load(files)
    used = before.motion_adapter.ready()
    os.utime(files.talking_head, (1, 1))
    assert load(files) is not before and before.motion_adapter.ready() is used
    with pytest.raises(CheckpointError, match="changed") as raised:
        before.image_to_plane.ready()
    assert_one_sentence(raised.value)
    files.talking_head.unlink()
    for attempt in (lambda: before.htb_sr.ready(), lambda: load(files)):
        with pytest.raises(CheckpointError) as raised:
            attempt()
        assert_one_sentence(raised.value)


def test_what_could_not_be_read_is_tried_again(files, tmp_path):
    loaded, path = load(files), files.talking_head
    shutil.move(path, tmp_path / "elsewhere")
    with pytest.raises(CheckpointError):
        loaded.image_to_plane.ready()
    shutil.move(tmp_path / "elsewhere", path)
    assert loaded.image_to_plane.ready() is loaded.image_to_plane.ready()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entries: entries.popitem(), "has no entry"),
        (lambda entries: entries.update(more=torch.ones(1)), "'more'"),
        (lambda entries: entries.update({"decoder.net.0.bias": torch.ones(65)}), "decoder.net.0.bias"),
    ],
    ids=["missing", "unexpected", "shape"],
)
def test_a_converted_file_of_other_content_is_refused_before_anything_is_read(change, said, files, read):
    entries = read_entries(files.talking_head, read_header(files.talking_head).shapes)
    change(entries)
    write(files.talking_head, entries, "talking-head", {}, Origin("by hand", ""))
    with pytest.raises(CheckpointError, match=said) as raised:
        load(files)
    assert_one_sentence(raised.value)
    assert not read


def test_a_converted_file_with_bad_numbers_or_settings_is_refused(files):
    entries = read_entries(files.talking_head, read_header(files.talking_head).shapes)
    entries["cano_img2plane_backbone.bias"].fill_(float("nan"))
    write(files.talking_head, entries, "talking-head", {}, Origin("by hand", ""))
    with pytest.raises(CheckpointError, match=r"cano_img2plane_backbone\.bias") as raised:
        load(files).image_to_plane.ready()
    assert_one_sentence(raised.value)
    for config in ({"head_threshold": "high"}, {"head_threshold": 2}, {"fuse_mode": "v3"}):
        write(files.talking_head, entries, "talking-head", config, Origin("by hand", ""))
        with pytest.raises(CheckpointError) as raised:
            load(files)
        assert_one_sentence(raised.value)


def test_what_is_missing_says_how_to_get_it(files, tmp_path):
    folder, there = files.talking_head.parent, model_files([files.talking_head.parent])
    without = [file for file in there if file.kind != "face-model"]
    name = files.talking_head.name
    for attempt, words in (
        (lambda: files_of(name, "", without, folder), ("BFM_model_front.mat", "convert_model.py")),
        (lambda: files_of("gone.safetensors", "", there, folder), ("gone.safetensors", "convert_model.py")),
        (lambda: files_of(name, "gone.safetensors", there, folder), ("gone.safetensors",)),
        (lambda: load(files).need_audio_to_motion(), ("audio2secc_vae", "convert_model.py")),
        (lambda: load(files).need_hubert(), ("pytorch_model.bin", "convert_model.py")),
    ):
        with pytest.raises(CheckpointError) as raised:
            attempt()
        assert_one_sentence(raised.value)
        assert all(word in str(raised.value) for word in (*words, str(folder)))
