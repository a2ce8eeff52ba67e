"""3D Preview in ComfyUI's page, on both canvases: hands on the head, widgets, prompt, workflow, reload."""

import json

import pytest

from .browsing import CANVASES, MISSING, OPENED, READY, RED, open_page, photograph
from .graphs import graph, head
from .server import PACK_FOLDER
from .viewing import CONTRAST

MAKE = """() => {
    app.graph.clear()
    const add = (type, x, y) => {
        const node = LiteGraph.createNode(type)
        node.pos = [x, y]
        app.graph.add(node)
        return node
    }
    const link = (from, slot, to, name) =>
        from.connect(slot, to, to.inputs.findIndex(one => one.name === name))
    const portrait = add("R3DP_LoadPortrait", 20, 100)
    const plane = add("R3DP_ImageToPlane", 380, 100)
    const preview = add("R3DP_Preview3D", 760, 40)
    const render = add("R3DP_RenderTriplane", 1200, 300)
    portrait.widgets.find(widget => widget.name === "image").value = "astronaut.png"
    link(portrait, 0, plane, "portrait")
    link(plane, 0, preview, "triplane")
    link(portrait, 0, preview, "portrait")
    link(preview, 0, render, "camera")
    Object.assign(app.canvas.ds, { scale: 1, offset: [60, 60] })
    app.canvas.setDirty(true, true)
    return String(preview.id)
}"""
NODE = "app.graph._nodes.find(node => node.type === 'R3DP_Preview3D')"
WIDGET = f"name => {NODE}.widgets.find(widget => widget.name === name).value"
PLACE = f"JSON.stringify([[...app.canvas.ds.offset], app.canvas.ds.scale, [...{NODE}.pos]])"
VALUES = f"{NODE}.serialize().widgets_values"
CANVAS = "canvas[role=img]"
COUNT = f"document.querySelectorAll('{CANVAS}').length"
ALL_SHOWN = f"[...document.querySelectorAll('{CANVAS}')].every(canvas => ({CONTRAST})({{ canvas }}) > 100)"
# The card takes the context away from viewers at rest; their pictures are wiped out, and it is given back.
LOSE = f"""async () => {{
    const {{ sharedContext }} = await import("/extensions/{PACK_FOLDER}/js/preview_3d/context.js")
    const wait = ms => new Promise(resume => setTimeout(resume, ms))
    const {{ gl, users }} = sharedContext()
    while ([...users].some(viewer => viewer.isDrawing)) await wait(50)
    const loses = gl.getExtension("WEBGL_lose_context")
    loses.loseContext()
    await wait(100)
    for (const canvas of document.querySelectorAll('{CANVAS}'))
        canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height)
    loses.restoreContext()
    return [...users].every(viewer => viewer.isLost)
}}"""
SHOWN = f"(canvas => canvas && ({CONTRAST})({{ canvas }}) > 100)(document.querySelector('{CANVAS}'))"
SET = f"""([name, value]) => {{
    const widget = {NODE}.widgets.find(one => one.name === name)
    widget.value = value
    widget.callback?.(value)
    app.canvas.setDirty(true)
}}"""
PICTURE = f"document.querySelector('{CANVAS}').toDataURL()"


@pytest.fixture(params=CANVASES)
def page(request, browser, server):
    page = open_page(browser, server, request.param)
    page.evaluate(MAKE)
    page.wait_for_timeout(1000)
    yield page
    page.close()


def middle(page):
    box = page.locator(CANVAS).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"]


def view(page):
    return json.loads(page.evaluate(WIDGET, "camera") or "{}")


def test_the_head_in_the_node(page, server):
    assert page.evaluate(RED) == [] and page.evaluate(MISSING) == []
    assert "Run the workflow once" in page.locator("[role=status]", has_text="workflow").inner_text()
    page.click('[data-testid="queue-button"]')
    page.wait_for_function(SHOWN, timeout=120_000)
    photograph(page, "preview")

    # The wheel belongs to the graph until the head is clicked.
    place = page.evaluate(PLACE)
    x, y, _ = middle(page)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -100)
    page.wait_for_function(f"app.canvas.ds.scale > 1 && {PLACE} !== {json.dumps(place)}")
    assert page.evaluate(WIDGET, "camera") == ""

    # A drag turns the head and nothing else.
    page.wait_for_timeout(500)
    place = page.evaluate(PLACE)
    x, y, _ = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y, steps=4)
    page.mouse.move(x + 60, y + 20, steps=4)
    page.mouse.up()
    page.wait_for_function(f"({WIDGET})('camera') !== ''")
    width = page.evaluate(f"document.querySelector('{CANVAS}').getBoundingClientRect().width")
    assert view(page)["yaw"] == pytest.approx(-60 * 90 / width, abs=0.1)
    assert view(page)["pitch"] == pytest.approx(20 * 90 / width, abs=0.1)
    page.mouse.wheel(0, -200)
    page.wait_for_function(f"JSON.parse(({WIDGET})('camera')).dolly < 0.9")
    assert page.evaluate(PLACE) == place

    # What was done is in the prompt and in the workflow, and nothing else is.
    page.evaluate(SET, ["jaw", 0.8])
    page.wait_for_function(f"document.querySelector('{CANVAS}') && {NODE}.widgets.length === 8")
    text = page.evaluate(WIDGET, "camera")
    assert page.evaluate(VALUES) == [text, 0.8, 0, 0, 0, 1, 25]
    prompt = page.evaluate("async () => (await app.graphToPrompt()).output")
    (inputs,) = [node["inputs"] for node in prompt.values() if node["class_type"] == "R3DP_Preview3D"]
    assert inputs["camera"] == text and inputs["jaw"] == 0.8 and "preview" not in inputs
    page.wait_for_timeout(3000)
    photograph(page, "preview_turned")

    # A text typed into the widget turns the head as well; one that is none is the photo's view.
    before = page.evaluate(PICTURE)
    page.evaluate(SET, ["camera", '{"yaw": 20}'])
    page.wait_for_function(f"{PICTURE} !== {json.dumps(before)}")
    page.evaluate(SET, ["camera", text])

    # Saved, and opened after the page was reloaded: there again without a run.
    saved = page.evaluate("JSON.stringify(app.graph.serialize())")
    page.reload()
    page.wait_for_function(READY, timeout=120_000)
    page.wait_for_function(OPENED, timeout=60_000)
    page.wait_for_timeout(1500)
    page.evaluate("async saved => { await app.loadGraphData(JSON.parse(saved)) }", saved)
    page.wait_for_function(SHOWN, timeout=60_000)
    assert page.evaluate(VALUES) == [text, 0.8, 0, 0, 0, 1, 25]
    page.wait_for_timeout(3000)
    photograph(page, "preview_reloaded")

    # Two on a page, the card forgets both, and one is removed.
    page.evaluate("Object.assign(app.canvas.ds, { scale: 1, offset: [-300, 60] })")
    page.evaluate(f"app.graph.add(Object.assign({NODE}.clone(), {{ pos: [1560, 40] }}))")
    page.wait_for_function(f"{COUNT} === 2 && {ALL_SHOWN}", timeout=60_000)
    photograph(page, "preview_two")
    assert page.evaluate(LOSE)
    page.wait_for_function(ALL_SHOWN, timeout=60_000)
    photograph(page, "preview_restored")
    page.evaluate(f"app.graph.remove({NODE})")
    page.wait_for_function(f"{COUNT} === 1")
    assert page.evaluate(RED) == [] and page.problems == []


def test_it_keeps_its_width_beside_the_panel_of_its_parameters(page):
    """Newer pages show the widgets of a selected node in a panel, and give each the panel's width."""
    width = middle(page)[2]
    page.evaluate("app.extensionManager.setting.set('Comfy.RightSidePanel.IsOpen', true)")
    page.evaluate(f"app.canvas.selectNode({NODE})")
    page.wait_for_timeout(1500)
    photograph(page, "preview_panel")
    assert width > 300 and middle(page)[2] == pytest.approx(width, abs=1)
    page.evaluate("app.extensionManager.setting.set('Comfy.RightSidePanel.IsOpen', false)")


@pytest.mark.parametrize("kind", CANVASES)
def test_without_webgl(without_webgl, server, kind):
    page = open_page(without_webgl, server, kind)
    page.evaluate(MAKE)
    page.click('[data-testid="queue-button"]')
    page.wait_for_function(SHOWN, timeout=120_000)
    x, y, width = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 80, y, steps=4)
    page.mouse.up()
    page.wait_for_function(f"({WIDGET})('camera') !== ''")
    assert view(page)["yaw"] == pytest.approx(80 * 90 / width, abs=0.1)
    assert "turntable" in page.locator("[role=status]", has_text="yaw").inner_text()
    photograph(page, "preview_turntable")
    assert page.problems == []
    page.close()


def test_by_the_api(server):
    """Camera, motion and picture go on; the file is served as it is."""
    chosen = {"camera": '{"yaw": 15}', "jaw": 0.5, "blink": 0.0, "smile": 0.0, "brow": 0.0}
    made = head(audio=None) | graph(
        preview=(
            "R3DP_Preview3D",
            {"triplane": ["plane", 0], "portrait": ["portrait", 0], "frames": 3, "fps": 25.0, **chosen},
        ),
        shown=("PreviewImage", {"images": ["preview", 3]}),
        clip=(
            "R3DP_MotionAdapter",
            {"triplane": ["preview", 2], "portrait": ["portrait", 0], "motion": ["preview", 1]},
        ),
    )
    made["head"]["inputs"] |= {"triplane": ["clip", 0], "camera": ["preview", 0]}
    made |= graph(
        pictures=("R3DP_HTBSR", {"head": ["head", 0], "portrait": ["portrait", 0], "deliver": "images"}),
        frames=("PreviewImage", {"images": ["pictures", 0]}),
    )
    run = server.run(made)
    assert len(run.outputs["shown"]["images"]) == 1 and len(run.outputs["frames"]["images"]) == 3
    (file,) = run.outputs["preview"]["r3dp_preview"]
    path = server.base / "temp" / file["subfolder"] / file["filename"]
    assert path.read_bytes()[:2] == b"\x1f\x8b"
