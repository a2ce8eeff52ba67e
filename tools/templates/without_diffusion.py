"""A copy of a workflow that needs no diffusion model: what such a model would paint comes from a file."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

LOADERS = ("CheckpointLoaderSimple", "ControlNetLoader")
DECODER = "VAEDecode"
TYPES = {"MODEL", "CLIP", "VAE", "CONTROL_NET", "CONDITIONING", "LATENT"}  # what travels on the way to it


def needs_diffusion(workflow: Mapping[str, Any]) -> bool:
    """Whether a workflow, as the canvas saves it, loads a checkpoint."""
    return any(node["type"] in LOADERS for node in workflow["nodes"])


def without_diffusion(workflow: Mapping[str, Any], picture: str) -> dict[str, Any]:
    """The workflow with Load Image of `picture` for VAE Decode; all from the loaders to there is gone."""
    made = copy.deepcopy(dict(workflow))
    nodes = {node["id"]: node for node in made["nodes"]}
    chain = {key for key, node in nodes.items() if _is_diffusion(node)}
    decoders = {key for key in chain if nodes[key]["type"] == DECODER}
    gone = {
        number
        for number, source, _, target, _, _ in made["links"]
        if target in chain or source in chain - decoders
    }
    made["links"] = [link for link in made["links"] if link[0] not in gone]
    made["nodes"] = [node for node in made["nodes"] if node["id"] not in chain - decoders]
    for node in made["nodes"]:
        for socket in node["inputs"]:
            if socket["link"] in gone:
                socket["link"] = None
        for output in node["outputs"]:
            kept = [number for number in output["links"] or [] if number not in gone]
            output["links"] = kept or None
        if node["id"] in decoders:
            node |= _loader(node, picture)
    return made


def _is_diffusion(node: Mapping[str, Any]) -> bool:
    given = {output["type"] for output in node["outputs"]}
    return node["type"] == DECODER or (bool(given) and given <= TYPES)


def _loader(decoder: Mapping[str, Any], picture: str) -> dict[str, Any]:
    image = decoder["outputs"][0] | {"name": "IMAGE"}
    return {
        "type": "LoadImage",
        "title": "In place of the diffusion model",
        "inputs": [{"name": "image", "type": "COMBO", "widget": {"name": "image"}, "link": None}],
        "outputs": [image, {"name": "MASK", "type": "MASK", "links": None}],
        "properties": {"Node name for S&R": "LoadImage", "cnr_id": "comfy-core"},
        "widgets_values": [picture, "image"],
    }
