"""Motion files: round trips, and files that are not what they say."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from real3d_core.errors import MotionError
from real3d_core.motion import files
from real3d_core.motion.files import json_of, load_motion, motion_of_json, save_motion
from real3d_core.wires import ARKIT_NAMES, Motion
from tests.sentences import assert_one_sentence

from .random_motion import assert_same, random_motion


@pytest.mark.parametrize("fps", [25.0, 29.97, 30_000 / 1001, 1000.0, 0.1])
@pytest.mark.parametrize("expression", [True, False])
def test_a_motion_comes_back_bit_for_bit(tmp_path: Path, fps: float, expression: bool) -> None:
    motion = random_motion(20, fps, expression=expression)
    save_motion(motion, tmp_path / "a.json")
    assert_same(load_motion(tmp_path / "a.json"), motion)
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_every_kind_of_float32_comes_back_bit_for_bit() -> None:
    patterns = torch.randint(-(2**31), 2**31, (2000, 52), generator=torch.Generator().manual_seed(0))
    values = patterns.to(torch.int32).view(torch.float32)
    values = torch.where(torch.isfinite(values), values, torch.tensor(-0.0))
    values[0, :4] = torch.tensor([-0.0, 1e-45, 3.4028235e38, 0.1])
    motion = replace(Motion.still(2000), blendshapes=values)
    assert_same(motion_of_json(json_of(motion), "a.json"), motion)


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    motion = random_motion(3)
    content = json.loads(json_of(motion))
    content["blendshape_names"].reverse()
    content["blendshapes"] = [row[::-1] for row in content["blendshapes"]]
    assert_same(motion_of_json(json.dumps(content), "a.json"), motion)


def changed(**parts: object) -> Callable[[], str]:
    """A small motion file with other contents; None leaves a part out."""

    def text() -> str:
        content = json.loads(json_of(random_motion(3))) | parts
        return json.dumps({name: value for name, value in content.items() if value is not None})

    return text


ROW, ROWS = [0.0] * 52, [[0.0] * 52] * 3
HOSTILE: dict[str, Callable[[], str | bytes]] = {
    "empty": lambda: "",
    "another format": lambda: '{"frames": 3}',
    "a list": lambda: "[1, 2]",
    "cut off": lambda: json_of(random_motion(3))[:-200],
    "no text": lambda: b"\xff\xfe\x00" + struct.pack("<52f", *ROW),
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "NaN": changed(euler=[[float("nan")] * 3] * 3),
    "Infinity": changed(translation=[[float("inf")] * 3] * 3),
    "1e400": lambda: changed(euler=[[7.5] * 3] * 3)().replace("7.5", "1e400"),
    "1e39": changed(euler=[[1e39] * 3] * 3),
    "integer of 5000 digits": lambda: changed(euler=[[7.5] * 3] * 3)().replace("7.5", "9" * 5000),
    "text in numbers": changed(blendshapes=[["0.5"] * 52] * 3),
    "truth in numbers": changed(blendshapes=[[True] * 52] * 3),
    "null in numbers": changed(blendshapes=[[None] * 52] * 3),
    "51 columns": changed(blendshapes=[ROW[1:]] * 3),
    "53 columns": changed(blendshapes=[[*ROW, 0.0]] * 3),
    "ragged": changed(blendshapes=[ROW, ROW, ROW[1:]]),
    "flat": changed(blendshapes=ROW),
    "no frame": changed(blendshapes=[], euler=[], translation=[]),
    "fewer frames of pose": changed(euler=[[0.0] * 3] * 2),
    "another number of frames": changed(frames=4),
    "frames as text": changed(frames="3"),
    "frames as a list": changed(frames=[3]),
    "expression of 63": changed(expression=[[0.0] * 63] * 3),
    "expression null": lambda: changed(expression=[7])().replace("[7]", "null"),
    "fps 0": changed(fps=0),
    "fps -25": changed(fps=-25),
    "fps 1e6": changed(fps=1e6),
    "fps as text": changed(fps="25"),
    "no fps": changed(fps=None),
    "no names": changed(blendshape_names=None),
    "a name twice": changed(blendshape_names=[*ARKIT_NAMES[:51], ARKIT_NAMES[0]]),
    "strange names": changed(blendshape_names=[{"a": 1}] * 52),
    "version 2": changed(version=2),
    "version as list": changed(version=[]),
    "nested 10^5 deep": lambda: "[" * 100_000 + "]" * 100_000,
    "nested inside": lambda: changed(euler=[7.5])().replace("7.5", "[" * 90_000 + "]" * 90_000),
    "objects nested": lambda: '{"format":' * 50_000 + "1" + "}" * 50_000,
    "10^6 frames": lambda: '{"format": "real3d-motion", "euler": [' + "[0,0,0]," * 1_000_000 + "[]]}",
    "10^6 empty frames": lambda: changed(euler=["x"])().replace('"x"', "[]," * 1_000_000 + "[]"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_files_that_are_not_motions_are_refused(tmp_path: Path, kind: str) -> None:
    content = HOSTILE[kind]()
    file = tmp_path / "hostile.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MotionError) as caught:
        load_motion(file)
    assert_one_sentence(str(caught.value))
    assert "hostile.json" in str(caught.value) or '"euler"' in str(caught.value)


def test_a_huge_file_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as handle:
        handle.truncate(8 * 2**30)
    for ending in (".json", ".csv"):
        other = file.rename(tmp_path / f"huge{ending}")
        with pytest.raises(MotionError) as caught:
            load_motion(other)
        assert_one_sentence(str(caught.value))
        file = other


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(MotionError) as caught:
            load_motion(path)
        assert_one_sentence(str(caught.value))


def test_what_cannot_be_saved_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MotionError):
        save_motion(random_motion(2), tmp_path / "a.txt")
    monkeypatch.setattr(files, "MOST_FILE_FRAMES", 10)
    with pytest.raises(MotionError) as caught:
        save_motion(random_motion(11), tmp_path / "a.json")
    assert_one_sentence(str(caught.value))
    assert not list(tmp_path.iterdir())
