"""One real ComfyUI server for the tests of this folder; without one they are left out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.templates.driver import write_driver

from .browsing import FLAGS, HOW
from .graphs import SPEECH, write_speech
from .server import PACK_FOLDER, ROOT, ComfyServer, ServerSetup

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("comfyui")


@pytest.fixture(scope="session")
def setup() -> ServerSetup:
    setup = ServerSetup.from_environment()
    if reason := setup.missing():
        pytest.skip(reason)
    return setup


@pytest.fixture(scope="session")
def server(
    setup: ServerSetup,
    models_folder: Path,
    nets: Any,
    astronaut: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ComfyServer]:
    """A fresh ComfyUI with the demo inputs, and two short sounds."""
    from PIL import Image

    base = tmp_path_factory.mktemp("comfyui")
    (base / "input").mkdir()
    Image.fromarray(astronaut).save(base / "input" / "astronaut.png")
    # Another portrait of the same person: mirrored, so that nothing of the first one fits it.
    Image.fromarray(astronaut[:, ::-1]).save(base / "input" / "mirrored.png")
    write_driver(astronaut, nets, base / "input" / "the_driver.mp4", 4)
    Image.new("RGB", (64, 64), (90, 120, 150)).save(base / "input" / "no_face.png")
    shutil.copy(ROOT / "demo" / "speech.flac", base / "input" / SPEECH)
    for name, start, seconds in (("short.wav", 0, 0.4), ("other.wav", 2, 0.4), ("long.wav", 0, 30)):
        write_speech(base / "input" / name, start, seconds)
    server = ComfyServer(setup, base, models_folder)
    try:
        yield server
        warned = [line for line in server.log.splitlines() if PACK_FOLDER in line and "Warning" in line]
        assert not warned, "a run made Python warn"
    finally:
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium; tests that need it are left out without one."""
    playwright = pytest.importorskip("playwright.sync_api", reason=HOW)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip(HOW)
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium, args=list(FLAGS))
        browser.program = chromium
        yield browser
        browser.close()


@pytest.fixture
def without_webgl(browser: Any) -> Iterator[Any]:
    """The same Chromium as if the machine had no graphics at all."""
    other = browser.browser_type.launch(executable_path=browser.program, args=[*FLAGS, "--disable-3d-apis"])
    yield other
    other.close()
