"""Avatar files that are damaged, foreign, newer or meant to do harm: one sentence, nothing else."""

import json
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from real3d_core.avatar_file import AvatarSettings, load_avatar, save_avatar
from real3d_core.checkpoints.store import read_header
from real3d_core.errors import CheckpointError
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model

from ..sentences import assert_one_sentence


@pytest.fixture(scope="module")
def saved(portrait, tmp_path_factory):
    path = tmp_path_factory.mktemp("avatar") / "avatar.safetensors"
    save_avatar(image_to_plane(portrait, Model.built_in()), portrait, path, AvatarSettings("fp16"))
    return path


@pytest.fixture(scope="module")
def parts(saved):
    return load_file(saved), read_header(saved).metadata


def refused(path, *words):
    with pytest.raises(CheckpointError) as raised:
        load_avatar(path)
    assert_one_sentence(raised.value)
    for word in words:
        assert word in str(raised.value)


def nan(value):
    value = value.clone()
    value.view(-1)[7] = float("nan")
    return value


ENTRIES = {
    "gone": (lambda e: e.pop("planes.xy"), "missing"),
    "too many": (lambda e: e.update(more=torch.zeros(1)), "too many"),
    "nan": (lambda e: e.update({"planes.xy": nan(e["planes.xy"])}), "no numbers"),
    "nan in half": (lambda e: e.update({"fields.upper": nan(e["fields.upper"])}), "no numbers"),
    "infinite": (lambda e: e["pivot"].fill_(float("inf")), "no numbers"),
    "huge": (lambda e: e.update({"avatar.points": e["avatar.points"] + 1e30}), "too large"),
    "shape": (lambda e: e.update({"portrait.image": torch.zeros(8, 8, 3)}), "wrong shape"),
    "no photo": (lambda e: e.update({"portrait.photo": torch.zeros(0, 9, 3, dtype=torch.uint8)}), "size"),
    "type": (lambda e: e.update({"pivot": torch.zeros(3, dtype=torch.int64)}), "wrong type"),
    "half": (lambda e: e.update({"planes.xy": e["planes.xy"].half()}), "wrong type"),
    "double": (lambda e: e.update({"portrait.person": e["portrait.person"].double()}), "wrong type"),
    "classes": (lambda e: e["portrait.segmentation"].fill_(200), "classes"),
    "decoder": (lambda e: e["decoder.w1"].fill_(1.0), "settings"),
    "camera": (lambda e: e["camera"].zero_(), "settings"),
    "crop": (lambda e: e["portrait.crop_to_photo"].zero_(), "settings"),
    "fields": (lambda e: e.update({"fields.lower": e["fields.lower"][:, :5].clone()}), "settings"),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_wrong_entries(parts, tmp_path, case):
    change, word = ENTRIES[case]
    entries = {name: value.clone() for name, value in parts[0].items()}
    change(entries)
    path = tmp_path / "avatar.safetensors"
    save_file(entries, path, parts[1])
    refused(path, word)


CONFIG = {
    "no config": lambda c: c.clear(),
    "no shapes": lambda c: c.update(shapes=[]),
    "unknown shape": lambda c: c["shapes"].__setitem__(0, "../../x"),
    "shapes that are no names": lambda c: c["shapes"].__setitem__(0, []),
    "a shape twice": lambda c: c["shapes"].__setitem__(1, c["shapes"][0]),
    "box": lambda c: c.update(box=[0, 2, 0, 10**9]),
    "odd box": lambda c: c["box"].__setitem__(0, c["box"][0] + 1),
    "turned box": lambda c: c.update(box=[c["box"][1], c["box"][0], *c["box"][2:]]),
    "text": lambda c: c.update(centimetre="1"),
    "nan": lambda c: c.update(mouth_width=float("nan")),
    "no width": lambda c: c.update(mouth_width=0),
    "infinite": lambda c: c.update(mouth_gap=float("inf")),
    "open": lambda c: c.update(mouth_is_open="yes"),
    "findings": lambda c: c.update(findings=5),
}


@pytest.mark.parametrize("case", CONFIG)
def test_wrong_settings(parts, tmp_path, case):
    config = json.loads(parts[1]["config"])
    CONFIG[case](config)
    path = tmp_path / "avatar.safetensors"
    save_file(parts[0], path, parts[1] | {"config": json.dumps(config)})
    refused(path, "settings")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"format": "real3d-portrait-avatar/2"}, "update the pack"),
        ({"format": "real3d-portrait-avatar/x"}, "no avatar"),
        ({"format": "real3d-portrait/1"}, "no avatar"),
        ({"format": ""}, "no avatar"),
        ({"backend": "magic"}, "backend"),
    ],
)
def test_foreign_and_newer_files(parts, tmp_path, change, word):
    path = tmp_path / "avatar.safetensors"
    save_file({"x": torch.zeros(1)}, path, parts[1] | change)
    refused(path, word)


def test_damaged_files(saved, tmp_path):
    whole = saved.read_bytes()
    path = tmp_path / "avatar.safetensors"
    for data in (b"", b"{}", whole[:7], whole[:1000], whole[:-1], whole + b"x", b"\xff" * 64):
        path.write_bytes(data)
        refused(path, str(path))
    refused(tmp_path / "gone.safetensors", "cannot be read")
    refused(tmp_path, "cannot be read")


def test_headers_that_promise_or_nest_too_much(saved, tmp_path):
    path = tmp_path / "avatar.safetensors"
    metadata = read_header(saved).metadata
    for text in (
        b'{"a":' * 100_000,
        json.dumps({"__metadata__": metadata, "planes.xy": {"dtype": "F32", "shape": [2**60]}}).encode(),
        json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode(),
    ):
        path.write_bytes(struct.pack("<Q", len(text)) + text)
        refused(path, "damaged")
    path.write_bytes(struct.pack("<Q", 2**50) + b"{}")
    refused(path, "damaged")


def test_entries_that_lie_over_each_other(saved, tmp_path):
    """Each entry has the right shape, but all show the same bytes of a small file."""
    data = saved.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    longest = max(e["data_offsets"][1] - e["data_offsets"][0] for n, e in header.items() if n[0] != "_")
    for name, entry in header.items():
        if name[0] != "_":
            start, end = entry["data_offsets"]
            entry["data_offsets"] = [0, end - start]
    text = json.dumps(header).encode()
    path = tmp_path / "avatar.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(longest))
    refused(path, "damaged")
