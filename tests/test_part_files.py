"""Files are whole or not there, and what a killed run leaves behind goes when the next one starts."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from real3d_core import part_files
from real3d_core.errors import OutputError
from real3d_core.part_files import PART, hold, release, sweep, whole_file

ROOT = Path(__file__).resolve().parents[1]
WRITER = """
import sys, time
from pathlib import Path
from real3d_core.part_files import whole_file
with whole_file(Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    print(part, flush=True)
    time.sleep(60)
"""
needs_locks = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no locks that end with a process"
)


class Cancelled(BaseException):
    pass


@pytest.mark.parametrize("error", [Cancelled(), OSError(5, "disk"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_file_that_was_there(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(error)), whole_file(target) as part:
        part.write_text("half")
        raise error
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]
    with whole_file(target) as part:
        assert part.suffix == ".txt" and PART.fullmatch(part.name)
        part.write_text("new")
    assert target.read_text() == "new" and os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("call", ["open", "replace"])
def test_a_disk_that_refuses_is_one_sentence(tmp_path, monkeypatch, code, call):
    def refused(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(part_files.os, call, refused)
    with pytest.raises(OutputError, match=os.strerror(code)), whole_file(tmp_path / "a.mp4"):
        pass
    assert os.listdir(tmp_path) == []


@pytest.fixture
def writer(tmp_path):
    """Another process that is writing a.mp4, and its part file."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "a.mp4")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process, Path(process.stdout.readline().strip())
        process.kill()


@needs_locks
def test_only_files_of_dead_runs_are_swept(tmp_path, writer):
    process, part = writer
    with whole_file(tmp_path / "b.mp4") as mine:
        sweep(tmp_path, PART)
        assert part.read_bytes() == b"half" and mine.exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert part.exists()
    others = {tmp_path / ".real3d_part_notes.txt", tmp_path / "b.mp4", tmp_path / ".part_0123456789ab.mp4"}
    for path in others:
        path.write_text("not ours")
    with whole_file(tmp_path / "a.mp4") as mine:
        assert set(tmp_path.iterdir()) == others | {mine}


@needs_locks
def test_links_and_folders_are_left_alone(tmp_path):
    (tmp_path / "precious").write_text("x")
    os.symlink(tmp_path / "precious", tmp_path / ".real3d_part_0123456789abcdef.mp4")
    (tmp_path / ".real3d_part_0123456789abcde0").mkdir()
    sweep(tmp_path, PART)
    assert len(os.listdir(tmp_path)) == 3
    sweep(tmp_path / "absent", PART)


@needs_locks
def test_a_held_file_stays_until_it_is_released(tmp_path):
    path = tmp_path / ".real3d_part_0123456789abcdef.mp4"
    path.write_text("x")
    handle = hold(path)
    sweep(tmp_path, PART)
    assert path.exists()
    release(handle)
    sweep(tmp_path, PART, unchanged_for=30)
    assert path.exists()
    os.utime(path, (time.time() - 31,) * 2)
    sweep(tmp_path, PART, unchanged_for=30)
    assert not path.exists()
    assert hold(path) is None
    release(None)
