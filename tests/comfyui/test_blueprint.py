"""The blueprint Talking Portrait: served, one node in the page, and a video at its end."""

import json
import os

import pytest

from .browsing import CANVASES, MISSING, RED, open_page, photograph
from .server import PACK_FOLDER, ROOT

NAME = "Talking Portrait"
# Around the node that was placed: a photo, a voice, and what saves the video.
CONNECT = """seed => {
    const [whole] = app.graph._nodes
    const add = (type, pos, set) => {
        const node = LiteGraph.createNode(type)
        app.graph.add(node)
        node.pos = pos
        for (const [name, value] of Object.entries(set))
            node.widgets.find(widget => widget.name === name).value = value
        return node
    }
    whole.pos = [0, 0]
    const photo = add("LoadImage", [-500, 0], {image: "astronaut.png"})
    const voice = add("LoadAudio", [-500, 450], {audio: "short.wav"})
    const video = add("R3DP_VideoCombine", [500, 0], {filename_prefix: "Real3D/blueprint"})
    photo.connect(0, whole, whole.inputs.findIndex(input => input.name === "image"))
    voice.connect(0, whole, whole.inputs.findIndex(input => input.name === "audio"))
    whole.connect(0, video, video.inputs.findIndex(input => input.name === "images"))
    // Old front ends put the number of the inner node before a widget's name.
    const name = widget => widget.name.split(": ").pop()
    whole.widgets.find(widget => name(widget) === "seed").value = seed
    return whole.widgets.map(name)
}"""


def entry(server):
    found = [
        (key, one)
        for key, one in server.get("/global_subgraphs").items()
        if one["info"]["node_pack"] == f"custom_nodes.{PACK_FOLDER}"
    ]
    ((key, one),) = found
    assert one["name"] == NAME
    return server.get(f"/global_subgraphs/{key}")["data"]


def test_it_is_served_as_it_is(server):
    file = ROOT / "subgraphs" / f"{NAME}.json"
    assert json.loads(entry(server)) == json.loads(file.read_text(encoding="utf-8"))


def _place(page):
    """As a user does: searches for it on an empty canvas, puts it down; again if the page was too slow."""
    from playwright.sync_api import TimeoutError as TooSlow

    middle = (800, 500)
    page.evaluate("app.graph.clear()")
    for pause in (1000, 2500, 5000):
        page.wait_for_timeout(pause)
        page.mouse.dblclick(*middle)
        page.wait_for_timeout(pause)
        page.keyboard.type(NAME, delay=20)
        page.wait_for_timeout(pause)  # until the list of what was found is there
        page.keyboard.press("Enter")
        try:
            page.wait_for_function("app.graph._nodes.length === 1", timeout=5000)
        except TooSlow:
            page.keyboard.press("Escape")
            continue
        page.wait_for_timeout(pause)  # it hangs at the mouse now
        page.mouse.click(*middle)
        page.wait_for_timeout(pause)
        return


@pytest.mark.parametrize("canvas", CANVASES)
def test_it_is_one_node_that_makes_a_video(browser, server, canvas):
    import av

    page = open_page(browser, server, canvas)
    try:
        _place(page)
        assert page.evaluate("app.graph._nodes.map(node => node.title)") == [NAME]
        seed = 31 + CANVASES.index(canvas)  # nothing comes from the cache
        shown = page.evaluate(CONNECT, seed)
        assert {"mouth_amplitude", "seed", "sway", "nod", "brow", "blink"} <= set(shown)
        page.evaluate("app.extensionManager.command.execute('Comfy.Canvas.FitView')")
        page.wait_for_timeout(700)
        photograph(page, "blueprint")
        assert page.evaluate(f"{RED}.map(node => node.title)") == [] and page.evaluate(MISSING) == []
        graph = page.evaluate("async () => (await app.graphToPrompt()).output")
        kinds = [node["class_type"] for node in graph.values()]
        assert kinds.count("R3DP_HTBSR") == 1 and "R3DP_PortraitFromImage" in kinds
        (lively,) = (node for node in graph.values() if node["class_type"] == "R3DP_HeadMotion")
        assert lively["inputs"]["seed"] == seed
        before = set(server.files("output"))
        server.run(graph)
        (video,) = set(server.files("output")) - before
        with av.open(os.fspath(video)) as file:
            assert file.streams.video[0].width == 512 and file.streams.audio
        assert page.problems == []
    finally:
        page.close()
