"""Where a headless run reads and writes, and whom it tells: the state that a ComfyUI server would hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path

PACK_FOLDER = Path(__file__).resolve().parents[2]


def nobody(label: str, done: int, total: int) -> None:
    """The listener of a run whose progress nobody watches."""


@dataclass(frozen=True)
class Session:
    """One run without ComfyUI.

    input, output, temp     folders, made when first written to.
    models                  folder that holds `real3d_portrait/` and `detection/`.
    trusted                 file names that the user typed for this run: they may lie anywhere.
    output_file             where the one file that the run saves goes; None = numbered, into `output`.
    longest_sound           seconds after which sounds are cut when loaded; None = never (benchmarks cut).
    on_progress             told (node title, steps done, steps in all) as a node works.
    """

    input: Path = PACK_FOLDER / "input"
    output: Path = PACK_FOLDER / "output"
    temp: Path = PACK_FOLDER / "temp"
    models: Path = PACK_FOLDER / "models"
    trusted: frozenset[str] = field(default_factory=frozenset)
    output_file: Path | None = None
    longest_sound: float | None = None
    on_progress: Callable[[str, int, int], None] = nobody


_CURRENT: ContextVar[Session | None] = ContextVar("real3d_session", default=None)
_NODE: ContextVar[str] = ContextVar("real3d_node", default="")


def current() -> Session:
    """The session of this context; outside of any, one with the folders of the pack."""
    return _CURRENT.get() or Session()


@contextmanager
def using(session: Session) -> Iterator[Session]:
    """Makes `session` the current one for a block."""
    token = _CURRENT.set(session)
    try:
        yield session
    finally:
        _CURRENT.reset(token)


@contextmanager
def changed(**changes: object) -> Iterator[Session]:
    """Makes a changed copy of the current session the current one for a block."""
    with using(replace(current(), **changes)) as session:
        yield session


def node_title() -> str:
    """The title of the node that runs in this context."""
    return _NODE.get()


@contextmanager
def running(title: str) -> Iterator[None]:
    """Names the node that runs in a block."""
    token = _NODE.set(title)
    try:
        yield
    finally:
        _NODE.reset(token)
