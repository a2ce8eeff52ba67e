"""Checks a graph before anything runs, as a ComfyUI server does, and says what is wrong in a sentence."""

from __future__ import annotations

import inspect
import math
from typing import Any

from ...real3d_core.errors import WorkflowError
from .graph import Graph, Link, Node, Registry
from .io import BooleanInput, ComboInput, FloatInput, Input, IntInput, StringInput

WORDS = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "on": True,
    "off": False,
    "1": True,
    "0": False,
}


def checked(graph: Graph, registry: Registry) -> Graph:
    """The graph with defaults filled in and values converted to the types of their inputs.

    Raises WorkflowError, naming node and input, for an unknown node, a cycle, a link that leads nowhere or
    has the wrong type, a missing input, and a value of the wrong type, outside its range or list.
    """
    for node in graph.nodes.values():
        if node.kind not in registry:
            raise registry.unknown(node)
    _check_cycles(graph)
    wanted = order_of(graph, registry)
    return Graph(
        graph.nodes | {key: _checked_node(graph.nodes[key], graph, registry) for key in wanted},
        graph.source,
        graph.is_ui_format,
    )


def output_nodes(graph: Graph, registry: Registry) -> list[Node]:
    """The nodes for whose sake a graph is run; WorkflowError if there are none."""
    nodes = [node for node in graph.nodes.values() if registry.schema(node.kind).is_output_node]
    if not nodes:
        raise WorkflowError(
            "The workflow saves and shows nothing; add Video Combine, Save Video or Preview Image."
        )
    return nodes


def order_of(graph: Graph, registry: Registry) -> list[str]:
    """Ids of all nodes that the output nodes need, each after those it needs itself; no circles allowed."""
    order: dict[str, None] = {}
    for output in output_nodes(graph, registry):
        stack = [output.id]
        while stack:
            key = stack[-1]
            missing = [link.node for link in links_of(graph.nodes[key]) if link.node in graph.nodes]
            missing = [needed for needed in missing if needed not in order]
            if missing:
                stack += reversed(missing)
            else:
                order[key] = None
                stack.pop()
    return list(order)


def links_of(node: Node) -> list[Link]:
    """The linked inputs of a node."""
    return [value for value in node.inputs.values() if isinstance(value, Link)]


def _check_cycles(graph: Graph) -> None:
    done: set[str] = set()
    for start in graph.nodes:
        path = (
            {} if start in done else {start: iter(links_of(graph.nodes[start]))}
        )  # where we are, from the start
        while path:
            key = next(reversed(path))
            link = next(path[key], None)
            if link is None:
                done.add(key)
                del path[key]
            elif link.node in path:
                keys = list(path)
                names = [graph.nodes[one].label for one in keys[keys.index(link.node) :]]
                raise WorkflowError(
                    f"The workflow runs in a circle: {' <- '.join([*names, names[0]])}; take out one of these"
                    " links."
                )
            elif link.node in graph.nodes and link.node not in done:
                path[link.node] = iter(links_of(graph.nodes[link.node]))


def _checked_node(node: Node, graph: Graph, registry: Registry) -> Node:
    schema, inputs = registry.schema(node.kind), {}
    own = _names_checked_by(registry.node_class(node.kind))
    for declared in schema.inputs:
        value = node.inputs.get(declared.id)
        if isinstance(value, Link):
            _check_link(node, declared, value, graph, registry)
        elif value is None:
            value = getattr(declared, "default", None)
            if value is None and declared.optional:
                continue
            if value is None and isinstance(declared, ComboInput) and (declared.options or declared.upload):
                value = _first_choice(node, declared)
            if value is None:
                raise WorkflowError(f"{node.label} lacks its input {declared.id}; connect or set it.")
        elif not declared.has_widget:
            raise _bad(node, declared, f"needs a link of the type {declared.get_io_type()}, not a value")
        else:
            value = converted(node, declared, value, in_list=declared.id not in own)
        inputs[declared.id] = value
    _check_by_node(node, inputs, registry)
    return Node(node.id, node.kind, node.title, inputs)


def _first_choice(node: Node, declared: ComboInput) -> str:
    """What a list that is left alone starts with, as on the canvas."""
    if not declared.options:
        raise WorkflowError(
            f"There is no file to choose for {node.label}, input {declared.id}; put one into the input"
            " folder, or set it."
        )
    return declared.options[0]


def _check_link(node: Node, declared: Input, link: Link, graph: Graph, registry: Registry) -> None:
    source = graph.nodes.get(link.node)
    if source is None:
        raise _bad(
            node, declared, f"is linked to the node {link.node}, which does not exist; connect it anew"
        )
    outputs = registry.schema(source.kind).outputs
    if not 0 <= link.slot < len(outputs):
        raise _bad(
            node,
            declared,
            f"is linked to output {link.slot} of {source.label}, which has {len(outputs)}; connect it anew",
        )
    given, wanted = outputs[link.slot].io_type, declared.get_io_type()
    if "*" not in (given, wanted) and not set(given.split(",")) & set(wanted.split(",")):
        raise _bad(
            node, declared, f"needs {wanted}, but {source.label} gives {given}; connect another output"
        )


def converted(node: Node, declared: Input, value: Any, in_list: bool = True) -> Any:
    """A value as the type of its input; WorkflowError if it cannot be, is out of range or not listed."""
    try:
        if isinstance(declared, IntInput):
            number = float(value) if not isinstance(value, (int, str)) else int(value)
            if number != int(number):
                raise ValueError("not whole")
            value = int(number)
        elif isinstance(declared, FloatInput):
            value = float(value)
            if not math.isfinite(value):
                raise ValueError("not finite")
        elif isinstance(declared, BooleanInput):
            value = WORDS[value.lower()] if isinstance(value, str) else bool(value)
        elif isinstance(declared, (StringInput, ComboInput)):
            value = str(value)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise _bad(node, declared, f"takes {_KINDS[declared.io_type]}, not {repr(value)[:80]}") from error
    if getattr(declared, "min", None) is not None and value < declared.min:
        raise _bad(node, declared, f"is {value}, below its minimum of {declared.min}")
    if getattr(declared, "max", None) is not None and value > declared.max:
        raise _bad(node, declared, f"is {value}, above its maximum of {declared.max}")
    if isinstance(declared, ComboInput) and in_list and value not in declared.options:
        listed = ", ".join(map(repr, declared.options)) or "none at all"
        raise _bad(node, declared, f"is {value!r}, which is not one of its choices ({listed})")
    return value


_KINDS = {
    "INT": "a whole number",
    "FLOAT": "a number",
    "BOOLEAN": "true or false",
    "STRING": "a text",
    "COMBO": "one of its choices",
}


def _bad(node: Node, declared: Input, what: str) -> WorkflowError:
    return WorkflowError(f"{node.label}, input {declared.id}: it {what}.")


def _names_checked_by(node_class: type) -> tuple[str, ...]:
    """The inputs that a node checks itself, which takes the place of the check against its list."""
    check = getattr(node_class, "validate_inputs", None)
    return () if check is None else tuple(inspect.signature(check).parameters)


def _check_by_node(node: Node, inputs: dict[str, Any], registry: Registry) -> None:
    node_class = registry.node_class(node.kind)
    names = _names_checked_by(node_class)
    if not names:
        return
    given = {name: inputs[name] for name in names if name in inputs and not isinstance(inputs[name], Link)}
    verdict = node_class.validate_inputs(**given)
    if verdict is not True:
        raise WorkflowError(f"{node.label}: {verdict or 'it refuses its inputs; check them.'}")
