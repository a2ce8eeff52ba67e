"""`--set NODE.INPUT=VALUE`: changes of a graph that the user types."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...real3d_core.errors import WorkflowError
from .graph import Graph, Node, Registry
from .io import ComboInput
from .validate import converted


@dataclass(frozen=True)
class Changed:
    """A changed graph, and the files outside the folders that the user's own words named."""

    graph: Graph
    trusted: frozenset[str]


def apply_settings(graph: Graph, settings: Iterable[str], registry: Registry) -> Changed:
    """Applies `NODE.INPUT=VALUE` texts in their order; the node is named by its id or its title.

    A value for an input that takes a file may be the path of any file; else it is the name of one in the
    input folder. Raises WorkflowError for a text, node, input or value that does not fit.
    """
    trusted = set()
    for text in settings:
        where, equals, value = text.partition("=")
        name, dot, input_name = where.rpartition(".")
        if not (equals and dot and name and input_name):
            raise WorkflowError(
                f"--set {text!r} is not NODE.INPUT=VALUE; write for example 'Load Audio.audio=me.wav'."
            )
        node = find_node(graph, name)
        declared = registry.schema(node.kind).input(input_name) if node.kind in registry else None
        if declared is None or not declared.has_widget:
            known = (
                [one.id for one in registry.schema(node.kind).inputs if one.has_widget]
                if node.kind in registry
                else []
            )
            raise WorkflowError(
                f"{node.label} has no input {input_name!r} to set; it has {', '.join(known) or 'none'}."
            )
        if isinstance(declared, ComboInput) and declared.upload is not None:
            path = Path(value).expanduser()
            if os.path.isfile(path):  # Path.is_file raises for a name that is too long
                value = str(path.resolve())
                trusted.add(value)
        else:
            value = converted(node, declared, value)
        graph = graph.with_node(node.with_input(input_name, value))
    return Changed(graph, frozenset(trusted))


def find_node(graph: Graph, name: str) -> Node:
    """The node of this id, or the only one of this title or kind (capitals do not matter)."""
    if name in graph.nodes:
        return graph.nodes[name]
    wanted = name.strip().casefold()
    found = [node for node in graph.nodes.values() if node.title.casefold() == wanted]
    found = found or [node for node in graph.nodes.values() if node.kind.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(node.id for node in found)
        raise WorkflowError(f"Several nodes are called {name!r}; name one by its id: {ids}.")
    titles = ", ".join(repr(node.title) for node in graph.nodes.values())
    raise WorkflowError(f"No node of the workflow is called {name!r}; there are {titles}.")
