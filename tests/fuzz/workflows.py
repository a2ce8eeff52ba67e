"""Hostile workflow files, settings and paths, through the command line."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
from pathlib import Path
from typing import Any

from real3d_core.errors import WorkflowError
from real3d_portrait.nodes import paths
from real3d_portrait.nodes.headless import command
from real3d_portrait.nodes.headless.graph import Registry, read_workflow
from real3d_portrait.nodes.headless.validate import checked

from .bench import ROOT, Bench
from .chance import NUMBERS, THINGS, Chance
from .clips import PREFIXES

TEMPLATE = ROOT / "workflows" / "talking_portrait.json"
NAMES = (
    *PREFIXES, "small.png", "tone.wav", "small.png [input]", "../input/small.png", "small.png/",
    "SMALL.PNG", "small.png:x", "//x/y", "\\\\?\\C:\\x", "%2e%2e/x", "loop", "file:///x", "\x7f",
    "small.png [temp]", "small.png [other]", "/etc/passwd", "lpt1", "com1.png", "small.png\0.jpg", "a" * 5000,
)  # fmt: skip
KINDS = (
    "R3DP_VideoCombine",
    "LoadImage",
    "LoadAudio",
    "SaveVideo",
    "KSampler",
    "",
    "R3DP_HTBSR",
    "Reroute",
    7,
)


def pictures() -> dict[str, Any]:
    """A small workflow in API format: a picture and a tone become a video, which is saved again."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "small.png"}},
        "2": {"class_type": "LoadAudio", "inputs": {"audio": "tone.wav"}},
        "3": {
            "class_type": "R3DP_VideoCombine",
            "inputs": {"images": ["1", 0], "fps": 25, "filename_prefix": "clip", "audio": ["2", 0]},
            "_meta": {"title": "Save"},
        },
        "4": {"class_type": "GetVideoComponents", "inputs": {"video": ["3", 0]}},
        "5": {"class_type": "PreviewImage", "inputs": {"images": ["4", 0]}},
        "6": {"class_type": "SaveVideo", "inputs": {"video": ["3", 0], "filename_prefix": "again"}},
    }


def canvas() -> dict[str, Any]:
    """The same in UI format, without the tone."""

    def node(key: int, kind: str, inputs: list[Any], outputs: list[Any], values: list[Any]) -> dict[str, Any]:
        sockets = [{"name": name, "type": type_, "link": link} for name, type_, link in inputs]
        made = [{"name": type_, "type": type_, "links": links} for type_, links in outputs]
        return {
            "id": key,
            "type": kind,
            "mode": 0,
            "inputs": sockets,
            "outputs": made,
            "widgets_values": values,
        }

    return {
        "version": 0.4,
        "nodes": [
            node(1, "LoadImage", [], [("IMAGE", [1]), ("MASK", [])], ["small.png", "image"]),
            node(2, "Reroute", [("", "*", 1)], [("IMAGE", [2, 3])], []),
            node(
                3, "R3DP_VideoCombine", [("images", "IMAGE,VIDEO", 2)], [("VIDEO", [])], [25, "c", "mp4", 80]
            ),
            node(4, "PreviewImage", [("images", "IMAGE", 3)], [], []),
        ],
        "links": [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 3, 0, "IMAGE"], [3, 2, 0, 4, 0, "IMAGE"]],
    }


def mutated(chance: Chance, data: Any) -> Any:
    """A copy of JSON data with a few things deleted, replaced, exchanged or doubled."""
    data = copy.deepcopy(data)
    for _ in range(chance.pick(1, 1, 2, 4)):
        spots = list(_spots(data))
        if not spots:
            return data
        holder, key = chance.one_of(spots)
        kind = chance.pick("delete", "replace", "replace", "swap", "double", "name", "link", "rename")
        if kind == "delete":
            del holder[key]
        elif kind == "replace":
            holder[key] = copy.deepcopy(chance.one_of((*THINGS, *NUMBERS, *NAMES)))
        elif kind == "swap":
            other, its = chance.one_of(spots)
            with contextlib.suppress(KeyError, IndexError):
                holder[key], other[its] = copy.deepcopy(other[its]), copy.deepcopy(holder[key])
        elif kind == "double" and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif kind == "name":
            holder[key] = chance.one_of(KINDS)
        elif kind == "link":
            holder[key] = [
                chance.pick("1", "2", "3", "6", "gone", 3, None),
                chance.pick(0, 1, -1, 9, "0", None),
            ]
        elif isinstance(holder, dict):
            holder[chance.pick("x", "inputs", "class_type", "id", "link", "mode")] = holder.pop(key)
    return data


def _spots(data: Any, depth: int = 0) -> Any:
    """(holder, key) of everything inside JSON data."""
    if depth < 12 and isinstance(data, (dict, list)):
        for key in list(data) if isinstance(data, dict) else range(len(data)):
            yield data, key
            yield from _spots(data[key], depth + 1)


def _text(chance: Chance, data: Any) -> bytes:
    def plain(value: Any) -> Any:
        return value.decode() if isinstance(value, bytes) else repr(value)

    try:
        text = json.dumps(data, default=plain)
    except (TypeError, ValueError):  # keys of other kinds; whole numbers that are too long to write
        text = json.dumps({"1": {"class_type": "LoadImage", "inputs": {"image": 10}}})
    out = text.encode("utf-8", "surrogatepass")
    return chance.damaged(out) if chance.often(0.1) else out


def run_command(arguments: list[str]) -> list[Path]:
    """What a run printed as its files; its one line on stderr, raised as a WorkflowError."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command.main(arguments)
    if code == 0:
        return [Path(line) for line in out.getvalue().splitlines()]
    lines = [line for line in err.getvalue().splitlines() if "%|" not in line and line.strip()]
    if code != 1 or out.getvalue() or len(lines) != 1 or not lines[0].startswith("error: "):
        raise AssertionError(f"exit code {code}, stdout {out.getvalue()!r}, stderr {lines}")
    if "failed unexpectedly" in lines[0]:
        raise AssertionError(lines[0])
    raise WorkflowError(lines[0].removeprefix("error: "))


def workflow(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A mutated workflow, run by the command line, sometimes with a mutated --set or --output."""
    is_canvas = chance.often(0.5)
    data = mutated(chance, canvas() if is_canvas else pictures())
    file = bench.folder / "input" / "workflow.json"
    file.write_bytes(_text(chance, data))
    arguments = [str(file)]
    for name in ("input", "output", "temp"):
        arguments.append(f"--{name}-folder={bench.folder / name}")
    if chance.often(0.2):
        where = chance.pick("1.image", "LoadImage.image", "3.fps", "Save.quality", "x.y", "", ".", "3.images")
        arguments.append(f"--set={where}{chance.pick('=', '=', '')}{chance.one_of((*NAMES, *NUMBERS))!s:.60}")
    if chance.often(0.1):
        # a folder and a file of the bench, so that nothing outside it can be written
        name = chance.pick("x.mp4", "x.avi", "no/x.mp4", "input", "x" * 300 + ".mp4", "input/small.png/x.mp4")
        arguments.append(f"--output={bench.folder / 'output' / name}")
    return f"{'UI' if is_canvas else 'API'} {' '.join(arguments[4:])}", lambda: run_command(arguments)


def template(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """The template, mutated, read and checked but not run."""
    registry = Registry.standard()
    data = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    if chance.often(0.4):
        data = read_workflow(TEMPLATE, registry).prompt()
    file = bench.folder / "input" / "template.json"
    file.write_bytes(_text(chance, mutated(chance, data)))
    for name in ("astronaut.png", "real3d_speech.flac"):
        (bench.folder / "input" / name).touch()

    def run() -> None:
        checked(read_workflow(file, registry), registry)

    return "template", run


def path(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A name inside a workflow: the file it leads to lies in its folder, or it is refused."""
    pieces = [chance.one_of(NAMES)]
    while chance.often(0.4):
        pieces.append(chance.one_of((*NAMES, "..", "..", "a")))
    name = chance.pick("/", "\\", "").join(pieces)
    for folder in ("input", "output"):
        place = bench.folder / folder
        place.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(bench.folder.parent, place / "link")
            os.symlink(place / "loop", place / "loop")
        (place / "file").touch()
    (bench.folder / "secret").touch()
    reads = chance.often(0.5)

    def run() -> None:
        found = paths.input_file(name) if reads else paths.numbered_output(name, ".mp4", 4, 4).path
        folders = [(bench.folder / one).resolve() for one in ("input", "output", "temp")]
        if not any(found.resolve().is_relative_to(folder) for folder in folders):
            raise AssertionError(f"{name!r} leads to {found}")

    return f"{'read' if reads else 'write'} {name[:80]!r}", run
