"""A workflow as this package runs it, whatever format its file had."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...real3d_core.errors import WorkflowError
from .io import ComfyNode, Schema


@dataclass(frozen=True)
class Link:
    """The value of an input that comes from output number `slot` of node `node`."""

    node: str
    slot: int


@dataclass(frozen=True)
class Node:
    """One node: its id in the file, what it is, what users call it, and its inputs (values or links)."""

    id: str
    kind: str
    title: str
    inputs: dict[str, Any] = field(default_factory=dict)

    def with_input(self, name: str, value: Any) -> Node:
        """The same node with one input changed."""
        return replace(self, inputs=self.inputs | {name: value})

    @property
    def label(self) -> str:
        """How messages name it: the title, and the id where several may share a title."""
        return f"{self.title} (node {self.id})"


@dataclass(frozen=True)
class Graph:
    """The nodes of a workflow by id, and the file's own JSON (saved with videos as ComfyUI does)."""

    nodes: dict[str, Node]
    source: dict[str, Any] = field(default_factory=dict)
    is_ui_format: bool = False

    def with_node(self, node: Node) -> Graph:
        """The same graph with one node changed."""
        return replace(self, nodes=self.nodes | {node.id: node})

    def prompt(self, private: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The graph in API format; of the paths in `private` only the file name is kept."""

        def told(value: Any) -> Any:
            if isinstance(value, Link):
                return [value.node, value.slot]
            return Path(value).name if isinstance(value, str) and value in private else value

        return {
            node.id: {
                "class_type": node.kind,
                "inputs": {name: told(value) for name, value in node.inputs.items()},
                "_meta": {"title": node.title},
            }
            for node in self.nodes.values()
        }


class Registry:
    """The node classes that can be run, with their schemas."""

    def __init__(self, classes: Iterable[type[ComfyNode]]) -> None:
        self._classes = {cls.define_schema().node_id: cls for cls in classes}

    @staticmethod
    def standard() -> Registry:
        """This pack's nodes and the core nodes that stand in here."""
        from .. import NODES
        from .core_nodes import CORE_NODES

        return Registry((*NODES, *CORE_NODES))

    def __contains__(self, kind: str) -> bool:
        return kind in self._classes

    def ids(self) -> tuple[str, ...]:
        return tuple(self._classes)

    def node_class(self, kind: str) -> type[ComfyNode]:
        return self._classes[kind]

    def schema(self, kind: str) -> Schema:
        """Declared anew each time, because lists of files change."""
        return self._classes[kind].define_schema()

    def unknown(self, node: Node) -> WorkflowError:
        """The error for a node that is not in this registry."""
        return WorkflowError(
            f"{node.label} is of the kind {node.kind!r}, which run_workflow.py cannot run; run this workflow"
            " in ComfyUI, or take the node out (--list shows the kinds that can be run)."
        )


def read_workflow(path: Path, registry: Registry) -> Graph:
    """Reads a workflow of either format; WorkflowError if it cannot be read or converted."""
    from .ui_format import graph_of_ui

    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise WorkflowError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, RecursionError) as error:
        raise WorkflowError(
            f"{path} is not JSON ({error}); save the workflow from ComfyUI again, by Save or Export (API)."
        ) from error
    if isinstance(data, dict) and isinstance(data.get("nodes"), list):
        return graph_of_ui(data, registry)
    if isinstance(data, dict) and isinstance(data.get("prompt"), dict):
        data = data["prompt"]
    return graph_of_api(data, registry)


def graph_of_api(data: Any, registry: Registry) -> Graph:
    """The graph of a workflow in API format: {id: {"class_type", "inputs"}}."""
    if not isinstance(data, Mapping) or not data:
        raise WorkflowError("The file holds no workflow; save it from ComfyUI by Save or Export (API).")
    nodes = {}
    for key, entry in data.items():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("class_type"), str):
            raise WorkflowError(f"The entry {key!r} is no node; save the workflow from ComfyUI again.")
        inputs = entry.get("inputs", {})
        if not isinstance(inputs, Mapping):
            raise WorkflowError(f"The node {key!r} has damaged inputs; save the workflow from ComfyUI again.")
        kind, meta = entry["class_type"], entry.get("_meta")
        title = meta.get("title") if isinstance(meta, Mapping) else None
        title = title or (registry.schema(kind).title if kind in registry else kind)
        values = {name: _api_value(value) for name, value in inputs.items()}
        nodes[str(key)] = Node(str(key), kind, str(title), values)
    return Graph(nodes, dict(data))


def _api_value(value: Any) -> Any:
    """Two entries, a node id and a slot number, are a link; ComfyUI wraps other lists in __value__."""
    if (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], (str, int))
        and isinstance(value[1], int)
        and not isinstance(value[1], bool)
    ):
        return Link(str(value[0]), value[1])
    if isinstance(value, Mapping) and "__value__" in value:
        return value["__value__"]
    return value
