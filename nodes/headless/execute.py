"""Runs a checked graph: each node once, after those it needs, as a ComfyUI server does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...real3d_core.errors import Real3DError, WorkflowError
from ...real3d_core.video.format_files import load_format
from .graph import Graph, Link, Node, Registry
from .io import FolderType, HiddenHolder, NodeOutput, Schema
from .session import current, running
from .validate import checked, order_of, output_nodes

COMBINE = "R3DP_VideoCombine"
# Output nodes that save no result.
SHOWS_ONLY = ("PreviewImage", "Preview3D", "R3DP_ConvertModel", "R3DP_Preview3D")


@dataclass
class RunResult:
    """What a run gave.

    outputs     of each node by id: one list for each output, one entry for each time the node ran.
    saved       files in the output folder, in the order in which they were written.
    seconds     wall time of each node by id.
    """

    outputs: dict[str, tuple[list[Any], ...]] = field(default_factory=dict)
    saved: list[Path] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def value(self, node: str, slot: int = 0) -> Any:
        """The first value of an output."""
        return self.outputs[node][slot][0]


def run(graph: Graph, registry: Registry | None = None) -> RunResult:
    """Checks and runs a graph in the current session.

    Raises WorkflowError before anything runs if the graph is wrong; if a node fails, its error, of its own
    type and with the node's name before it.
    """
    registry = registry or Registry.standard()
    graph = checked(graph, registry)
    _check_chosen_output(graph, registry)
    hidden = {
        "prompt": graph.prompt(private=current().trusted),
        "extra_pnginfo": {"workflow": graph.source} if graph.is_ui_format else {},
    }
    result = RunResult()
    for key in order_of(graph, registry):
        node, start = graph.nodes[key], time.perf_counter()
        result.outputs[key] = _run_node(node, registry, HiddenHolder(key, **hidden), result)
        result.seconds[key] = time.perf_counter() - start
    return result


def _check_chosen_output(graph: Graph, registry: Registry) -> None:
    chosen = current().output_file
    if chosen is None:
        return
    saving = [node for node in output_nodes(graph, registry) if node.kind not in SHOWS_ONLY]
    if len(saving) != 1:
        names = ", ".join(node.label for node in saving) or "none"
        raise WorkflowError(
            f"One output file was given, but the workflow saves by {names}; run it without an output file."
        )
    ending = _ending(saving[0])
    if chosen.suffix.lower() != ending:
        what = f"must end in {ending}" if ending else "must be a new folder, a name without an ending"
        raise WorkflowError(
            f"The output file {chosen} {what}, for the format that {saving[0].label} saves; --set its input"
            " format for another."
        )


def _ending(node: Node) -> str:
    """Of the file that a node saves; empty for a folder."""
    name = node.inputs.get("format", "mp4") if node.kind == COMBINE else "mp4"
    kind = load_format(name if isinstance(name, str) else "mp4")
    return "" if kind.is_folder else kind.ending.lower()


def _run_node(
    node: Node, registry: Registry, hidden: HiddenHolder, result: RunResult
) -> tuple[list[Any], ...]:
    schema = registry.schema(node.kind)
    node_class = registry.node_class(node.kind).with_hidden(hidden)
    calls: list[NodeOutput] = []
    for inputs in _calls(node, result):
        if calls and current().output_file is not None and schema.is_output_node:
            raise WorkflowError(
                f"One output file was given, but {node.label} saves several; run the workflow without it."
            )
        with running(node.title), _naming(node), torch.inference_mode():
            calls.append(node_class.execute(**inputs))
    for call in calls:
        result.saved += _saved_files(call)
    return _merged(schema, calls)


def _calls(node: Node, result: RunResult) -> Iterator[dict[str, Any]]:
    """The inputs of each call: lists are gone through together, shorter ones repeat their last entry."""
    lists = {
        name: result.outputs[value.node][value.slot] if isinstance(value, Link) else [value]
        for name, value in node.inputs.items()
    }
    for index in range(max((len(values) for values in lists.values()), default=1)):
        yield {name: values[min(index, len(values) - 1)] for name, values in lists.items()}


def _merged(schema: Schema, calls: list[NodeOutput]) -> tuple[list[Any], ...]:
    merged: list[list[Any]] = [[] for _ in schema.outputs]
    for call in calls:
        for output, values, value in zip(schema.outputs, merged, call.result, strict=True):
            values.extend(value if output.is_output_list else [value])
    return tuple(merged)


class _naming:
    """Puts the node's name before the message of an error that leaves the block."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        if isinstance(error, Real3DError):
            name = self._node.title
            message = str(error) if str(error).startswith(f"{name}:") else f"{name}: {error}"
            raise type(error)(message) from error
        if isinstance(error, Exception):
            raise WorkflowError(
                f"{self._node.label} failed unexpectedly ({type(error).__name__}: {error}); run with --debug"
                " and report what it shows."
            ) from error


def _saved_files(call: NodeOutput) -> Iterator[Path]:
    shown = call.ui.as_dict() if hasattr(call.ui, "as_dict") else call.ui
    if not isinstance(shown, Mapping):
        return
    for entry in (*shown.get("saved", shown.get("images", ())), *shown.get("3d", ())):
        if entry["type"] == FolderType.output.value:
            chosen = current().output_file
            yield chosen or current().output / entry["subfolder"] / entry["filename"]
