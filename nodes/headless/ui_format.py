"""Workflows as ComfyUI's canvas saves them -> graphs.

What the canvas knows and the file does not say: which entry of `widgets_values` belongs to which input.
They stand in the order of the schema's widgets; a seed is followed by one more entry, its "control after
generate"; an upload button adds one at the end. Nodes that exist only on the canvas (reroutes, primitives,
notes) are resolved here, muted ones left out and bypassed ones bridged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...real3d_core.errors import WorkflowError
from .graph import Graph, Link, Node, Registry
from .io import Schema

MUTED, BYPASSED = (2, 1), 4  # LiteGraph's modes "never" and "on event", and ComfyUI's bypass
NOTES = ("Note", "MarkdownNote")
REROUTE, PRIMITIVE = "Reroute", "PrimitiveNode"
CONTROLS = ("fixed", "increment", "decrement", "randomize")
SEED_NAMES = ("seed", "noise_seed")  # the canvas adds the control to integers of these names by itself


@dataclass(frozen=True)
class _Wire:
    """A link of the canvas: output slot of one node into input slot of another."""

    source: str
    slot: int


def graph_of_ui(data: Mapping[str, Any], registry: Registry) -> Graph:
    """The graph of a workflow in UI format. Raises WorkflowError for what cannot be converted."""
    entries = {
        str(entry["id"]): entry for entry in data["nodes"] if isinstance(entry, Mapping) and "id" in entry
    }
    if not entries:
        raise WorkflowError("The workflow has no nodes; save it from ComfyUI again.")
    try:
        _refuse_subgraphs(data, entries)
        return Graph(_Converter(entries, _wires(data), registry).nodes(), dict(data), True)
    except KeyError as error:
        raise WorkflowError(
            f"The workflow is damaged (it lacks {str(error.args[0])[:60]!r}); save it from ComfyUI again."
        ) from error
    except (IndexError, TypeError, ValueError, AttributeError) as error:
        raise WorkflowError(
            "The workflow is damaged (an entry has another form than ComfyUI writes); save it from ComfyUI"
            " again."
        ) from error


def _refuse_subgraphs(data: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> None:
    subgraphs = {one["id"] for one in (data.get("definitions") or {}).get("subgraphs") or []}
    for entry in entries.values():
        if entry["type"] in subgraphs:
            raise WorkflowError(
                f"{entry.get('title') or 'A node'} (node {entry['id']}) is a subgraph, which run_workflow.py"
                " cannot open; save the workflow by Export (API), which writes what is inside."
            )


def _wires(data: Mapping[str, Any]) -> dict[int, _Wire]:
    """Links by number; old files store them as lists, newer ones as objects."""
    wires = {}
    for link in data.get("links") or []:
        if isinstance(link, Mapping):
            wires[link["id"]] = _Wire(str(link["origin_id"]), int(link["origin_slot"]))
        elif link:
            wires[link[0]] = _Wire(str(link[1]), int(link[2]))
    return wires


class _Converter:
    def __init__(
        self, entries: dict[str, Mapping[str, Any]], wires: dict[int, _Wire], registry: Registry
    ) -> None:
        self._entries, self._wires, self._registry = entries, wires, registry

    def nodes(self) -> dict[str, Node]:
        return {
            key: self._node(key, entry)
            for key, entry in self._entries.items()
            if entry.get("mode", 0) not in (*MUTED, BYPASSED)
            and entry["type"] not in (*NOTES, REROUTE, PRIMITIVE)
        }

    def _node(self, key: str, entry: Mapping[str, Any]) -> Node:
        kind = str(entry["type"])
        bare = Node(key, kind, str(entry.get("title") or kind))
        if kind not in self._registry:
            raise self._registry.unknown(bare)
        schema = self._registry.schema(kind)
        inputs = widget_values(schema, entry.get("widgets_values"))
        for socket in entry.get("inputs") or []:
            if socket.get("link") is not None:
                value = self._resolve(self._wires[socket["link"]], frozenset())
                if value is not None:
                    inputs[socket["name"]] = value
                elif not socket.get("widget"):
                    inputs.pop(socket["name"], None)
        return Node(key, kind, str(entry.get("title") or schema.title), inputs)

    def _resolve(self, wire: _Wire, passed: frozenset[_Wire]) -> Any | None:
        """Where a wire comes from: a link, a primitive's value, or None if from nothing that runs."""
        entry = self._entries[wire.source]
        if wire in passed or entry.get("mode", 0) in MUTED:
            return None
        if entry["type"] == PRIMITIVE:
            return (entry.get("widgets_values") or [None])[0]
        if entry["type"] == REROUTE:
            return self._follow(entry, 0, passed | {wire})
        if entry.get("mode", 0) == BYPASSED:
            return self._follow(entry, _bridge(entry, wire.slot), passed | {wire})
        return Link(wire.source, wire.slot)

    def _follow(self, entry: Mapping[str, Any], slot: int | None, passed: frozenset[_Wire]) -> Any | None:
        link = None if slot is None else entry["inputs"][slot].get("link")
        return None if link is None else self._resolve(self._wires[link], passed)


def _bridge(entry: Mapping[str, Any], slot: int) -> int | None:
    """The input that a bypassed node hands to output `slot`: the one beside it, or the first of its type."""
    kind, inputs = entry["outputs"][slot]["type"], entry.get("inputs") or []
    order = [slot, *range(len(inputs))]
    return next((i for i in order if i < len(inputs) and inputs[i].get("type") == kind), None)


def widget_values(schema: Schema, values: Any) -> dict[str, Any]:
    """The inputs that a node's `widgets_values` (list, or object by name) sets."""
    widgets = [declared for declared in schema.inputs if declared.has_widget]
    if isinstance(values, Mapping):
        return {declared.id: values[declared.id] for declared in widgets if declared.id in values}
    rest, inputs = list(values or []), {}
    for declared in widgets:
        if not rest:
            break
        inputs[declared.id] = rest.pop(0)
        controlled = getattr(declared, "control_after_generate", None) or declared.id in SEED_NAMES
        if controlled and rest and rest[0] in CONTROLS:
            rest.pop(0)
    return inputs
