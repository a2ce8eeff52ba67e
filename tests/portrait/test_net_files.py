from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from real3d_core import part_files
from real3d_core.errors import FaceNetsError
from real3d_core.part_files import PART, sweep
from real3d_core.portrait import net_files
from real3d_core.portrait.net_files import (
    WHEEL_NETS,
    NetFile,
    extract_from_wheel,
    fetch_face_landmarker,
    find_net,
    have_landmark_nets,
    missing_nets,
)

ROOT = Path(__file__).resolve().parents[2]
CONTENT = b"not really a net" * 5000


@pytest.fixture
def landmarker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a small file that stands for face_landmarker.task."""
    source = tmp_path / "server" / "file.task"
    source.parent.mkdir()
    source.write_bytes(CONTENT)
    expected = NetFile("face_landmarker.task", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(net_files, "FACE_LANDMARKER", expected)
    return source.as_uri()


def test_fetch_moves_the_whole_file_into_place(tmp_path: Path, landmarker: str) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch_face_landmarker(
        tmp_path / "models", lambda done, total: seen.append((done, total)), url=landmarker
    )
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 1
    assert [file.name for file in path.parent.iterdir()] == ["face_landmarker.task"]


def test_fetch_keeps_an_intact_file(tmp_path: Path, landmarker: str) -> None:
    path = fetch_face_landmarker(tmp_path / "models", url=landmarker)
    assert fetch_face_landmarker(tmp_path / "models", url="file:///nowhere") == path


def test_fetch_refuses_another_file(tmp_path: Path, landmarker: str) -> None:
    (tmp_path / "server" / "file.task").write_bytes(CONTENT[:-1] + b"X")
    with pytest.raises(FaceNetsError, match="sha256"):
        fetch_face_landmarker(tmp_path / "models", url=landmarker)
    assert list((tmp_path / "models").iterdir()) == []


def test_fetch_names_file_folder_url_and_command(tmp_path: Path) -> None:
    with pytest.raises(FaceNetsError) as caught:
        fetch_face_landmarker(tmp_path, url=(tmp_path / "none.task").as_uri())
    for part in ("none.task", str(tmp_path), "quickstart.py nets"):
        assert part in str(caught.value)


class Cancelled(BaseException):
    pass


def test_a_cancelled_fetch_leaves_nothing(tmp_path: Path, landmarker: str) -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fetch_face_landmarker(tmp_path / "models", cancel, url=landmarker)
    assert list((tmp_path / "models").iterdir()) == []


FETCH_AND_STAND_STILL = """
import sys, time
from pathlib import Path
from real3d_core.portrait.net_files import fetch_face_landmarker

def told(done, total):
    print(done, flush=True)
    time.sleep(600)

fetch_face_landmarker(Path(sys.argv[1]), told, url=sys.argv[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there a dead process's files go after a minute only")
def test_a_killed_fetch_is_swept_by_the_next(tmp_path: Path, landmarker: str) -> None:
    models = tmp_path / "models"
    command = [sys.executable, "-c", FETCH_AND_STAND_STILL, str(models), landmarker]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as fetch:
        assert fetch.stdout.readline()
        (part,) = models.iterdir()
        assert PART.fullmatch(part.name)
        sweep(models, PART)
        assert part.exists()  # it is being written
        fetch.kill()
    assert [file.name for file in models.iterdir()] == [part.name]
    fetch_face_landmarker(models, url=landmarker)
    assert [file.name for file in models.iterdir()] == ["face_landmarker.task"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, landmarker: str, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(part_files.os, "replace", full)
    with pytest.raises(FaceNetsError, match="No space left on device") as caught:
        fetch_face_landmarker(tmp_path / "models", url=landmarker)
    assert "quickstart.py nets" in str(caught.value)
    assert list((tmp_path / "models").iterdir()) == []


def test_wheel_with_other_nets_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "mediapipe.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for net in WHEEL_NETS:
            archive.writestr(net.member, CONTENT)
    with pytest.raises(FaceNetsError, match="another version"):
        extract_from_wheel(wheel, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_wheel_that_is_no_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "mediapipe.whl"
    wheel.write_bytes(CONTENT)
    with pytest.raises(FaceNetsError, match="pip download"):
        extract_from_wheel(wheel, tmp_path / "models")


def test_extracting_and_what_is_missing(tmp_path: Path, nets_folder: Path) -> None:
    if missing_nets(nets_folder):
        pytest.skip(f"not all four nets of the wheel are in {nets_folder}")
    wheel, models = tmp_path / "mediapipe.whl", tmp_path / "models"
    with zipfile.ZipFile(wheel, "w") as archive:
        for net in WHEEL_NETS:
            archive.write(nets_folder / net.name, net.member)
    assert [net.name for net in missing_nets(models)] == [net.name for net in WHEEL_NETS]
    assert not have_landmark_nets([models])
    paths = extract_from_wheel(wheel, models)
    assert missing_nets(models) == ()
    assert have_landmark_nets([tmp_path, models])
    paths[1].write_bytes(paths[1].read_bytes()[:-100])
    assert [net.name for net in missing_nets(models)] == [WHEEL_NETS[1].name]


def test_find_net_takes_the_first_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "b" / "x").write_bytes(b"1")
    assert find_net([tmp_path / "a", tmp_path / "b"], "x") == tmp_path / "b" / "x"
    shutil.copy(tmp_path / "b" / "x", tmp_path / "a" / "x")
    assert find_net([tmp_path / "a", tmp_path / "b"], "x") == tmp_path / "a" / "x"
    assert find_net([], "x") is None
