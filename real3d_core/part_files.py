"""Files that appear under their own name only when they are whole.

A file is written under a temporary name beside its target and moved there at the end. Errors and Cancel
remove it; what a killed process leaves behind is removed by the next one that writes into the same folder.
A writer holds a lock on its file, and the system takes the lock away when the process ends, however it ends:
so a file that is not locked belongs to nobody, and one that is being written is never touched.

Windows has no such lock, but removes no file that a process has open.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PART = re.compile(r"\.real3d_part_[0-9a-f]{16}(\.\w+)?")
FOLDER_ENDING = ".frames"  # of part folders; other folders are never removed
SETTLED = 60.0  # seconds without a change, after which a file that nobody has open is nobody's


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, moved there if the block ends well and removed otherwise.

    It keeps the ending, from which writers choose the kind of file; they open it anew, and must have closed
    it at the end. Raises OutputError if the folder cannot be written; errors of the block pass as they are.
    """
    sweep(path.parent, PART)
    with _named_errors(path):
        part, lock = _new_part(path)
    try:
        yield part
        with _named_errors(path):
            os.replace(part, path)
    except BaseException:  # a cancelled node raises no Exception
        with suppress(OSError):
            os.remove(part)
        raise
    finally:
        release(lock)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A new folder under a temporary name beside `path`, moved there if the block ends well, else removed.

    `path` must not exist, or be an empty folder. Raises OutputError if it cannot be written.
    """
    sweep(path.parent, PART)
    with _named_errors(path):
        part = path.with_name(f".real3d_part_{os.urandom(8).hex()}{FOLDER_ENDING}")
        part.mkdir()
    lock = hold(part)
    try:
        yield part
        with _named_errors(path):
            os.replace(part, path)
    except BaseException:  # a cancelled node raises no Exception
        shutil.rmtree(part, ignore_errors=True)
        raise
    finally:
        release(lock)


@contextmanager
def scratch_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`, with its ending, that is removed at the end of the block."""
    with _named_errors(path):
        part, lock = _new_part(path)
    try:
        yield part
    finally:
        with suppress(OSError):
            os.remove(part)
        release(lock)


def sweep(folder: Path, names: re.Pattern[str], unchanged_for: float = 0.0) -> None:
    """Removes the files (and part folders) in `folder` whose whole name matches, that nobody holds (`hold`).

    unchanged_for   seconds since the last change, for names under which files lie before they are held.
    """
    unchanged_for = unchanged_for if fcntl else max(unchanged_for, SETTLED)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if names.fullmatch(entry.name)]:
            with suppress(OSError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime >= unchanged_for:
                    _remove_unheld(entry.path)


def hold(path: str | os.PathLike[str]) -> int | None:
    """Keeps `sweep` of any process from a file or folder until `release`; None where nothing can be held."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    if fcntl is not None:
        with suppress(OSError):  # a network folder without locks: nothing is swept there either
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def release(handle: int | None) -> None:
    """Ends a `hold`."""
    if handle is not None:
        os.close(handle)


def _new_part(path: Path) -> tuple[Path, int | None]:
    """A new empty file beside `path`, and the hold on it."""
    while True:
        part = path.with_name(f".real3d_part_{os.urandom(8).hex()}{path.suffix}")
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if fcntl is None:  # an open file could not be moved; the writer's own handle guards it
            os.close(handle)
            return part, None
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Somebody may have swept the file between its making and its locking.
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle), os.stat(part)):
                return part, handle
        os.close(handle)


def _remove_unheld(path: str) -> None:
    if fcntl is None:
        os.remove(path)
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            os.remove(path)
        elif path.endswith(FOLDER_ENDING):
            shutil.rmtree(path)
    finally:
        os.close(handle)


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}); check that the folder exists, is writable"
            " and has free space, and that no other program holds the file."
        ) from error
