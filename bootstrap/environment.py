"""The virtual environment: made, filled and mended so that an interrupted run can be repeated.

What is finished stands in a stamp file inside the environment, one fingerprint for each step; the stamp is
written last, and names a step as unfinished while it runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from .console import QuickstartError, pip, run, say

STAMP = "quickstart.json"
UNFINISHED = "unfinished"


def venv_python(venv: Path, windows: bool = os.name == "nt") -> Path:
    """The interpreter of a virtual environment."""
    return venv / "Scripts" / "python.exe" if windows else venv / "bin" / "python"


def read_stamp(venv: Path) -> dict[str, str] | None:
    """What is finished in `venv`: step -> fingerprint. None: quickstart has not worked there."""
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        stamp = None
    return stamp if isinstance(stamp, dict) else {UNFINISHED: "the stamp cannot be read"}


def write_stamp(venv: Path, stamp: Mapping[str, str]) -> None:
    """Replaces the stamp in one move, so that it is never half written."""
    part = venv / f"{STAMP}.part"
    part.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    os.replace(part, venv / STAMP)


def fingerprint(words: Sequence[str], files: Iterable[Path] = ()) -> str:
    """One hash over words and the content of files."""
    digest = hashlib.sha256("\n".join(words).encode())
    for file in files:
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def is_finished(venv: Path, step: str, mark: str) -> bool:
    """Whether `step` was finished with this fingerprint."""
    return (read_stamp(venv) or {}).get(step) == mark


@contextlib.contextmanager
def stamped(venv: Path, step: str, mark: str) -> Iterator[None]:
    """Stamps a step when its block succeeds.

    An interrupted block leaves the step named as unfinished: pip takes half-written packages for whole ones,
    so that only a new environment is sure. A refusal (QuickstartError) has changed nothing: no mark stays.
    """
    stamp = {key: value for key, value in (read_stamp(venv) or {}).items() if key != step}
    write_stamp(venv, {**stamp, UNFINISHED: step})
    try:
        yield
    except QuickstartError:
        write_stamp(venv, stamp)
        raise
    write_stamp(venv, {**stamp, step: mark})


def is_usable(venv: Path) -> bool:
    """Whether the environment starts, has pip, and no step in it was interrupted."""
    if UNFINISHED in (read_stamp(venv) or {}) or not venv_python(venv).exists():
        return False
    try:
        return run([venv_python(venv), "-c", "import pip"], silent=True) == 0
    except OSError:
        return False


def make_venv(venv: Path) -> Path:
    """Makes the environment, anew where it is broken or half made; returns its interpreter.

    Raises QuickstartError if something else lies at `venv`, if this very Python runs from there, or if
    Python's venv module does not work.
    """
    if is_usable(venv):
        say("      already there")
        return venv_python(venv)
    if os.path.lexists(venv):
        _remove_broken(venv)
    venv.mkdir(parents=True)
    write_stamp(venv, {UNFINISHED: "venv"})
    if run([sys.executable, "-m", "venv", venv]) != 0:
        raise QuickstartError(
            "Python's own `venv` module failed (the lines above say why): on Debian and Ubuntu"
            " `sudo apt install python3-venv` brings what it needs; instead of the Python inside a portable"
            " ComfyUI, take a full one from python.org."
        )
    # A new pip learns what a wheel needs without downloading it; an old one works too: failing is no error.
    run([*pip(venv_python(venv), "install"), "--quiet", "--upgrade", "pip"], silent=True)
    write_stamp(venv, {})
    return venv_python(venv)


def _remove_broken(venv: Path) -> None:
    """Removes an environment that cannot be used, and nothing that is not one."""
    known = read_stamp(venv) is not None or (venv / "pyvenv.cfg").is_file()
    if venv.is_symlink() or not (known or (venv.is_dir() and not any(venv.iterdir()))):
        raise QuickstartError(f"{venv} is in the way and no virtual environment; move it and run this again.")
    if Path(sys.prefix).resolve() == venv.resolve():
        raise QuickstartError(
            f"{venv} must be made anew, but this Python runs from it; type `deactivate` (or open a new"
            " terminal) and run this again."
        )
    say("      the one that is there is broken or half made: making it anew")
    shutil.rmtree(venv)


def install_packages(python: Path, venv: Path, files: Sequence[Path], pinned: str) -> None:
    """Installs requirement files together, `pinned` beside them so that nothing moves it."""
    step, mark = " ".join(file.name for file in files), fingerprint([pinned], files)
    if is_finished(venv, step, mark):
        say("      already there")
        return
    wanted = [part for file in files for part in ("-r", file)]
    with stamped(venv, step, mark):
        if run([*pip(python, "install"), pinned, *wanted]) != 0:
            raise QuickstartError(
                f"pip could not install {step} (the lines above say why); check the network and run this"
                " again."
            )
