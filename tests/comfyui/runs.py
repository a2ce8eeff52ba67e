"""What a server told about a run, and about the objects in its process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """A message of the server: its type, its data, and when it came (time.monotonic)."""

    kind: str
    data: dict[str, Any]
    time: float


@dataclass
class Run:
    """One run of a graph: what the server told about it, and the pictures that it showed on the way."""

    id: str
    events: list[Event] = field(default_factory=list)
    previews: list[bytes] = field(default_factory=list)

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    @property
    def executed(self) -> list[str]:
        """Ids of the nodes that ran, in order."""
        return [event.data["node"] for event in self.of("executing") if event.data["node"]]

    @property
    def cached(self) -> set[str]:
        """Ids of the nodes whose results were still there."""
        return {node for event in self.of("execution_cached") for node in event.data["nodes"]}

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """What nodes show, by id."""
        return {event.data["node"]: event.data["output"] for event in self.of("executed")}

    @property
    def error(self) -> str | None:
        """The message of the exception that ended the run."""
        errors = self.of("execution_error")
        return errors[0].data["exception_message"] if errors else None

    def progress(self, node: str) -> list[tuple[int, int]]:
        """(done, total) of a node's progress bar, in order."""
        return [
            (event.data["value"], event.data["max"])
            for event in self.of("progress")
            if event.data["node"] == node
        ]


@dataclass(frozen=True)
class Alive:
    """Numbers of objects by class; and who holds one of them, who holds that holder, and so on."""

    counts: dict[str, int]
    holders: str
