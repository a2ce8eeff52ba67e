"""Every template in ComfyUI's own page: nothing missing, nothing red, nothing covered; and to its output.

A diffusion model cannot be had here: templates that need one are opened beside an empty file of its name, and
run in a copy in which Load Image stands for the way from the checkpoint to VAE Decode.
"""

import json
import os

import pytest

from tools.templates.kinds import RECORD, recorded
from tools.templates.without_diffusion import needs_diffusion, without_diffusion

from .browsing import CANVASES, MISSING, RED, open_page, photograph
from .server import ROOT

NAMES = sorted(file.stem for file in (ROOT / "workflows").glob("*.json"))
TITLE = 30
# Boxes (left, top, right, bottom) as they are drawn, by id, without those of widgets' own decorations.
BOXES = """() => Object.fromEntries(app.graph._nodes.map(node => {
    const [x, y] = node.pos
    let [width, height] = node.size
    if (LiteGraph.vueNodesMode) {
        const drawn = document.querySelector(`[data-node-id="${node.id}"]`).getBoundingClientRect()
        width = drawn.width / app.canvas.ds.scale
        height = drawn.height / app.canvas.ds.scale - 30
    }
    return [node.id, [x, y - 30, x + width, y + height]]
}))"""
LOAD = "([data, name]) => app.loadGraphData(data, true, true, name)"
SHORT = {
    "R3DP_ExpressionPreset": {"seconds": 0.4},
    "R3DP_RenderTriplane": {"resolution": 64},
    "R3DP_HeadMesh": {"resolution": 64, "turntable": 3},
    "PrimitiveInt": {"value": 1},
}


def workflow(name):
    return json.loads((ROOT / "workflows" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=CANVASES)
def page(request, browser, server):
    """The page of one canvas, with empty files of the names of all models that templates ask for."""
    for name in NAMES:
        for node in workflow(name)["nodes"]:
            for model in node["properties"].get("models", []):
                folder = server.base / "models" / model["directory"]
                folder.mkdir(parents=True, exist_ok=True)
                (folder / model["name"]).touch()
    page = open_page(browser, server, request.param)
    yield page
    page.close()


def load(page, data, name):
    page.evaluate(LOAD, [data, name])
    page.wait_for_function("count => app.graph._nodes.length === count", arg=len(data["nodes"]))
    page.evaluate("app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    page.wait_for_timeout(700)


@pytest.mark.parametrize("name", NAMES)
def test_it_opens(page, name):
    load(page, workflow(name), name)
    photograph(page, f"template_{name}")
    assert page.evaluate(f"{RED}.map(node => node.title)") == [] and page.evaluate(MISSING) == []
    boxes = list(page.evaluate(BOXES).items())
    for place, (one, a) in enumerate(boxes):
        for other, b in boxes[place + 1 :]:
            assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]), (one, other)
    assert page.problems == []


@pytest.mark.parametrize("page", CANVASES[:1], indirect=True, scope="module")
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_to_its_output(page, server, name):
    """What the page sends, in a few frames and with small heads."""
    import av

    data = workflow(name)
    if needs_diffusion(data):
        data = without_diffusion(data, "astronaut.png")
    load(page, data, name)
    graph = page.evaluate("async () => (await app.graphToPrompt()).output")
    for node in graph.values():
        inputs, kind = node["inputs"], node["class_type"]
        inputs |= SHORT.get(kind, {})
        if kind == "LoadAudio":
            inputs["audio"] = "short.wav"
        if kind in ("LoadImage", "R3DP_LoadPortrait"):
            inputs["image"] = "astronaut.png"
    before = set(server.files("output"))
    server.run(graph)
    saved = set(server.files("output")) - before
    assert saved
    for path in saved:
        if path.suffix == ".mp4":
            with av.open(os.fspath(path)) as video:
                assert next(video.decode(video=0)).width >= 64


def test_core_s_nodes_are_as_recorded(server):
    """What templates store by position: inputs in the same order; newer ones and more outputs at the end."""
    for name, kept in json.loads(RECORD.read_text(encoding="utf-8")).items():
        told = recorded(server.get(f"/object_info/{name}")[name])
        names = [[(one["name"], one["kind"]) for one in each["inputs"]] for each in (kept, told)]
        assert names[1][: len(names[0])] == names[0], name
        outputs = [[type_name for _, type_name in each["outputs"]] for each in (kept, told)]
        assert outputs[1][: len(outputs[0])] == outputs[0], name
