"""The pack in a real server: it loads silently, and the server says of it what the headless host says."""

import json
import re

import pytest

from real3d_portrait.nodes import NODES
from real3d_portrait.nodes.headless.session import Session, using

from .graphs import TEMPLATE
from .server import PACK_FOLDER, ROOT

BROKEN = ("IMPORT FAILED", "Cannot import", "Error while calling comfy_entrypoint", "NODE_CLASS_MAPPINGS")
NODE_IDS = [node.define_schema().node_id for node in NODES]


def test_it_loads_without_a_warning_and_fast(server):
    start = server.log.partition("To see the GUI")[0]
    for words in BROKEN:
        assert words not in start
    ours = [line for line in start.splitlines() if PACK_FOLDER in line]
    assert not [line for line in ours if re.search("warn|error", line, re.IGNORECASE)]
    (seconds,) = (float(m[1]) for line in ours if (m := re.search(r"([\d.]+) seconds:", line)))
    assert seconds < 0.5


def declared(schema) -> dict:
    """A schema of the headless host in the words of a server's /object_info."""
    inputs = {"required": {}, "optional": {}}
    for one in schema.inputs:
        options = dict(one.extra_dict or {}) | {"tooltip": one.tooltip}
        for name in ("default", "min", "max", "step", "round", "control_after_generate"):
            if getattr(one, name, None) is not None:
                options[name] = getattr(one, name)
        if getattr(one, "display_mode", None) is not None:
            options["display"] = one.display_mode.value
        if one.get_io_type() == "COMBO":
            options["options"] = list(one.options)
            if one.upload is not None:
                options |= {one.upload.value: True, "image_folder": one.image_folder.value}
        inputs["optional" if one.optional else "required"][one.id] = [one.get_io_type(), options]
    return {
        "name": schema.node_id,
        "display_name": schema.display_name,
        "category": schema.category,
        "description": schema.description,
        "output_node": schema.is_output_node,
        "input": {kind: given for kind, given in inputs.items() if given},
        "input_order": {kind: list(given) for kind, given in inputs.items() if given},
        "output": [one.io_type for one in schema.outputs],
        "output_name": [one.id for one in schema.outputs],
        "output_is_list": [one.is_output_list for one in schema.outputs],
        "output_tooltips": [one.tooltip for one in schema.outputs],
        "hidden": sorted(one.value for one in schema.hidden),
        "search_aliases": schema.search_aliases,
    }


def reported(info: dict) -> dict:
    """The same of a server's answer."""
    hidden = info["input"].pop("hidden", {})
    info["input_order"].pop("hidden", None)
    for inputs in info["input"].values():
        for _, options in inputs.values():
            for name in ("multiline", "multiselect", "optional"):  # said again, or always the same here
                options.pop(name, None)
    kept = {name: info[name] for name in declared(NODES[0].define_schema()) if name in info}
    return kept | {"hidden": sorted(one[0] for one in hidden.values())}


@pytest.mark.parametrize("node", NODES, ids=NODE_IDS)
def test_the_server_reports_what_the_headless_host_declares(server, node):
    with using(Session(input=server.base / "input", models=server.base / "models")):
        expected = declared(node.define_schema())
    told = reported(server.get(f"/object_info/{expected['name']}")[expected["name"]])
    if "search_aliases" not in told:  # since 0.10
        del expected["search_aliases"]
    assert told == json.loads(json.dumps(expected))


def test_the_server_knows_no_other_nodes_of_ours(server):
    assert [name for name in server.get("/object_info") if name.startswith("R3DP_")] == NODE_IDS


def test_templates_help_and_translations_are_served(server):
    templates = sorted(TEMPLATE.parent.glob("*.json"))
    told = server.get("/workflow_templates")
    assert {pack: sorted(names) for pack, names in told.items()} == {
        PACK_FOLDER: [template.stem for template in templates]
    }
    for template in templates:
        served = server.get(f"/api/workflow_templates/{PACK_FOLDER}/{template.name}")
        assert served == json.loads(template.read_text(encoding="utf-8"))
    for node_id in NODE_IDS:
        for language in ("en", "zh"):
            help_page = server.text(f"/extensions/{PACK_FOLDER}/docs/{node_id}/{language}.md")
            assert help_page == (ROOT / "web" / "docs" / node_id / f"{language}.md").read_text(
                encoding="utf-8"
            )
    for language in ("en", "zh"):
        names = server.get("/i18n")[language]["nodeDefs"]
        assert {node_id for node_id in names if node_id.startswith("R3DP_")} == set(NODE_IDS)
