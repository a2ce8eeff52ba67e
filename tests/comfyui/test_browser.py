"""The template as a user meets it: in the template browser, on both canvases, run and cancelled.

Needs playwright and Chromium; R3DP_SCREENSHOTS names a folder for pictures of what was seen.
"""

import time

import pytest

from .browsing import CANVASES, MISSING, RED, open_page, photograph
from .graphs import TEMPLATE, node_of, template
from .server import PACK_FOLDER

# Neither a picture nor a seed of the other canvas: every stage runs, nothing comes from the cache.
PHOTOS = {"classic": "astronaut.png", "nodes_2": "mirrored.png"}
SEEDS = {"classic": 1001, "nodes_2": 1002}
OPENED = "app.graph._nodes.some(node => node.type === 'R3DP_HTBSR')"
# Pictures and videos that a node shows besides its inputs, whichever canvas draws them.
SHOWN = """id => {
    const node = app.graph.getNodeById(id)
    const kinds =
        {"$$canvas-image-preview": "img", "$$comfy_animation_preview": "img", "video-preview": "video"}
    if (!LiteGraph.vueNodesMode) return node.widgets.map(({ name }) => kinds[name]).filter(Boolean)
    const drawn = document.querySelectorAll(`[data-node-id="${id}"] :is(img, video)`)
    return [...drawn].map(element => element.tagName.toLowerCase())
}"""
# What the user does: chooses a picture and a sound; a new seed makes a run that is not cached.
CHOOSE = """([image, audio, seed]) => {
    const widget = (type, name) =>
        app.graph._nodes.find(node => node.type === type).widgets.find(one => one.name === name)
    const set = (one, value) => { one.value = value; one.callback?.(value) }
    set(widget("R3DP_LoadPortrait", "image"), image)
    set(widget("LoadAudio", "audio"), audio)
    widget("R3DP_AudioToMotion", "seed").value = seed
}"""


@pytest.fixture(params=CANVASES)
def page(request, browser, server):
    """ComfyUI's page with the template opened from the template browser, on one of the two canvases."""
    page = open_page(browser, server, request.param)
    page.evaluate("app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(PACK_FOLDER, exact=True).first.wait_for()
    dialog.get_by_text(TEMPLATE.stem).click()
    page.wait_for_function(OPENED)
    page.evaluate("app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    page.wait_for_timeout(1000)
    yield page
    page.close()


def press_run(page):
    page.click('[data-testid="queue-button"]')


def history(server):
    return set(server.get("/history"))


def until(found, seconds=240):
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return result


def shows(page, node, kinds):
    """Waits until a node shows just these: "img", "video"."""
    page.wait_for_function(f"([id, kinds]) => `${{({SHOWN})(id)}}` === `${{kinds}}`", arg=[node, kinds])


def test_the_template_opens_and_runs(page, server):
    assert page.evaluate(RED) == [] and page.evaluate(MISSING) == []
    photo, seed = PHOTOS[page.canvas], SEEDS[page.canvas]
    page.evaluate(CHOOSE, [photo, "short.wav", seed])
    photograph(page, "before")
    # The front end converts the graph as this pack's own converter does.
    converted = page.evaluate("async () => (await app.graphToPrompt()).output")
    expected = template("short.wav")
    assert {key: node["class_type"] for key, node in converted.items()} == {
        key: node["class_type"] for key, node in expected.items()
    }
    expected[node_of(expected, "R3DP_AudioToMotion")]["inputs"]["seed"] = seed
    expected[node_of(expected, "R3DP_LoadPortrait")]["inputs"] |= {"fetch_nets": True, "image": photo}
    for key, node in expected.items():
        given = converted[key]["inputs"]
        assert {name: given[name] for name in node["inputs"]} == node["inputs"]
    combine, loader = (node_of(expected, kind) for kind in ("R3DP_VideoCombine", "R3DP_LoadPortrait"))
    before = history(server)
    press_run(page)
    (job,) = until(lambda: history(server) - before)
    assert server.get(f"/history/{job}")[job]["status"]["status_str"] == "success"
    shows(page, combine, ["video"])
    page.wait_for_timeout(1000)  # a picture of the progress may still arrive
    shows(page, combine, ["video"])  # alone
    shows(page, loader, ["img"])  # what was found, no longer the file
    assert page.evaluate(f"app.nodeOutputs['{loader}'].images[0].type") == "temp"
    photograph(page, "after")
    assert page.evaluate(RED) == [] and page.problems == []


def test_the_next_run_shows_its_progress(page, server):
    graph = template()
    combine = node_of(graph, "R3DP_VideoCombine")
    for seed, sound in ((SEEDS[page.canvas], "short.wav"), (SEEDS[page.canvas], "other.wav")):
        page.evaluate(CHOOSE, [PHOTOS[page.canvas], sound, seed])
        press_run(page)
        if sound == "other.wav":
            page.wait_for_function(f"id => ({SHOWN})(id).includes('img')", arg=combine, polling=50)
        shows(page, combine, ["video"])
    assert page.problems == []


def test_help_shows_what_the_node_does(page):
    page.evaluate("app.canvas.selectNode(app.graph._nodes.find(node => node.type === 'R3DP_HTBSR'))")
    page.click('[data-testid="info-button"]')
    shown = "[...document.querySelectorAll('img')].filter(one => /R3DP_HTBSR.*example/.test(one.src))"
    page.wait_for_function(f"{shown}.some(one => one.naturalWidth > 500)")
    photograph(page, "help")
    assert page.problems == []


def test_cancel_in_the_browser(page, server):
    page.evaluate(CHOOSE, ["astronaut.png", "long.wav", 0])
    before, files = history(server), server.files("output")
    press_run(page)
    until(lambda: server.get("/queue")["queue_running"])
    page.wait_for_timeout(3000)
    photograph(page, "running")
    pressed = time.monotonic()
    page.evaluate("app.extensionManager.command.execute('Comfy.Interrupt')")
    (job,) = until(lambda: history(server) - before)
    assert time.monotonic() - pressed < 2  # the server's second is asserted without a browser beside it
    messages = [kind for kind, _ in server.get(f"/history/{job}")[job]["status"]["messages"]]
    assert "execution_interrupted" in messages and server.files("output") == files
