"""Builds a workflow as ComfyUI's canvas saves it, from a description: columns of groups of nodes.

    flow = Flow("talk")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")
    flow.column()
    flow.add("R3DP_ImageToPlane", {"portrait": portrait["portrait"]})

Convention
    Canvas      x to the right, y down, in units of the canvas; a node's `pos` is the corner of its body, its
                title bar lies TITLE above it.
    Columns     stand left of one another, so that links run from left to right; nodes of a column stack.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .kinds import Kind, Socket, kind

TITLE = 30
GAP, GROUP_GAP, COLUMN_GAP = 50, 30, 60
MARGIN, GROUP_TITLE = 20, 50  # of a group around its nodes; the second above them, with the node's title
# Room of a node without anything, of a socket, a widget, a text of several lines: in Nodes 2.0 as well.
BARE, ROW, WIDGET, TEXT = 42, 20, 29, 110
WIDTH = 330
NOTES, MODELS = (Path(__file__).with_name(name) for name in ("notes", "models.json"))
LETTER, LINE, NOTE_MARGIN = 6.6, 17, 50  # of a note: a letter's width, a line's height
NAMESPACE = uuid.UUID("5c1d3f0a-8b7e-4d0c-9a55-2f6e7d8c9b01")
COLOURS = ("#3f789e", "#8A8", "#b58b2a", "#a1309b")
# Room that a node needs for what it shows below its widgets.
SHOWN = {
    "R3DP_LoadPortrait": 340,
    "R3DP_PortraitFromImage": 340,
    "R3DP_HTBSR": 330,
    "R3DP_VideoCombine": 420,
    "R3DP_ExpressionPreset": 330,
    "R3DP_BlendMotion": 330,
    "R3DP_CameraPath": 330,
    "R3DP_HeadMesh": 210,
    "R3DP_SaveMesh": 60,
    "Preview3D": 420,
    "LoadImage": 340,
    "LoadAudio": 110,
    "LoadVideo": 330,
    "PreviewImage": 340,
    "MaskPreview": 340,
}


@dataclass(frozen=True)
class Out:
    """An output of a node: its node, its slot, its type."""

    node: Placed
    slot: int
    kind: str


@dataclass(eq=False)
class Placed:
    """A node of the flow. `node["name"]` is its output of that name."""

    id: int
    kind: Kind
    title: str
    inputs: dict[str, Any]
    width: int
    height: int
    properties: dict[str, Any]
    mode: int = 0
    colour: str | None = None
    pos: tuple[int, int] = (0, 0)
    order: int = 0

    def __getitem__(self, name: str) -> Out:
        names = [label for label, _ in self.kind.outputs]
        slot = names.index(name)
        return Out(self, slot, self.kind.outputs[slot][1])


@dataclass
class _Group:
    title: str | None
    colour: str
    nodes: list[Placed] = field(default_factory=list)


@dataclass
class _Column:
    width: int
    groups: list[_Group] = field(default_factory=list)


BYPASSED = 4
OUTSIDE = -10  # the id that stands for what comes into a blueprint
NOTE = Kind("MarkdownNote", "Note", (), (), True)


class Flow:
    """A workflow that grows node by node; `workflow()` is the file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inlets: list[Socket] = []
        self._columns: list[_Column] = []
        self._nodes: list[Placed] = []

    def inlet(self, name: str, type_name: str) -> Out:
        """What comes into a blueprint: an input of the one node that stands for this flow."""
        self.inlets.append(Socket(name, type_name))
        outside = Placed(OUTSIDE, NOTE, name, {}, 0, 0, {})
        return Out(outside, len(self.inlets) - 1, type_name)

    def column(self, width: int = WIDTH) -> None:
        """Nodes that follow stand in a new column, right of the others."""
        self._columns.append(_Column(width))

    def group(self, title: str, colour: int = 0) -> None:
        """Nodes that follow stand in a frame of this title, below what the column has."""
        self._columns[-1].groups.append(_Group(title, COLOURS[colour]))

    def add(
        self,
        name: str,
        inputs: Mapping[str, Any] | None = None,
        title: str | None = None,
        height: int | None = None,
        bypassed: bool = False,
        model: str | None = None,
    ) -> Placed:
        """A node; inputs are outputs of others (`Out`) or values of widgets, those left out are defaults.

        model: key in models.json of the file that its first widget names; ComfyUI offers to download it.
        """
        found = kind(name)
        inputs = dict(inputs or {})
        for given in inputs:
            found.socket(given)
        needed = _height(found) if height is None else height
        properties = {
            "Node name for S&R": name,
            "cnr_id": "comfy-core" if found.is_core else "real3d-portrait",
        }
        if model:
            offered = json.loads(MODELS.read_text(encoding="utf-8"))[model]
            inputs[found.widgets[0].name] = offered["name"]
            properties["models"] = [offered]
        mode = BYPASSED if bypassed else 0
        return self._place(found, title or found.title, inputs, needed, properties, mode)

    def note(self) -> None:
        """The note of notes/<name>.md, as high as its text needs."""
        text = (NOTES / f"{self.name}.md").read_text(encoding="utf-8").strip()
        letters = self._columns[-1].width / LETTER
        lines = sum(max(1, math.ceil(len(line) / letters)) for line in text.split("\n"))
        node = self._place(NOTE, "Read me", {"text": text}, NOTE_MARGIN + lines * LINE, {}, 0)
        node.colour = "#432"

    def _place(
        self,
        found: Kind,
        title: str,
        inputs: dict[str, Any],
        height: int,
        properties: dict[str, Any],
        mode: int,
    ) -> Placed:
        column = self._columns[-1]
        if not column.groups:
            column.groups.append(_Group(None, COLOURS[0]))
        node = Placed(len(self._nodes) + 1, found, title, inputs, column.width, height, properties, mode)
        column.groups[-1].nodes.append(node)
        self._nodes.append(node)
        return node

    def workflow(self) -> dict[str, Any]:
        """The workflow as the canvas saves it."""
        groups = self._lay_out()
        self._put_in_order()
        links, by_socket, by_output = self._links()
        nodes = [_node_json(node, by_socket, by_output) for node in self._nodes]
        return {
            "id": str(uuid.uuid5(NAMESPACE, self.name)),
            "revision": 0,
            "last_node_id": len(nodes),
            "last_link_id": len(links),
            "nodes": nodes,
            "links": links,
            "groups": groups,
            "config": {},
            "extra": {"ds": {"scale": 0.75, "offset": [20, 40]}},
            "version": 0.4,
        }

    def _lay_out(self) -> list[dict[str, Any]]:
        """Gives every node its place; the frames."""
        frames, x = [], MARGIN
        for column in self._columns:
            y = MARGIN
            for group in column.groups:
                top = y
                y += GROUP_TITLE + TITLE if group.title else TITLE
                for node in group.nodes:
                    node.pos = (x + MARGIN, y)
                    y += node.height + GAP
                y += MARGIN - GAP
                if group.title:
                    frames.append(
                        {
                            "id": len(frames) + 1,
                            "title": group.title,
                            "bounding": [x, top, column.width + 2 * MARGIN, y - top],
                            "color": group.colour,
                            "font_size": 24,
                            "flags": {},
                        }
                    )
                y += GROUP_GAP
            x += column.width + 2 * MARGIN + COLUMN_GAP
        return frames

    def _put_in_order(self) -> None:
        """Each node after those that it needs."""
        order: dict[int, None] = {}

        def visit(node: Placed) -> None:
            for value in node.inputs.values():
                if isinstance(value, Out) and value.node.id != OUTSIDE:
                    visit(value.node)
            order.setdefault(node.id)

        for node in self._nodes:
            visit(node)
        for place, key in enumerate(order):
            self._nodes[key - 1].order = place

    def _links(self) -> tuple[list[list[Any]], dict[tuple[int, str], int], dict[tuple[int, int], list[int]]]:
        links: list[list[Any]] = []
        by_socket: dict[tuple[int, str], int] = {}
        by_output: dict[tuple[int, int], list[int]] = {}
        for node in self._nodes:
            names = [one.name for one in (*node.kind.linked, *node.kind.widgets)]
            for name, value in node.inputs.items():
                if isinstance(value, Out):
                    number = len(links) + 1
                    links.append([number, value.node.id, value.slot, node.id, names.index(name), value.kind])
                    by_socket[node.id, name] = number
                    by_output.setdefault((value.node.id, value.slot), []).append(number)
        return links, by_socket, by_output


def _height(found: Kind) -> int:
    rows = max(len(found.linked), len(found.outputs))
    texts = sum(one.multiline for one in found.widgets)
    lines = len(found.widgets) - texts + sum(one.controlled for one in found.widgets)
    return BARE + rows * ROW + lines * WIDGET + texts * TEXT + SHOWN.get(found.id, 0)


def _node_json(
    node: Placed, by_socket: dict[tuple[int, str], int], by_output: dict[tuple[int, int], list[int]]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": node.id,
        "type": node.kind.id,
        "pos": list(node.pos),
        "size": [node.width, node.height],
        "flags": {},
        "order": node.order,
        "mode": node.mode,
        "inputs": [
            _socket_json(one, by_socket.get((node.id, one.name)))
            for one in (*node.kind.linked, *node.kind.widgets)
        ],
        "outputs": [
            {"name": name, "type": type_name, "links": by_output.get((node.id, slot))}
            for slot, (name, type_name) in enumerate(node.kind.outputs)
        ],
        "title": node.title,
        "properties": node.properties,
    }
    values = [node.inputs["text"]] if node.kind is NOTE else _values(node)
    if values is not None:
        made["widgets_values"] = values
    if node.colour:
        made |= {"color": node.colour, "bgcolor": "#653"}
    return made


def _socket_json(socket: Socket, link: int | None) -> dict[str, Any]:
    made: dict[str, Any] = {"name": socket.name, "type": socket.kind}
    if socket.widget:
        made["widget"] = {"name": socket.name}
    elif socket.optional:
        made["shape"] = 7
    return made | {"link": link}


def _values(node: Placed) -> list[Any] | None:
    """What `widgets_values` holds; None for a node whose file the user chooses, which keeps its defaults."""
    widgets = node.kind.widgets
    given = {name: value for name, value in node.inputs.items() if not isinstance(value, Out)}
    if any(one.is_files and one.name not in given for one in widgets):
        if given:
            raise ValueError(f"{node.title} leaves its file to the user, so it cannot set {list(given)}")
        return None
    values = []
    for one in widgets:
        value = given.get(one.name, one.default)
        if value is None and one.choices:
            value = one.choices[0]
        if one.choices and value not in one.choices:
            raise ValueError(f"{node.title}: {value!r} is no choice of {one.name}")
        values.append(value)
        if one.controlled:
            values.append("fixed")
    return values
