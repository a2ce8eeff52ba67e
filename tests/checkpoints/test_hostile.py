"""Files that are damaged or meant to do harm: one sentence, nothing run, nothing written."""

import io
import json
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from real3d_core.checkpoints import convert, model_files, store
from real3d_core.checkpoints.store import read_header
from real3d_core.errors import CheckpointError, OutputError

from ..sentences import assert_one_sentence
from .making import CONFIG, checkpoint, flat, nested
from .small import write_checkpoint

BIAS = "decoder.net.0.bias"
CKPT = "model_ckpt_steps_100000.ckpt"


@pytest.fixture
def refused(tmp_path):
    """Calls the converter and returns its error; fails if anything was written."""

    def call(source, *said, error=CheckpointError):
        target = tmp_path / "models"
        with pytest.raises(error) as raised:
            convert(source, target)
        assert_one_sentence(raised.value)
        for word in said:
            assert word in str(raised.value)
        assert not target.exists() or not os.listdir(target)
        return str(raised.value)

    return call


def linked(folder, tmp_path):
    """The folder again, whose files may be unlinked, but not written to."""
    return Path(shutil.copytree(folder, tmp_path / "bfm", copy_function=os.link))


class Reducer:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "bare pickle"])
def test_code_in_a_pickle_is_not_run(legacy, small_entries, tmp_path, refused):
    trap = tmp_path / "it ran"
    state = checkpoint(nested(small_entries)) | {"callbacks": Reducer(trap)}
    file = tmp_path / "trap.ckpt"
    torch.save(state, file, _use_new_zipfile_serialization=not legacy)
    refused(file, "besides weights")
    assert not trap.exists()
    pickle.loads(pickle.dumps(Reducer(trap)))
    assert trap.exists(), "the trap works"


@pytest.mark.parametrize("keep", [0, 3, 100, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["ckpt", "mat", "npy", "safetensors"])
def test_files_cut_short(kind, keep, small_checkpoint, face_model_files, tmp_path, refused):
    if kind == "ckpt":
        source, file = small_checkpoint, small_checkpoint / CKPT
    elif kind == "safetensors":
        source = file = tmp_path / "hubert.safetensors"
        save_file({"hubert.feature_projection.projection.weight": torch.ones(900)}, file)
    else:
        source = linked(face_model_files, tmp_path)
        file = source / ("BFM_model_front.mat" if kind == "mat" else "bfm_left_eye_faces.npy")
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data[: int(len(data) * keep) if keep < 1 else int(keep)])
    refused(source, file.name)


def test_a_packed_checkpoint(small_checkpoint, refused):
    """Zeros of any size fit into a small zip file."""
    file = small_checkpoint / CKPT
    with zipfile.ZipFile(file) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr("archive/data/999", bytes(50_000_000))
    assert file.stat().st_size < 200_000
    refused(small_checkpoint, "packed")


def test_tensors_that_claim_more_than_their_file_holds(small_entries, tmp_path, refused):
    name = "cano_img2plane_backbone.weight"
    huge = torch.ones(1).expand(10**6, 10**6)  # 4 bytes in the file, 4 TB if copied
    source = write_checkpoint(tmp_path / "huge", nested(small_entries | {name: huge}))
    refused(source, name, "1000000 x 1000000")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: {"superresolution.block0.bias": None}, "'superresolution.block0.bias'"),
        (lambda: {"superresolution.more": torch.ones(1)}, "'superresolution.more'"),
        (lambda: {BIAS: torch.ones(65)}, "is 65, not 64"),
        (lambda: {BIAS: torch.full((64,), float("nan"))}, BIAS),
        (lambda: {BIAS: torch.full((64,), float("inf"))}, BIAS),
        (lambda: {BIAS: [1.0] * 64}, "no plain tensor"),
        (lambda: {BIAS: torch.ones(64).to_sparse()}, "no plain tensor"),
        (lambda: {BIAS: torch.ones(64) * 1j}, "no plain numbers"),
    ],
    ids=["missing", "unexpected", "shape", "nan", "infinite", "list", "sparse", "complex"],
)
@pytest.mark.parametrize("layout", [nested, flat])
def test_entries_that_are_wrong(change, said, layout, small_entries, tmp_path, refused):
    entries = {name: value for name, value in (small_entries | change()).items() if value is not None}
    refused(write_checkpoint(tmp_path / "wrong", layout(entries)), said)


def test_the_first_entry_at_fault_is_named(small_entries, tmp_path, refused):
    for name in ("superresolution.block0.bias", "secc_img2plane_backbone.bias", "decoder.net.2.bias"):
        del small_entries[name]
    refused(write_checkpoint(tmp_path / "holes", nested(small_entries)), "'secc_img2plane_backbone.bias'")


@pytest.mark.parametrize(
    "content",
    [{}, [1, 2], {"state_dict": 3}, {"state_dict": {"model": {}}}, {1: torch.ones(2)}, {"model": "x"}],
    ids=str,
)
def test_pickles_without_a_model(content, tmp_path, refused):
    torch.save(content, tmp_path / "other.ckpt")
    refused(tmp_path / "other.ckpt", "other.ckpt")


def header_of(entries):
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


WEIGHT = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2**40) + b"{}",
        header_of(b"[" * 100_000 + b"]" * 100_000),
        header_of(b"\xff\xfe"),
        header_of([1, 2]),
        header_of({"a": 1}),
        header_of({"__metadata__": 3, "a": WEIGHT}) + bytes(16),
        header_of({"a": WEIGHT | {"shape": [-4]}}) + bytes(16),
        header_of({"a": WEIGHT | {"shape": "x"}}) + bytes(16),
        header_of({"a": WEIGHT}) + bytes(15),
        header_of({"a": WEIGHT}) + bytes(17),
    ],
    ids=range(12),
)
def test_absurd_safetensors(data, tmp_path, refused):
    file = tmp_path / "absurd.safetensors"
    file.write_bytes(data)
    refused(file, "absurd.safetensors")
    assert model_files([tmp_path]) == []


def test_a_header_that_does_not_fit_its_shapes(tmp_path, refused):
    """The header is well-formed, but says more than the entry's bytes can hold."""
    name = "hubert.feature_projection.projection.weight"
    file = tmp_path / "hubert.safetensors"
    file.write_bytes(header_of({name: WEIGHT | {"shape": [10**15]}}) + bytes(16))
    refused(file, "hubert.safetensors")


def packed_mat(name, shape, data):
    """A MATLAB 5 file with one compressed double array whose data are `data`, whatever the shape says."""
    body = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<II2i", 5, 8, *shape)
    body += struct.pack("<II", 1, len(name)) + name.encode().ljust(-len(name) % 8 + len(name), b"\0")
    body += struct.pack("<II", 9, len(data)) + data
    packed = zlib.compress(struct.pack("<II", 14, len(body)) + body)
    start = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    return start + struct.pack("<II", 15, len(packed)) + packed


def test_a_mat_bomb(face_model_files, tmp_path, refused):
    source = linked(face_model_files, tmp_path)
    mat = source / "BFM_model_front.mat"
    mat.unlink()
    mat.write_bytes(packed_mat("meanshape", (1, 107127), b"\0" * 8 * 107127))
    refused(source, "'idBase'")  # the first entry is right: this writer's files are read
    mat.write_bytes(packed_mat("meanshape", (20_000, 20_000), b"\0" * 80_000_000))
    refused(source, "'meanshape'", "20000 x 20000")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("index_mp468_from_mesh35709.npy", lambda a: a[:-1], "index_mp468"),
        ("ncc_code.npy", lambda a: np.full_like(a, np.nan), "ncc_code"),
        ("ncc_code.npy", lambda a: np.zeros((4, 35709)), "ncc_code"),
        ("bfm_left_eye_faces.npy", lambda a: a + 80_000, "eye_faces_left"),
        ("bfm_left_eye_faces.npy", lambda a: a + 0.5, "eye_faces_left"),
        ("bfm_right_eye_faces.npy", lambda a: np.array([{"a": 1}], object), "bfm_right_eye_faces.npy"),
        ("bfm_right_eye_faces.npy", lambda a: a.astype(str), "bfm_right_eye_faces.npy"),
        ("bfm_right_eye_faces.npy", None, "bfm_right_eye_faces.npy"),
    ],
)
def test_face_model_lists_that_are_wrong(name, change, said, face_model_files, tmp_path, refused):
    folder = linked(face_model_files, tmp_path)
    array = np.load(folder / name)
    (folder / name).unlink()
    if change is not None:
        np.save(folder / name, change(array), allow_pickle=True)
    refused(folder, said)


def test_a_npy_that_claims_more_than_it_holds(face_model_files, tmp_path, refused):
    folder = linked(face_model_files, tmp_path)
    (folder / "ncc_code.npy").unlink()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    (folder / "ncc_code.npy").write_bytes(header.getvalue() + bytes(80))
    refused(folder, "ncc_code.npy")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("htbsr_head_threshold: 7\n", "threshold"),
        ("htbsr_head_threshold: .nan\n", "threshold"),
        ("htbsr_head_threshold: yes please\n", "threshold"),
        ("x: " + "a" * 2**20, "config.yaml"),
        (b"\xff\xfe\x00", "config.yaml"),
    ],
    ids=["7", "nan", "words", "huge", "binary"],
)
def test_settings_that_are_wrong(config, said, small_checkpoint, refused):
    data = config if isinstance(config, bytes) else config.encode()
    (small_checkpoint / "config.yaml").write_bytes(data)
    refused(small_checkpoint, said)


@pytest.mark.parametrize("text", ["a:" * 500_000, "a" * 10**6, " " * 10**6, "a: " + "'" * 900_000])
def test_no_text_makes_the_settings_slow(text, small_checkpoint, tmp_path):
    (small_checkpoint / "config.yaml").write_text(CONFIG + text)
    convert(small_checkpoint, tmp_path / "models")


def test_sources_that_are_nothing(tmp_path, refused):
    refused(tmp_path / "not there", "not there")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "model_ckpt_steps")
    (tmp_path / "text.txt").write_text("hello")
    refused(tmp_path / "text.txt", "text.txt")


def test_a_full_disk_leaves_nothing(small_checkpoint, refused, monkeypatch):
    def full(entries, metadata):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_header_bytes", full)
    refused(small_checkpoint, "No space left", "MB are free", error=OutputError)


@pytest.mark.parametrize("after", [0, 5, 20])
def test_cancel_at_any_moment_leaves_nothing(after, small_checkpoint, tmp_path):
    calls = iter(range(after))

    def cancel():
        if next(calls, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(small_checkpoint, tmp_path / "models", check=cancel)
    assert not (tmp_path / "models").exists() or os.listdir(tmp_path / "models") == []


def test_what_a_killed_process_left_is_swept(small_checkpoint, tmp_path):
    target = tmp_path / "models"
    target.mkdir()
    left = target / ".real3d_part_0123456789abcdef.safetensors"
    left.write_bytes(b"half of it")
    os.utime(left, (0, 0))
    convert(small_checkpoint, target)
    assert os.listdir(target) == ["small_torso.safetensors"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_converted_file_is_as_readable_as_any(small_checkpoint, tmp_path):
    (tmp_path / "any").touch()
    made = convert(small_checkpoint, tmp_path / "models").path
    assert made.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_another_file_is_not_replaced_but_the_same_kind_is(small_checkpoint, face_model_files, tmp_path):
    target = tmp_path / "models"
    first = convert(small_checkpoint, target).path
    with pytest.raises(CheckpointError) as raised:
        convert(face_model_files, target, name=first.stem)
    assert_one_sentence(raised.value)
    assert read_header(first).kind == "talking-head"
    before = read_header(first).metadata["config"]
    (small_checkpoint / "config.yaml").unlink()
    assert convert(small_checkpoint, target).path == first
    assert read_header(first).metadata["config"] != before
