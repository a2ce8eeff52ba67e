"""What the makers of templates know of a node: its inputs, outputs and title.

This pack's nodes are asked for their schemas. Those of ComfyUI's core that templates use are recorded in
core_nodes.json, from a running server:

    python -m tools.templates.kinds ADDRESS_OF_THE_SERVER ImageScale KSampler
"""

from __future__ import annotations

import json
import sys
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

RECORD = Path(__file__).with_name("core_nodes.json")
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
SEEDS = ("seed", "noise_seed")  # integers of these names get the extra widget without asking


@dataclass(frozen=True)
class Socket:
    """An input.

    kind        type name; several are separated by commas.
    widget      whether it can be set on the node.
    controlled  whether a widget "control after generate" follows, with an entry of its own in saved values.
    choices     of a list; None if there is none, or if it holds the user's files.
    is_files    whether the list holds files of the user's, which a template must not name.
    """

    name: str
    kind: str
    optional: bool = False
    widget: bool = False
    default: Any = None
    controlled: bool = False
    multiline: bool = False
    choices: tuple[Any, ...] | None = None
    is_files: bool = False


@dataclass(frozen=True)
class Kind:
    """A node: id, title, inputs in the order of their widgets, outputs as (name, type)."""

    id: str
    title: str
    sockets: tuple[Socket, ...]
    outputs: tuple[tuple[str, str], ...]
    is_core: bool

    @property
    def linked(self) -> tuple[Socket, ...]:
        """Inputs without a widget: they stand first on the node."""
        return tuple(one for one in self.sockets if not one.widget)

    @property
    def widgets(self) -> tuple[Socket, ...]:
        return tuple(one for one in self.sockets if one.widget)

    def socket(self, name: str) -> Socket:
        return next(one for one in self.sockets if one.name == name)


@cache
def kind(name: str) -> Kind:
    """The node of this id; KeyError if it is neither ours nor recorded."""
    from real3d_portrait.nodes import NODES

    for node in NODES:
        schema = node.define_schema()
        if schema.node_id == name:
            return _own(schema)
    return _core(name, json.loads(RECORD.read_text(encoding="utf-8"))[name])


def _own(schema: Any) -> Kind:
    sockets = [
        Socket(
            one.id,
            one.get_io_type(),
            bool(one.optional),
            one.has_widget,
            getattr(one, "default", None),
            bool(getattr(one, "control_after_generate", False)),
            bool(getattr(one, "multiline", False)),
            _choices(one),
            bool(getattr(one, "upload", None)) or _choices(one) == (),
        )
        for one in sorted(schema.inputs, key=lambda one: bool(one.optional))
    ]
    outputs = tuple((one.id or one.io_type, one.io_type) for one in schema.outputs)
    return Kind(schema.node_id, schema.title, tuple(sockets), outputs, False)


def _choices(declared: Any) -> tuple[Any, ...] | None:
    options = getattr(declared, "options", None)
    return None if options is None else tuple(options)


def _core(name: str, told: dict[str, Any]) -> Kind:
    sockets = [
        Socket(**one | {"choices": None if one.get("choices") is None else tuple(one["choices"])})
        for one in told["inputs"]
    ]
    outputs = tuple((label, type_name) for label, type_name in told["outputs"])
    return Kind(name, told["title"], tuple(sockets), outputs, True)


def recorded(told: dict[str, Any]) -> dict[str, Any]:
    """What RECORD keeps of a server's answer about one node."""
    inputs = []
    for group in ("required", "optional"):
        for name, (type_name, *more) in told["input"].get(group, {}).items():
            options = more[0] if more else {}
            type_name = options.get("widgetType", type_name)  # of a union that older servers did not know
            listed = type_name if isinstance(type_name, list) else options.get("options")
            uploads = ("image_upload", "audio_upload", "video_upload")
            files = any(options.get(name) for name in uploads) or listed == []
            entry = {"name": name, "kind": "COMBO" if listed is not None else type_name}
            if group == "optional":
                entry["optional"] = True
            if entry["kind"] in WIDGETS and not options.get("forceInput"):
                entry["widget"] = True
                entry["default"] = options.get("default", listed[0] if listed else None)
            if options.get("control_after_generate") or (name in SEEDS and type_name == "INT"):
                entry["controlled"] = True
            if options.get("multiline"):
                entry["multiline"] = True
            if files:
                entry["is_files"] = True
            elif listed is not None:
                entry["choices"] = listed
            inputs.append(entry)
    outputs = [list(pair) for pair in zip(told["output_name"], told["output"], strict=True)]
    return {"title": told["display_name"] or told["name"], "inputs": inputs, "outputs": outputs}


def record(url: str, names: list[str]) -> None:
    """Asks a server for nodes and keeps what it says, in RECORD."""
    known = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    for name in names:
        with urllib.request.urlopen(f"{url}/object_info/{name}", timeout=60) as answer:
            known[name] = recorded(json.load(answer)[name])
    RECORD.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[2:])
