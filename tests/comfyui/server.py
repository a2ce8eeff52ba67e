"""A ComfyUI server with this pack in a throw-away folder, and what the tests ask of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .runs import Alive, Event, Run
from .websocket import WebSocket

ROOT = Path(__file__).resolve().parents[2]
HOOKS = Path(__file__).with_name("hooks.py")
PACK_FOLDER = "real3d-portrait"  # what the clone is called in custom_nodes
START_SECONDS = 180
ENDS = ("execution_success", "execution_error", "execution_interrupted")
PREVIEWS = (1, 4)  # kinds of binary messages that hold a picture: without and with a description
NOT_PACK = {"models", "input", "output", "temp", "tests", "docs", "demo"}  # in the root, and hidden folders


@dataclass(frozen=True)
class ServerSetup:
    """Which ComfyUI: its folder, the Python that has its requirements, and more arguments for main.py."""

    folder: Path
    python: str = sys.executable
    arguments: tuple[str, ...] = ("--cpu",)

    @staticmethod
    def from_environment() -> ServerSetup:
        return ServerSetup(
            Path(os.environ.get("COMFYUI_DIR", "~/ComfyUI")).expanduser(),
            os.environ.get("COMFYUI_PYTHON", sys.executable),
            tuple(os.environ.get("COMFYUI_ARGS", "--cpu").split()),
        )

    def missing(self) -> str | None:
        """What this setup lacks to be started, as the reason to leave the tests out."""
        if not (self.folder / "main.py").is_file():
            return "no ComfyUI: set COMFYUI_DIR to a ComfyUI checkout (and COMFYUI_PYTHON to its Python)"
        code = "import aiohttp, alembic, comfyui_frontend_package, torchsde, transformers"
        if subprocess.run([self.python, "-c", code], capture_output=True).returncode:
            return f"{self.python} lacks ComfyUI's requirements: set COMFYUI_PYTHON to a Python that has them"
        return None

    def version(self) -> str:
        text = (self.folder / "comfyui_version.py").read_text()
        return re.search(r'"([^"]+)"', text)[1]


class ComfyServer:
    """A running server; `base` is its throw-away folder with input, output, temp, models and log.txt."""

    def __init__(self, setup: ServerSetup, base: Path, models: Path) -> None:
        self.setup, self.base = setup, base
        _furnish(base, models)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = (base / "log.txt").open("wb")
        self.process = subprocess.Popen(self._command(), cwd=setup.folder, stdout=self._log, stderr=self._log)
        self._client = uuid.uuid4().hex
        try:
            self._wait_until_up()
            self._socket = WebSocket(self.port, f"/ws?clientId={self._client}")
        except BaseException:
            self.stop()
            raise
        self._socket.send('{"type": "feature_flags", "data": {"supports_preview_metadata": true}}')
        self._runs: dict[str, Run] = {}
        self._told = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _command(self) -> list[str]:
        return [
            self.setup.python,
            "main.py",
            *self.setup.arguments,
            "--listen=127.0.0.1",
            f"--port={self.port}",
            f"--base-directory={self.base}",
            "--database-url=sqlite:///:memory:",
            "--disable-api-nodes",
            "--disable-auto-launch",
        ]

    def stop(self) -> None:
        """Ends the server."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the server has printed so far."""
        return (self.base / "log.txt").read_text(errors="replace")

    def files(self, folder: str) -> list[Path]:
        """The files in "input", "output" or "temp", hidden ones too."""
        return sorted(path for path in (self.base / folder).rglob("*") if path.is_file())

    def get(self, path: str) -> Any:
        """The JSON at a path; HTTPError if there is none."""
        return json.loads(self.text(path))

    def text(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read().decode()

    def post(self, path: str, data: Any) -> tuple[int, Any]:
        """Status and JSON of the answer, None where there is no JSON."""
        request = urllib.request.Request(self.url + path, json.dumps(data).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        return status, json.loads(body) if body.strip() else None

    def start(self, graph: dict[str, Any], workflow: dict[str, Any] | None = None) -> Run:
        """Queues a graph in API format. Fails if it is refused."""
        extra = {"extra_pnginfo": {"workflow": workflow}} if workflow else {}
        status, answer = self.post(
            "/prompt", {"prompt": graph, "client_id": self._client, "extra_data": extra}
        )
        assert status == 200 and not answer.get("node_errors"), answer
        with self._told:
            return self._runs.setdefault(answer["prompt_id"], Run(answer["prompt_id"]))

    def wait(self, run: Run, *kinds: str, seconds: float = 120, node: str | None = None) -> Event:
        """The first message of one of these kinds (of this node), as soon as it is there."""

        def found() -> Event | None:
            return next(
                (e for e in run.events if e.kind in kinds and (node is None or e.data.get("node") == node)),
                None,
            )

        def over() -> bool:
            return self.process.poll() is not None or any(event.kind in ENDS for event in run.events)

        with self._told:
            self._told.wait_for(lambda: found() or over(), seconds)
            event = found()
        assert event is not None, f"no {kinds} within {seconds} s; {run.error}\n{self.log[-3000:]}"
        return event

    def finish(self, run: Run, seconds: float = 120) -> Run:
        """Waits until a run is over, however it ends."""
        self.wait(run, *ENDS, seconds=seconds)
        return run

    def run(self, graph: dict[str, Any], seconds: float = 120) -> Run:
        """Runs a graph to its end, which must be a good one."""
        run = self.finish(self.start(graph), seconds)
        assert run.of("execution_success"), run.error
        return run

    def interrupt(self) -> None:
        """What the Cancel button does."""
        self.post("/interrupt", {})

    def free(self) -> None:
        """Unloads the models and empties the cache of results, as the menu's entry does; done on return.

        The server keeps the wish as a flag and wakes its worker. A worker that collects garbage just then
        (after a run, or after the first half of this wish) is not woken, and sees the flag after the next
        run alone. Of two more runs the second begins when the worker has seen it and collected.
        """
        self.post("/free", {"unload_models": True, "free_memory": True})
        for name in ("seen", "collected"):
            self.run(picture(name))

    def alive(self, *names: str) -> Alive:
        """The objects in the process whose classes have these names."""
        return Alive(**self.get(f"/test_hooks/alive?names={','.join(names)}"))

    @contextmanager
    def failing(self, folder: str, error: str) -> Iterator[None]:
        """Nothing can be written into "output" or "temp": the disk is full (ENOSPC) or read-only (EROFS)."""
        self.post("/test_hooks/fail", {"folder": str(self.base / folder), "error": error})
        try:
            yield
        finally:
            self.post("/test_hooks/fail", {})

    def peak_memory(self) -> int:
        """Most memory that the process ever had, in bytes (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.get("/system_stats")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"ComfyUI did not start:\n{self.log[-3000:]}") from None
                time.sleep(0.25)

    def _listen(self) -> None:
        latest: Run | None = None
        while (message := self._socket.receive()) is not None:
            now = time.monotonic()
            with self._told:
                if isinstance(message, bytes):
                    if latest is not None and struct.unpack(">I", message[:4])[0] in PREVIEWS:
                        latest.previews.append(message)
                    continue
                data = json.loads(message)
                body = data.get("data") or {}
                if prompt := body.get("prompt_id"):
                    latest = self._runs.setdefault(prompt, Run(prompt))
                    latest.events.append(Event(data["type"], body, now))
                    self._told.notify_all()


def picture(name: str) -> dict[str, Any]:
    """The smallest graph of core's nodes, whose results another name does not share."""
    inputs = {"width": 16, "height": 16, "batch_size": 1, "color": sum(name.encode())}
    shown = {"class_type": "PreviewImage", "inputs": {"images": [name, 0]}}
    return {name: {"class_type": "EmptyImage", "inputs": inputs}, "shown": shown}


def _furnish(base: Path, models: Path) -> None:
    """The folders of a fresh ComfyUI with this pack and its face nets."""
    for name in ("custom_nodes", "input", "output", "temp", "user/default", "models"):
        (base / name).mkdir(parents=True, exist_ok=True)
    pack = base / "custom_nodes" / PACK_FOLDER
    shutil.copytree(ROOT, pack, ignore=_not_pack)
    shutil.copy(HOOKS, base / "custom_nodes" / "test_hooks.py")
    shutil.copytree(models / "real3d_portrait", base / "models" / "real3d_portrait")
    # A fresh user would see the template browser over everything.
    settings = {"Comfy.TutorialCompleted": True}
    (base / "user" / "default" / "comfy.settings.json").write_text(json.dumps(settings))


def _not_pack(folder: str, names: list[str]) -> set[str]:
    """What the copy in custom_nodes leaves out."""
    hidden = {name for name in names if name.startswith(".") or name == "__pycache__"}
    return hidden | (NOT_PACK if Path(folder) == ROOT else set())
