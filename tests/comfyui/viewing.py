"""A bare page with the viewer of 3D Preview in it: what the tests serve, and ask the page."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from real3d_core.wires import HeadRender, RenderSettings, TriPlane

from .server import ROOT

VIEWS = (
    {"yaw": 0, "pitch": 0, "dolly": 1},
    {"yaw": 20, "pitch": -8, "dolly": 1},
    {"yaw": -35, "pitch": 10, "dolly": 0.85},
)
PAGE = (
    b"<!doctype html><meta charset=utf-8><link rel=icon href=data:,><body style='margin:0;background:#111'>"
)
# Panels, each with a file: panels[0] is the first.
OPEN = """async ([files, side, draws]) => {
    const { Panel } = await import("/web/js/preview_3d/panel.js")
    window.panels = await Promise.all(files.map(async file => {
        const panel = new Panel({ onTurned: orbit => { panel.kept = orbit } })
        if (draws !== "fine") panel.viewer.drawFine = async () => {}
        if (draws === "nothing") panel.viewer.touch = () => {}
        panel.element.style.cssText += `;width:${side}px;height:${side + 24}px;display:inline-flex`
        document.body.append(panel.element)
        await panel.load(async () => {
            const answer = await fetch(file)
            if (answer.status === 404) {
                const { PreviewError } = await import("/web/js/preview_3d/errors.js")
                throw new PreviewError("run")
            }
            return answer.arrayBuffer()
        })
        return panel
    }))
}"""
STILL = "panels.every(panel => !panel.viewer.isDrawing)"
LINE = "panels[0].line.textContent"
# Looks at the middle of a picture: how much it varies tells a head from an empty canvas.
CONTRAST = """panel => {
    const { width, height } = panel.canvas
    const { data } = panel.canvas.getContext("2d").getImageData(width / 4, height / 4, width / 2, height / 2)
    const grey = Array.from({ length: data.length / 4 }, (_, i) => data[4 * i])
    return Math.max(...grey.filter((_, i) => i % 7 === 0)) - Math.min(...grey.filter((_, i) => i % 7 === 0))
}"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server: / is an empty page, /web the pack's folder, /files a folder of files."""

    class Files(SimpleHTTPRequestHandler):
        def guess_type(self, path: str) -> str:
            return "text/javascript" if path.endswith(".js") else super().guess_type(path)

        def do_GET(self) -> None:
            if self.path != "/":
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)

        def translate_path(self, path: str) -> str:
            _, where, rest = path.split("?")[0].split("/", 2)
            return str({"web": ROOT / "web", "files": folder}.get(where, folder / "none") / rest)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def bare_page(browser: Any, address: str) -> Any:
    """An empty page; `page.problems` collects errors, `page.warnings` what the card's driver says."""
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda said: page.problems.append(said.text) if said.type == "error" else None)
    page.goto(address)
    return page


def open_files(page: Any, *files: str, side: int = 512, draws: str = "coarse") -> None:
    """draws: "fine" as users see it, "coarse" what a hand sees, "nothing" by itself."""
    page.evaluate(OPEN, [[f"/files/{file}" for file in files], side, draws])


def wait_until_still(page: Any) -> None:
    page.wait_for_function(STILL, timeout=120_000)


def turn(page: Any, orbit: dict[str, float], **sliders: float) -> None:
    page.evaluate(
        "([orbit, amounts]) => { panels[0].viewer.express(amounts); panels[0].turn(orbit) }", [orbit, sliders]
    )


def canvas(page: Any) -> np.ndarray:
    """[512, 512, 3] 0..1 what the first panel shows."""
    from PIL import Image

    url = page.evaluate("panels[0].canvas.toDataURL()")
    image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    return np.asarray(image.convert("RGB")) / 255


def marched(page: Any, **march: Any) -> np.ndarray:
    """[size, size, 4] colour and alpha as the card computed them."""
    numbers = page.evaluate("async march => Array.from(await panels[0].viewer.read(march))", march)
    return np.array(numbers, np.float32).reshape(march["size"], march["size"], 4)


def expected(
    triplane: TriPlane, orbit: dict[str, float], size: int, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same by the plain sampler's first pass, and which rays meet the box."""
    from real3d_core.preview_3d.view import camera_of
    from real3d_core.render_triplane.rays import camera_rays

    head = HeadRender(triplane, camera_of(json.dumps(orbit)), RenderSettings(size, samples, 0, "plain"))
    frames = head.frames(0, 1)
    rays = camera_rays(frames.c2w[0], frames.intrinsics[0], size)
    colour = (frames.rgb[0] + 1) / 2
    told = np.concatenate([colour.numpy(), frames.alpha[0].numpy()]).transpose(1, 2, 0)
    return told, rays.hit.reshape(size, size).numpy()


def decibels(one: np.ndarray, other: np.ndarray) -> float:
    """Of pictures 0..1."""
    return float(-10 * np.log10(max(np.square(one - other).mean(), 1e-12)))
