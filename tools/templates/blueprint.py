"""Subgraph blueprints: a whole flow in one node of the node library, under Subgraph Blueprints.

See CONTRIBUTING.md, "Add a template".
"""

from __future__ import annotations

import uuid
from typing import Any

from .flow import COLUMN_GAP, MARGIN, NAMESPACE, OUTSIDE, Flow, Out, Placed
from .parts import ON_DEMAND, OTHERS, RESULT, animated, lively_speech, plane

INTO, OUT_OF = OUTSIDE, -20  # ids that ComfyUI gives to a subgraph's own inputs and outputs
SLOT, EDGE = 20, 140  # height of a slot, width of the frames that hold them


def talking_portrait_blueprint() -> dict[str, Any]:
    """Photo and voice in, a video out; what most people change can be set on the node."""
    flow = Flow("Talking Portrait")
    image = flow.inlet("image", "IMAGE")
    audio = flow.inlet("audio", "AUDIO")
    background = flow.inlet("background", "IMAGE")
    flow.column()
    flow.group("Portrait")
    portrait = flow.add("R3DP_PortraitFromImage", {"image": image})["portrait"]
    flow.column()
    flow.group("Head and motion", OTHERS)
    planes = plane(flow, portrait)
    motion = lively_speech(flow, audio)
    flow.column()
    flow.group("Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], motion["motion"])
    flow.column()
    flow.group("Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR",
        {
            "head": head["head"],
            "portrait": portrait,
            "background": background,
            "audio": audio,
            "deliver": ON_DEMAND,
        },
    )
    speech = motion.inputs["motion"].node
    shown = [
        (speech, "mouth_amplitude"),
        *((motion, name) for name in ("seed", "sway", "nod", "brow", "blink")),
    ]
    description = (
        "One photo and a voice become a video of a talking head. Link its video to Video Combine or Save"
        " Video, which renders it frame by frame."
    )
    return blueprint(flow, {"video": pictures["video"]}, shown, description)


def blueprint(
    flow: Flow, outputs: dict[str, Out], shown: list[tuple[Placed, str]], description: str
) -> dict[str, Any]:
    """The file: one node that stands for the flow, with the widgets `shown`, and the flow as its inside."""
    inside = flow.workflow()
    links = [_link(*link) for link in inside["links"]]
    leaving = []
    for slot, (name, out) in enumerate(outputs.items()):
        number = len(links) + 1
        links.append(_link(number, out.node.id, out.slot, OUT_OF, slot, out.kind))
        source = next(node for node in inside["nodes"] if node["id"] == out.node.id)["outputs"][out.slot]
        source["links"] = [*(source["links"] or []), number]
        leaving.append((name, out.kind, [number]))
    entering = [
        (
            inlet.name,
            inlet.kind,
            [link["id"] for link in links if (link["origin_id"], link["origin_slot"]) == (INTO, slot)],
        )
        for slot, inlet in enumerate(flow.inlets)
    ]
    right = max(node["pos"][0] + node["size"][0] for node in inside["nodes"]) + MARGIN
    key = str(uuid.uuid5(NAMESPACE, f"subgraph {flow.name}"))
    count = len(inside["nodes"])
    definition = {
        "id": key,
        "version": 1,
        "state": {
            "lastGroupId": len(inside["groups"]),
            "lastNodeId": count,
            "lastLinkId": len(links),
            "lastRerouteId": 0,
        },
        "revision": 0,
        "config": {},
        "name": flow.name,
        "inputNode": _edge(INTO, -COLUMN_GAP - EDGE, len(entering)),
        "outputNode": _edge(OUT_OF, right + COLUMN_GAP, len(leaving)),
        "inputs": _slots(key, "input", entering),
        "outputs": _slots(key, "output", leaving),
        "widgets": [],
        "nodes": inside["nodes"],
        "groups": inside["groups"],
        "links": links,
        "extra": {"workflowRendererVersion": "LG"},
        "category": "Real3D-Portrait",
        "description": description,
    }
    node = {
        "id": count + 1,
        "type": key,
        "pos": [0, 0],
        "size": [330, 260],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [{"name": name, "type": kind, "link": None} for name, kind, _ in entering],
        "outputs": [{"name": name, "type": kind, "links": []} for name, kind, _ in leaving],
        "title": flow.name,
        "properties": {"proxyWidgets": [[str(one.id), name] for one, name in shown]},
        "widgets_values": [],
    }
    return {
        "revision": 0,
        "last_node_id": count + 1,
        "last_link_id": 0,
        "nodes": [node],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [definition]},
        "extra": {},
    }


def _link(number: int, source: int, slot: int, target: int, target_slot: int, kind: str) -> dict[str, Any]:
    return {
        "id": number,
        "origin_id": source,
        "origin_slot": slot,
        "target_id": target,
        "target_slot": target_slot,
        "type": kind,
    }


def _edge(number: int, x: int, slots: int) -> dict[str, Any]:
    return {"id": number, "bounding": [x, 100, EDGE, 2 * SLOT + slots * SLOT]}


def _slots(key: str, side: str, slots: list[tuple[str, str, list[int]]]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(uuid.uuid5(uuid.UUID(key), f"{side} {name}")),
            "name": name,
            "type": kind,
            "linkIds": numbers,
        }
        for name, kind, numbers in slots
    ]


BLUEPRINTS = {"Talking Portrait": talking_portrait_blueprint}
