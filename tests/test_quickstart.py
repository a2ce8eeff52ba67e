"""quickstart.py and bootstrap/: decisions, stamps, nets and Ctrl-C, without installing anything."""

from __future__ import annotations

import ast
import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from bootstrap import commands, console, environment, face_nets, pytorch
from bootstrap.console import QuickstartError
from real3d_core.errors import FaceNetsError
from real3d_core.portrait import net_files

ROOT = Path(__file__).resolve().parent.parent
PLAIN_NEEDS = ["filelock", "sympy>=1.13.3", 'opt-einsum>=3.3; extra == "opt-einsum"']
CUDA_NEEDS = [
    *PLAIN_NEEDS,
    'cuda-bindings<14,>=13.0.3; platform_system == "Linux" and python_version < "3.15"',
    'nvidia-cudnn-cu13==9.20.0.48; platform_system == "Linux"',
    'triton==3.7.1; platform_system == "Linux" and python_version < "3.15"',
]


def report(needs: list[str], version: str = "2.13.0", system: str = "Linux", machine: str = "x86_64") -> dict:
    """The parts of a `pip install --report` that are read."""
    return {
        "environment": {"platform_system": system, "platform_machine": machine, "python_version": "3.13"},
        "install": [{"metadata": {"name": "torch", "version": version, "requires_dist": needs}}],
    }


@pytest.mark.parametrize(
    ("pip_report", "gpu", "system", "cpu_index"),
    [
        (report(CUDA_NEEDS), False, "Linux", True),
        (report(CUDA_NEEDS), True, "Linux", False),
        (report(CUDA_NEEDS, system="Windows"), False, "Windows", False),
        (report(CUDA_NEEDS, system="Darwin", machine="arm64"), False, "Darwin", False),
        (report(PLAIN_NEEDS, "2.13.0+cpu"), False, "Linux", False),
        (report(PLAIN_NEEDS, "2.13.0+cu130"), False, "Linux", True),
        (None, False, "Linux", True),
        (None, True, "Linux", False),
        (None, False, "Darwin", False),
    ],
)
def test_the_cpu_index_is_asked_only_where_pip_would_bring_cuda_for_nothing(
    pip_report: dict | None, gpu: bool, system: str, cpu_index: bool
) -> None:
    assert pytorch.wants_cpu_index(pip_report, gpu, system) is cpu_index


def test_a_condition_on_another_machine_or_on_an_extra_does_not_apply() -> None:
    here = {"platform_system": "Linux", "platform_machine": "aarch64"}
    assert pytorch.applies("nvidia-nccl-cu13==2.29.7; platform_system == 'Linux'", here)
    assert not pytorch.applies(
        'nvidia-nccl==2; platform_system == "Linux" and platform_machine == "x86_64"', here
    )
    assert not pytorch.applies('nvidia-nccl==2; extra == "gpu"', here)
    assert pytorch.applies("filelock", here)


class FakeRun:
    """Stands in for `run`: notes the commands and fails those that hold one of `failing`."""

    def __init__(self, *failing: str) -> None:
        self.commands: list[list[str]] = []
        self.failing = failing

    def __call__(self, command: list[object], cwd: Path | None = None, silent: bool = False) -> int:
        self.commands.append([str(part) for part in command])
        return int(any(word in self.commands[-1] for word in self.failing))


def test_an_unreachable_cpu_index_falls_back_to_pip_s_own_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeRun(pytorch.CPU_INDEX)
    monkeypatch.setattr(pytorch, "run", fake)
    monkeypatch.setattr(pytorch, "pip_report", lambda python: report(CUDA_NEEDS))
    monkeypatch.setattr(pytorch, "has_nvidia_gpu", lambda system: False)
    monkeypatch.setattr(pytorch.platform, "system", lambda: "Linux")
    pytorch.install_torch(Path("python"), tmp_path)
    assert [pytorch.CPU_INDEX in command for command in fake.commands] == [True, False]
    pytorch.install_torch(Path("python"), tmp_path)
    assert len(fake.commands) == 2, "a stamped step was done again"


def test_packages_are_installed_once_and_again_when_a_requirement_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeRun()
    monkeypatch.setattr(environment, "run", fake)
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("numpy\n")
    for _ in range(2):
        environment.install_packages(Path("python"), tmp_path, [wanted], "torch==2.13.0")
    assert len(fake.commands) == 1
    assert "torch==2.13.0" in fake.commands[0]
    wanted.write_text("numpy\nscipy\n")
    environment.install_packages(Path("python"), tmp_path, [wanted], "torch==2.13.0")
    assert len(fake.commands) == 2


def test_an_interrupted_step_makes_the_environment_unusable_and_a_refused_one_does_not(
    tmp_path: Path,
) -> None:
    with environment.stamped(tmp_path, "first", "1"):
        assert environment.UNFINISHED in environment.read_stamp(tmp_path)
    with pytest.raises(KeyboardInterrupt), environment.stamped(tmp_path, "second", "2"):
        raise KeyboardInterrupt
    assert environment.read_stamp(tmp_path) == {"first": "1", environment.UNFINISHED: "second"}
    assert not environment.is_usable(tmp_path)
    with pytest.raises(QuickstartError), environment.stamped(tmp_path, "first", "3"):
        raise QuickstartError("pip found nothing")
    assert environment.UNFINISHED in environment.read_stamp(tmp_path), "the older interruption was forgotten"
    environment.write_stamp(tmp_path, {"first": "1"})
    with pytest.raises(QuickstartError), environment.stamped(tmp_path, "second", "2"):
        raise QuickstartError("pip found nothing")
    assert environment.read_stamp(tmp_path) == {"first": "1"}


def test_an_unreadable_stamp_counts_as_an_interruption(tmp_path: Path) -> None:
    assert environment.read_stamp(tmp_path) is None
    (tmp_path / environment.STAMP).write_text('{"torch": "12')
    assert environment.UNFINISHED in environment.read_stamp(tmp_path)


def test_a_broken_environment_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = tmp_path / "with space" / ".venv"
    venv.mkdir(parents=True)
    environment.write_stamp(venv, {environment.UNFINISHED: "torch"})
    (venv / "half.txt").write_text("left over")
    monkeypatch.setattr(environment, "run", FakeRun())
    assert environment.make_venv(venv) == environment.venv_python(venv)
    assert not (venv / "half.txt").exists()
    assert environment.read_stamp(venv) == {}


def test_a_folder_that_is_no_environment_is_never_removed(tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    venv.mkdir()
    (venv / "thesis.txt").write_text("three years")
    with pytest.raises(QuickstartError, match="in the way"):
        environment.make_venv(venv)
    assert (venv / "thesis.txt").read_text() == "three years"


def test_an_environment_made_by_hand_is_used_as_it_is(tmp_path: Path) -> None:
    venv = tmp_path / "with space" / ".venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    (venv / "mine.txt").write_text("keep me")
    assert environment.make_venv(venv) == environment.venv_python(venv)
    assert (venv / "mine.txt").exists()


def test_the_interpreter_s_place_on_every_system() -> None:
    assert environment.venv_python(Path("a b"), windows=False) == Path("a b/bin/python")
    assert environment.venv_python(Path("a b"), windows=True) == Path("a b/Scripts/python.exe")


def test_children_get_no_variables_that_lead_pip_astray() -> None:
    variables = console.child_environment(
        {"PYTHONPATH": "x", "PYTHONHOME": "y", "PIP_USER": "1", "HOME": "h"}
    )
    assert variables["HOME"] == "h"
    assert variables["PIP_USER"] == "0"
    assert not {"PYTHONPATH", "PYTHONHOME"} & set(variables)


@pytest.fixture
def small_nets(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Two small files in place of the four nets: name in the wheel -> content."""
    members = {f"pack/{name}": name.encode() * 100 for name in ("a.tflite", "b.tflite")}
    nets = tuple(
        net_files.NetFile(Path(member).name, len(data), hashlib.sha256(data).hexdigest(), member)
        for member, data in members.items()
    )
    monkeypatch.setattr(net_files, "WHEEL_NETS", nets)
    return members


def wheel_of(members: dict[str, bytes], path: Path) -> Path:
    """Writes a wheel."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_nets_come_out_of_the_wheel_once(
    tmp_path: Path, small_nets: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_of(small_nets, tmp_path / "nets.whl")
    asked: list[str] = []
    monkeypatch.setattr(face_nets, "download_wheel", lambda what, *_: asked.append(what) or wheel)
    folder = tmp_path / "models of mine"
    for _ in range(2):
        face_nets.get_nets(folder, sys.executable)
    assert sorted(file.name for file in folder.iterdir()) == ["a.tflite", "b.tflite"]
    assert asked == [net_files.WHEEL_REQUIREMENT]


@pytest.mark.parametrize("damage", ["not a zip", "a net changed", "a net missing"])
def test_a_damaged_wheel_leaves_no_damaged_net_behind(
    damage: str, tmp_path: Path, small_nets: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "nets.whl"
    if damage == "not a zip":
        wheel.write_bytes(b"<html>sign in to the network</html>")
    else:
        members = {name: data for name, data in small_nets.items() if "b." not in name}
        wheel_of(members if "missing" in damage else {**members, "pack/b.tflite": b"x"}, wheel)

    def unreachable(folder: Path) -> None:
        raise FaceNetsError("Google cannot be reached; do this instead.")

    monkeypatch.setattr(face_nets, "download_wheel", lambda *_: wheel)
    monkeypatch.setattr(net_files, "fetch_face_landmarker", unreachable)
    folder = tmp_path / "models"
    with pytest.raises(QuickstartError, match="do this instead"):
        face_nets.get_nets(folder, sys.executable)
    assert [file.name for file in folder.glob("*")] == ([] if damage == "not a zip" else ["a.tflite"])


def test_the_wheel_is_asked_for_whatever_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeRun()
    monkeypatch.setattr(face_nets, "run", fake)
    (tmp_path / "mediapipe.whl").write_bytes(b"")
    face_nets.download_wheel("mediapipe==0.10.21", tmp_path, "python")
    (command,) = fake.commands
    assert {"download", "--no-deps", "--only-binary=:all:", "mediapipe==0.10.21"} <= set(command)
    assert command[command.index("--python-version") + 1] == "3.11"


SLEEPER = """
import os, sys, time
note = open(sys.argv[1], "w")
print(os.getpid(), file=note, flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("tidied up", file=note, flush=True)
"""

INTERRUPTED = """
import sys
from bootstrap import commands, console
console.GRACE_SECONDS = 0.5
commands.demo = lambda options: console.run([sys.executable, "-c", sys.argv[2], sys.argv[1]])
sys.exit(commands.main("", ["demo"]))
"""


def wait_for(path: Path) -> str:
    """Polls a file until it has content; at most 20 s."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


@pytest.mark.skipif(os.name == "nt", reason="signals of one process alone are POSIX")
def test_ctrl_c_ends_the_child_and_says_how_to_go_on(tmp_path: Path) -> None:
    note = tmp_path / "child pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, note, SLEEPER], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    child = int(wait_for(note))
    parent.send_signal(signal.SIGINT)
    _, complaint = parent.communicate(timeout=20)
    assert parent.returncode == 130
    assert "again to continue" in complaint
    assert "Traceback" not in complaint
    assert note.read_text().splitlines() == [str(child), "tidied up"]
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_missing_photo_is_refused_before_anything_is_installed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "make_venv", lambda venv: pytest.fail("the environment was made"))
    assert commands.main("", ["--photo", str(tmp_path / "nobody.jpg")]) == 1
    assert "nobody.jpg" in capfd.readouterr().err


def test_the_demo_hands_its_files_to_the_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = tmp_path / "my face.jpg"
    photo.write_bytes(b"")
    fake = FakeRun()
    monkeypatch.setattr(console, "run", fake)
    monkeypatch.setattr(commands, "prepare", lambda *_: Path("python"))
    video = tmp_path / "my video.mp4"
    assert commands.main("", ["demo", "--photo", str(photo), "--output", str(video)]) == 0
    (render,) = (command for command in fake.commands if any("run_workflow.py" in part for part in command))
    assert render[render.index("--set") + 1] == f"Load Portrait.image={photo.resolve()}"
    assert render[render.index("--output") + 1] == str(video.resolve())
    modules = [command[command.index("-m") + 1] for command in fake.commands if "-m" in command]
    assert modules == ["demo.make_inputs", "demo.make_contact_sheet"]


def test_an_old_python_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import quickstart

    monkeypatch.setattr(quickstart.sys, "version_info", (3, 9, 18))
    with pytest.raises(SystemExit, match=r"3\.10 or newer"):
        quickstart.start()


def test_the_entry_file_can_be_read_by_an_old_python() -> None:
    tree = ast.parse((ROOT / "quickstart.py").read_text(encoding="utf-8"), feature_version=(3, 4))
    modern = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr)
    assert not [node for node in ast.walk(tree) if isinstance(node, modern)]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.returns]
    outside = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [alias.name for node in outside for alias in node.names] == ["sys"]


def test_it_needs_nothing_but_the_standard_library() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import bootstrap.commands, quickstart"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_the_demo_s_inputs_are_made_whole_and_kept(tmp_path: Path) -> None:
    from demo import make_inputs

    picture = tmp_path / "astronaut.png"
    with pytest.raises(KeyboardInterrupt):
        make_inputs.make(picture, interrupted_write)
    assert not list(tmp_path.iterdir())
    make_inputs.make(picture, lambda path: path.write_text("new"))
    make_inputs.make(picture, lambda path: path.write_text("newer"))
    assert picture.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["astronaut.png"]


def interrupted_write(path: Path) -> None:
    """Writes a little, then is interrupted."""
    path.write_text("half")
    raise KeyboardInterrupt
