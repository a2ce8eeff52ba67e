"""The command line of run_workflow.py."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...real3d_core.part_files import whole_file
from .execute import run
from .exit_code import exit_code_of
from .graph import Graph, Registry, read_workflow
from .session import PACK_FOLDER, Session, using
from .settings import apply_settings

DESCRIPTION = "Runs a workflow of the Real3D-Portrait nodes without a ComfyUI server."
EPILOG = """examples:
  python run_workflow.py workflows/talking_portrait.json
  python run_workflow.py workflows/talking_portrait.json --set "Load Portrait.image=me.jpg" \\
         --set "Load Audio.audio=hello.wav" --output me.mp4
  python run_workflow.py --benchmark workflows/talking_portrait.json

A file named in the workflow must lie in the input folder; one that you type after --set may lie anywhere."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, 1 for an error, 2 for bad usage, 130 if interrupted."""
    options = _parser().parse_args(arguments)
    return exit_code_of(lambda: _run(options), options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_workflow.py",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "workflow", type=Path, nargs="?", help="workflow JSON, saved by Save or by Export (API)"
    )
    parser.add_argument(
        "--list", action="store_true", help="print the ids and names of the nodes that can be run"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NODE.INPUT=VALUE",
        help="change an input; the node is named by its id or title; may be given several times",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="where the video goes (default: numbered)"
    )
    folders = parser.add_argument_group("folders")
    for name in ("input", "output", "temp", "models"):
        flag = "--models" if name == "models" else f"--{name}-folder"
        folders.add_argument(
            flag, type=Path, metavar="DIR", dest=f"{name}_folder", default=PACK_FOLDER / name
        )
    benchmark = parser.add_argument_group("benchmark")
    benchmark.add_argument(
        "--benchmark", action="store_true", help="time the workflow instead of only running it"
    )
    benchmark.add_argument("--frames", type=int, default=100, help="frames of each timed run (default: 100)")
    benchmark.add_argument("--runs", type=int, default=3, help="timed runs, the median counts (default: 3)")
    benchmark.add_argument("--plain-frames", type=int, default=4, help="frames of the plain run (default: 4)")
    benchmark.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _run(options: argparse.Namespace) -> int:
    registry = Registry.standard()
    if options.list:
        for kind in registry.ids():
            print(f"{kind:24}{registry.schema(kind).title}")
        return 0
    if options.workflow is None:
        _parser().error("name a workflow file, or use --list")
    with _ProgressBars() as bars:
        session = Session(
            input=options.input_folder.resolve(),
            output=options.output_folder.resolve(),
            temp=options.temp_folder.resolve(),
            models=options.models_folder.resolve(),
            output_file=options.output and options.output.resolve(),
            on_progress=bars,
        )
        with using(session):  # the choices of an input are what lies in these folders
            changed = apply_settings(read_workflow(options.workflow, registry), options.set, registry)
        with using(replace(session, trusted=changed.trusted)):
            if options.benchmark:
                return _benchmark(changed.graph, registry, options)
            result = run(changed.graph, registry)
    for path in result.saved:
        print(path)
    return 0


def _benchmark(graph: Graph, registry: Registry, options: argparse.Namespace) -> int:
    from .benchmark import benchmark, table

    figures = benchmark(graph, registry, options.frames, options.runs, options.plain_frames)
    print(table(figures))
    text = json.dumps(figures.as_dict(), indent=2)
    print(text)
    if options.json is not None:
        with whole_file(options.json) as part:
            part.write_text(text + "\n", encoding="utf-8")
    return 0


class _ProgressBars:
    """One bar for each node that has something to tell, on stderr."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._label = ""

    def __enter__(self) -> _ProgressBars:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, label: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if self._bar is None or label != self._label or done < self._bar.n:
            if self._bar is not None:
                self._bar.close()
            self._label = label
            # In a log file every update is a line of its own: one every ten seconds is enough there.
            pause = 0.1 if sys.stderr.isatty() else 10.0
            self._bar = tqdm(total=total, desc=label, file=sys.stderr, dynamic_ncols=True, mininterval=pause)
        self._bar.update(done - self._bar.n)
