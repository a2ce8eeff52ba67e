"""The templates of workflows/: whole, tidy, as described in tools/templates, and they run."""

import json
import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from real3d_portrait.nodes.headless.execute import run
from real3d_portrait.nodes.headless.graph import read_workflow
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.ui_format import CONTROLS, NOTES
from real3d_portrait.nodes.headless.video import VideoFromFile
from tools.templates import TEMPLATES
from tools.templates.blueprint import BLUEPRINTS
from tools.templates.driver import write_driver
from tools.templates.kinds import RECORD, kind
from tools.templates.pictures import SHOTS
from tools.templates.without_diffusion import needs_diffusion, without_diffusion

from .keeping import keeping_registry

ROOT = Path(__file__).resolve().parents[1]

FILES = sorted((ROOT / "workflows").glob("*.json"))
NAMES = [file.stem for file in FILES]
SIZE, LARGEST_PICTURE = 512, 60_000
TITLE = 30  # of a node, above its body
SOUND = 0.1  # seconds that the runs last
SHORT = {
    "R3DP_ExpressionPreset": {"seconds": 0.4, "ease_in": 0.1, "ease_out": 0.1},
    "R3DP_HeadMesh": {"resolution": 64, "turntable": 3},
    "PrimitiveInt": {"value": 1},  # the second frame, and one of it
}


def workflow(name):
    return json.loads((ROOT / "workflows" / f"{name}.json").read_text(encoding="utf-8"))


def nodes_of(name):
    return [node for node in workflow(name)["nodes"] if node["type"] not in NOTES]


@pytest.mark.parametrize("name", NAMES)
def test_its_links_fit_its_nodes(name):
    data = workflow(name)
    by_id = {node["id"]: node for node in data["nodes"]}
    numbers = {link[0] for link in data["links"]}
    assert len(by_id) == len(data["nodes"]) and len(numbers) == len(data["links"])
    assert max(by_id) == data["last_node_id"] and max(numbers) == data["last_link_id"]
    for number, source, slot, target, target_slot, type_name in data["links"]:
        output, socket = by_id[source]["outputs"][slot], by_id[target]["inputs"][target_slot]
        assert number in output["links"] and socket["link"] == number
        assert output["type"] == type_name and type_name in socket["type"].split(",")
    assert {one["link"] for node in by_id.values() for one in node["inputs"] if one["link"]} == numbers
    assert {n for node in by_id.values() for one in node["outputs"] for n in one["links"] or []} == numbers


@pytest.mark.parametrize("name", NAMES)
def test_its_nodes_are_ours_or_core_s(name):
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    for node in nodes_of(name):
        assert node["type"].startswith("R3DP_") or node["type"] in recorded
        declared = kind(node["type"])
        saved = [one["name"] for one in node["inputs"]]
        assert set(saved) <= {one.name for one in declared.sockets}
        known = [one["name"] for one in node["outputs"]]
        assert known == [label for label, _ in declared.outputs][: len(known)]
        needed = {one.name for one in declared.linked if not one.optional}
        assert needed <= {one["name"] for one in node["inputs"] if one["link"] is not None}


@pytest.mark.parametrize("name", NAMES)
def test_its_values_fit_their_widgets(name):
    """One for each, in order; inputs that a node got since then may be missing at the end."""
    for node in nodes_of(name):
        rest = list(node.get("widgets_values") or [])
        for widget in kind(node["type"]).widgets:
            if not rest:
                break
            value = rest.pop(0)
            is_right = {
                "INT": isinstance(value, int),
                "FLOAT": isinstance(value, (int, float)) and math.isfinite(value),
                "BOOLEAN": isinstance(value, bool),
                "STRING": isinstance(value, str),
            }.get(widget.kind, isinstance(value, str))
            assert is_right, (node["title"], widget.name, value)
            if widget.choices:
                assert value in widget.choices
            if widget.controlled:
                assert rest.pop(0) in CONTROLS
        assert rest == []


@pytest.mark.parametrize("name", NAMES)
def test_it_names_no_file_but_models_that_can_be_downloaded(name):
    for node in nodes_of(name):
        files = [one for one in kind(node["type"]).widgets if one.is_files]
        if not files or not node.get("widgets_values"):
            continue
        (model,) = node["properties"]["models"]
        assert node["widgets_values"] == [model["name"]]
        assert model["url"].startswith("https://huggingface.co/") and model["url"].endswith(model["name"])
        assert model["directory"] in ("checkpoints", "controlnet", "upscale_models")


@pytest.mark.parametrize("name", NAMES)
def test_it_explains_itself(name):
    notes = [node for node in workflow(name)["nodes"] if node["type"] in NOTES]
    assert notes and all(len(note["widgets_values"][0]) > 200 for note in notes)
    picture = ROOT / "workflows" / f"{name}.jpg"
    assert name in SHOTS, "how its picture is made is not written down"
    assert picture.stat().st_size <= LARGEST_PICTURE
    with Image.open(picture) as image:
        assert image.format == "JPEG" and max(image.size) == SIZE


@pytest.mark.parametrize("name", NAMES)
def test_it_is_tidy(name):
    """No node covers another, each is in one frame at most and whole, and links go to the right or down."""
    data = workflow(name)
    boxes = {
        node["id"]: (*node["pos"], node["pos"][0] + node["size"][0], node["pos"][1] + node["size"][1])
        for node in data["nodes"]
    }
    boxes = {key: (left, top - TITLE, right, bottom) for key, (left, top, right, bottom) in boxes.items()}
    keys = list(boxes)
    for place, one in enumerate(keys):
        for other in keys[place + 1 :]:
            assert not _meet(boxes[one], boxes[other]), (one, other)
    for group in data["groups"]:
        left, top, width, height = group["bounding"]
        frame = (left, top, left + width, top + height)
        for key, box in boxes.items():
            inside = frame[0] < box[0] and frame[1] < box[1] and box[2] < frame[2] and box[3] < frame[3]
            assert inside or not _meet(frame, box), (group["title"], key)
    for _, source, _, target, _, _ in data["links"]:
        assert boxes[source][0] <= boxes[target][0]


def _meet(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_is_what_its_description_says(name):
    """`python -m tools.templates` writes it again; inputs that nodes got since then may be missing."""
    file, made = workflow(name), TEMPLATES[name]().workflow()
    described = {node["id"]: node for node in made["nodes"]}
    assert [node["type"] for node in file["nodes"]] == [node["type"] for node in made["nodes"]]
    for node in file["nodes"]:
        whole = described[node["id"]]
        assert node["title"] == whole["title"] and node["mode"] == whole["mode"]
        values = node.get("widgets_values") or []
        assert values == (whole.get("widgets_values") or [])[: len(values)], "python -m tools.templates"
        assert node["properties"] == whole["properties"]
    assert _ends(file) == _ends(made), "python -m tools.templates"


def _ends(data):
    """Links by the names of what they join: slots move when a node gets an input."""
    by_id = {node["id"]: node for node in data["nodes"]}
    return {
        (source, by_id[source]["outputs"][slot]["name"], target, by_id[target]["inputs"][place]["name"])
        for _, source, slot, target, place, _ in data["links"]
    }


def test_a_copy_without_diffusion_keeps_the_rest():
    data = workflow("diffusion_restyle_then_talk")
    copy = without_diffusion(data, "painted.png")
    gone = {node["type"] for node in data["nodes"]} - {node["type"] for node in copy["nodes"]}
    assert gone == {"CheckpointLoaderSimple", "CLIPTextEncode", "VAEEncode", "KSampler", "VAEDecode"}
    by_id = {node["id"]: node for node in copy["nodes"]}
    (loader,) = (node for node in copy["nodes"] if node.get("widgets_values") == ["painted.png", "image"])
    targets = [by_id[link[3]]["type"] for link in copy["links"] if link[1] == loader["id"]]
    assert targets == ["R3DP_PortraitFromImage"]
    assert needs_diffusion(data) and not needs_diffusion(copy)


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_blueprint_is_whole(name):
    file = json.loads((ROOT / "subgraphs" / f"{name}.json").read_text(encoding="utf-8"))
    (whole,), (inside,) = file["nodes"], file["definitions"]["subgraphs"]
    assert whole["type"] == inside["id"] and inside["name"] == name == whole["title"]
    assert [one["name"] for one in whole["inputs"]] == [one["name"] for one in inside["inputs"]]
    by_id = {node["id"]: node for node in inside["nodes"]}
    for link in inside["links"]:
        if link["origin_id"] > 0:
            assert by_id[link["origin_id"]]["outputs"][link["origin_slot"]]["type"] == link["type"]
        else:
            assert link["id"] in inside["inputs"][link["origin_slot"]]["linkIds"]
        if link["target_id"] > 0:
            assert by_id[link["target_id"]]["inputs"][link["target_slot"]]["link"] == link["id"]
        else:
            assert link["id"] in inside["outputs"][link["target_slot"]]["linkIds"]
    for node, widget in whole["properties"]["proxyWidgets"]:
        assert widget in [one["name"] for one in by_id[int(node)]["inputs"]]
    for node in inside["nodes"]:
        assert node["type"].startswith("R3DP_")


@pytest.fixture(scope="module")
def session(tmp_path_factory, models_folder, nets, astronaut):
    """A portrait, a film and a sound of a few frames: what the nodes choose where nothing is chosen."""
    root = tmp_path_factory.mktemp("templates")
    session = Session(root / "input", root / "output", root / "temp", models_folder, longest_sound=SOUND)
    session.input.mkdir()
    Image.fromarray(astronaut).save(session.input / "astronaut.png")
    write_driver(astronaut, nets, session.input / "the_driver.mp4", 4)
    (session.input / "speech.flac").write_bytes((ROOT / "demo" / "speech.flac").read_bytes())
    with using(session):
        yield session


@pytest.fixture(scope="module")
def registry():
    return keeping_registry()


def shortened(graph):
    """The same clip in a few frames: what follows no sound has a length of its own."""
    for node in graph.nodes.values():
        for name, value in SHORT.get(node.kind, {}).items():
            graph = graph.with_node(graph.nodes[node.id].with_input(name, value))
    return graph


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_by_the_command_line_s_nodes(name, session, registry, tmp_path):
    data = workflow(name)
    if needs_diffusion(data):
        data = without_diffusion(data, "astronaut.png")
    missing = {node["type"] for node in data["nodes"] if node["mode"] == 0} - {*registry.ids(), *NOTES}
    if missing:
        pytest.skip(f"run_workflow.py has no {', '.join(sorted(missing))}")
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    result = run(shortened(read_workflow(file, registry)), registry)
    videos = [path for path in result.saved if path.suffix == ".mp4"]
    assert result.saved
    for path in videos:
        frames = VideoFromFile(path).get_components().images
        assert 2 <= len(frames) <= 200 and frames.shape[1] >= 128
        assert bool(torch.isfinite(frames).all()) and frames.std() > 0.05
