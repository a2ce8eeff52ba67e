"""ComfyUI's page: how the tests start a browser, and what they ask the page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

HOW = "no browser: `pip install playwright` and a chromium in the PATH"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CANVASES = ("classic", "nodes_2")
READY = "window.app?.graph && Object.keys(window.LiteGraph?.registered_node_types ?? {}).length > 50"
# The workflow that a fresh page opens with, which would take the place of one loaded before it.
OPENED = "app.graph._nodes.length > 0"
# Nodes of unknown types, nodes that the front end marks, and a dialog about either.
RED = "app.graph._nodes.filter(node => node.has_errors || !LiteGraph.registered_node_types[node.type])"
MISSING = "[...document.querySelectorAll('[role=dialog]')].map(dialog => dialog.innerText)"


def open_page(browser: Any, server: Any, canvas: str) -> Any:
    """ComfyUI's page with one of the two canvases; `page.problems` collects errors that name this pack."""
    settings = {
        "Comfy.TutorialCompleted": True,
        "Comfy.VueNodes.Enabled": canvas == "nodes_2",
        # They would cover a part of the pictures.
        "Comfy.Minimap.Visible": False,
        "Comfy.RightSidePanel.IsOpen": False,
    }
    server.post("/settings", settings)
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.canvas, page.problems = canvas, []
    page.on(
        "console",
        lambda said: page.problems.append(said.text) if said.type == "error" and "real3d" in said.text else 0,
    )
    page.goto(server.url)
    page.wait_for_function(READY, timeout=120_000)
    page.wait_for_function(OPENED, timeout=60_000)
    return page


def photograph(page: Any, name: str) -> None:
    """Keeps a picture of the page, if R3DP_SCREENSHOTS names a folder."""
    if folder := os.environ.get("R3DP_SCREENSHOTS"):
        page.wait_for_timeout(1500)  # pictures and videos are still being fetched
        page.screenshot(path=Path(folder) / f"{page.canvas}_{name}.png")
