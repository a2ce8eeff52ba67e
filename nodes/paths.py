"""Which files a workflow may read and write: those inside the input, output and temp folders.

A workflow is something people share, so a path inside it is not the user's own word: it may not leave these
folders, be it by `..`, an absolute or network path, or a symbolic link.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from ..real3d_core.errors import OutputError, WorkflowError
from . import host

LONGEST_NAME = 200  # bytes; file systems allow 255, and a number and an ending follow
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\s*(\..*)?$", re.IGNORECASE | re.DOTALL)
_ANNOTATION = re.compile(r"\s*\[(input|output|temp)\]$")


@dataclass(frozen=True)
class SavedFile:
    """Where a result goes.

    path        the file.
    subfolder   its folder relative to `folder`, with forward slashes; "" if directly in it.
    folder      "output", or "temp".
    """

    path: Path
    subfolder: str
    folder: str = "output"

    @property
    def name(self) -> str:
        return self.path.name


def inside(folder: Path, name: str) -> Path:
    """The path `name` inside `folder`. Raises WorkflowError if it would lie outside, or can be no path."""
    parts = re.split(r"[\\/]+", name)
    windows = PureWindowsPath(name)  # also knows C: and \\server\share, which must not pass on any system
    if windows.drive or windows.root or ".." in parts or "\0" in name:
        raise WorkflowError(_leaves(folder, name))
    if any(_is_no_name(part) for part in parts):
        raise WorkflowError(
            f"The path {_told(name)} holds a name that not every system can have; choose a shorter or plainer"
            " one."
        )
    path = folder.joinpath(*parts)
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        is_inside = False
    if not is_inside:
        raise WorkflowError(_leaves(folder, name))
    return path


def _is_no_name(part: str) -> bool:
    """Whether a file cannot be called so everywhere: devices of Windows, control characters, too long."""
    try:
        size = len(part.encode())
    except UnicodeEncodeError:  # half of a character
        return True
    reserved = _DEVICES.match(part) is not None
    forbidden = os.name == "nt" and any(one in part for one in '<>:"|?*')
    return reserved or forbidden or size > LONGEST_NAME or not part.isprintable()


def _told(name: str) -> str:
    return repr(name if len(name) <= 100 else f"{name[:100]}...")


def _leaves(folder: Path, name: str) -> str:
    return (
        f"The path {_told(name)} leaves the folder {folder}; copy or upload the file there and give its name."
    )


def input_file(name: str) -> Path:
    """The file that a workflow names, in the input folder or the one in brackets: `photo.png [output]`.

    A name that the user typed on the command line may lie anywhere. Raises WorkflowError if the path leaves
    its folder or there is no such file.
    """
    if host.is_trusted(name):
        path = Path(name)
    else:
        annotation = _ANNOTATION.search(name)
        folder = host.folder(annotation[1] if annotation else "input")
        path = inside(folder, _ANNOTATION.sub("", name))
    if not name.strip() or not _is_file(path):
        raise WorkflowError(f"There is no file {_told(name)} in {path.parent}; upload it, or choose another.")
    return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the whole path is too long, a folder may not be entered
        return False


def input_names(endings: frozenset[str]) -> list[str]:
    """Names of the files directly in the input folder that end so (lower case, with the dot), sorted."""
    try:
        with os.scandir(host.folder("input")) as entries:
            names = [entry.name for entry in entries if entry.is_file()]
    except OSError:
        return []
    return sorted(name for name in names if os.path.splitext(name)[1].lower() in endings)


def numbered_output(prefix: str, ending: str, width: int, height: int, is_result: bool = True) -> SavedFile:
    """The next free `<prefix>_00001_<ending>` in the output folder; makes its folder.

    The prefix may hold subfolders and %width%, %height%, %year%, %month%, %day%, %hour%, %minute%, %second%,
    as in ComfyUI. The result of a run goes to the file that the user chose, if any; other files (`is_result`
    False) never do. Raises WorkflowError if it leaves the output folder, OutputError if the folder cannot be
    made.
    """
    chosen = host.chosen_output()
    if chosen is not None and is_result:
        return SavedFile(_made_for(chosen), "")
    output = host.folder("output")
    stem = inside(output, _filled(prefix, width, height) or "video")
    if stem == output:
        raise WorkflowError(f"The file name {prefix!r} names a folder; give one such as Real3D/talking.")
    folder = _made_for(stem).parent
    pattern = re.compile(re.escape(stem.name) + r"_(\d+)_", re.IGNORECASE)
    numbers = [int(match[1]) for name in os.listdir(folder) if (match := pattern.match(name))]
    path = folder / f"{stem.name}_{max(numbers, default=0) + 1:05}_{ending}"
    subfolder = folder.relative_to(output).as_posix()
    return SavedFile(path, "" if subfolder == "." else subfolder)


def temp_file(stem: str, ending: str) -> Path:
    """A new name in the temp folder, which is made."""
    return _made_for(host.folder("temp") / f"{stem}_{os.urandom(8).hex()}{ending}")


def _made_for(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {path.parent} cannot be made ({error.strerror or error}); check the path and its"
            " permissions."
        ) from error
    return path


def _filled(prefix: str, width: int, height: int) -> str:
    now = time.localtime()
    values = {
        "width": width,
        "height": height,
        "year": now.tm_year,
        "month": f"{now.tm_mon:02}",
        "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}",
        "minute": f"{now.tm_min:02}",
        "second": f"{now.tm_sec:02}",
    }
    for name, value in values.items():
        prefix = prefix.replace(f"%{name}%", str(value))
    return prefix.strip()
