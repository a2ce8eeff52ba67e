"""Wall time of the stages, for benchmarks: free when nobody records.

    with recording() as times:
        with stage("render_triplane"):
            ...
    times.seconds("Render Triplane")

The active recorder lives in a context variable, so two recordings in different threads do not mix;
worker threads take part when they run in a copy of their starter's context (real3d_core/streaming.py does).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class StageTime:
    """Wall time of one stage: seconds over all calls and threads (stages inside it included), and calls."""

    seconds: float
    calls: int


class Recorder:
    """Collects the times of stages; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, StageTime] = {}

    def add(self, name: str, seconds: float) -> None:
        """Adds one call of a stage."""
        with self._lock:
            before = self._times.get(name, StageTime(0.0, 0))
            self._times[name] = StageTime(before.seconds + seconds, before.calls + 1)

    def times(self) -> dict[str, StageTime]:
        """A copy of what was recorded so far, in the order in which the stages first ended."""
        with self._lock:
            return dict(self._times)

    def seconds(self, name: str) -> float:
        """Seconds of one stage so far; 0 if it never ran."""
        return self.times().get(name, StageTime(0.0, 0)).seconds


_ACTIVE: ContextVar[Recorder | None] = ContextVar("real3d_recorder", default=None)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Records every `stage` entered in this context; an inner recording takes the place of an outer one."""
    recorder = Recorder()
    token = _ACTIVE.set(recorder)
    try:
        yield recorder
    finally:
        _ACTIVE.reset(token)


class stage:
    """Context manager that adds the wall time of its block to the active recorder, if there is one.

    A class, not a generator: entering it with no recorder active costs well under a microsecond.
    """

    __slots__ = ("_name", "_recorder", "_start")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._recorder = _ACTIVE.get()
        if self._recorder is not None:
            self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        if self._recorder is not None:
            self._recorder.add(self._name, time.perf_counter() - self._start)
