"""Numbered steps on the terminal, and child processes that never outlive the command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 4.0
"""The time a child has to tidy up by itself: Ctrl-C has reached it through the terminal as well."""


class QuickstartError(Exception):
    """A step cannot be done; the message is one sentence that says what to do."""


class Steps:
    """Numbered steps with their time, printed as they happen."""

    def __init__(self, total: int) -> None:
        self.total, self.number, self.began = total, 0, time.monotonic()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Prints the step's number and title and, once it has succeeded, how long it took."""
        self.number += 1
        began = time.monotonic()
        say(f"[{self.number}/{self.total}] {title}")
        yield
        now = time.monotonic()
        say(f"      done in {clock(now - began)} (total {clock(now - self.began)})")


def say(text: str) -> None:
    """Prints a line at once: the lines of child processes must not overtake it."""
    print(text, flush=True)


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def child_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """A child's variables: nothing that points pip or Python away from the environment it runs in."""
    astray = ("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH")
    kept = {key: value for key, value in variables.items() if key not in astray}
    return {**kept, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run(command: Sequence[str | Path], cwd: Path | None = None, silent: bool = False) -> int:
    """Runs a command without input and returns its exit status; what interrupts this ends the child too."""
    output = subprocess.DEVNULL if silent else None
    child = subprocess.Popen(
        [os.fspath(part) for part in command],
        cwd=cwd,
        env=child_environment(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )
    try:
        return child.wait()
    except BaseException:
        stop(child)
        raise


def must_run(command: Sequence[str | Path], complaint: str, cwd: Path | None = None) -> None:
    """Runs a command that says itself what is wrong; raises QuickstartError if it fails."""
    if run(command, cwd) != 0:
        raise QuickstartError(f"{complaint}; the lines above say why.")


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ends a child: by itself if it does, then asked as by Ctrl-C, then told to, then by force."""
    interrupt = signal.SIGTERM if os.name == "nt" else signal.SIGINT
    try:
        for ask in (lambda: None, lambda: child.send_signal(interrupt), child.terminate):
            ask()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GRACE_SECONDS)
                return
    finally:
        child.kill()
        child.wait()


def pip(python: Path | str, command: str) -> list[str | Path]:
    """The start of a pip command line that shows people its progress and keeps log files short."""
    return [python, "-m", "pip", command, *([] if sys.stdout.isatty() else ["--quiet"])]
