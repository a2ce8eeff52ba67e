"""The three commands of quickstart.py: demo, test and nets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .console import QuickstartError, Steps, must_run, run, say
from .environment import install_packages, make_venv
from .face_nets import get_nets
from .pytorch import TORCH, install_torch

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MODELS = ROOT / "models" / "real3d_portrait"
VIDEO = ROOT / "output" / "talking_portrait.mp4"
CHECKS = ("ruff check .", "ruff format --check .", "pytest -q --durations=10 -n 2 --dist loadgroup")
NETS_TITLE = "Get the face nets (36 MB download, 4 MB kept)"


def demo(options: argparse.Namespace) -> None:
    """Environment, nets, inputs, video, contact sheet."""
    chosen = {"Load Portrait.image": options.photo, "Load Audio.audio": options.audio}
    chosen = {where: file.resolve() for where, file in chosen.items() if file is not None}
    for file in chosen.values():
        if not file.is_file():
            raise QuickstartError(f"There is no file {file}; check the path.")
    video = options.output.resolve()
    sheet = video.with_suffix(".png")
    steps = Steps(7)
    python = prepare(steps, ("requirements.txt", "requirements-demo.txt"))
    with steps.step("Put the demo's portrait and speech into input/"):
        make_inputs = [python, "-m", "demo.make_inputs", ROOT / "input"]
        must_run(make_inputs, "The demo's inputs were not made", cwd=ROOT)
    with steps.step("Render the talking portrait"):
        settings = [part for where, file in chosen.items() for part in ("--set", f"{where}={file}")]
        workflow = ROOT / "workflows" / "talking_portrait.json"
        render = [python, ROOT / "run_workflow.py", workflow, "--output", video, *settings]
        must_run(render, "The video was not made", cwd=ROOT)
    with steps.step("Make a contact sheet"):
        make_sheet = [python, "-m", "demo.make_contact_sheet", video, sheet]
        must_run(make_sheet, "The contact sheet was not made", cwd=ROOT)
    say(f"\nThe video:         {video}\nThe contact sheet: {sheet}")
    if not chosen:
        say("Now with your own: python quickstart.py --photo me.jpg --audio hello.wav")


def test(_options: argparse.Namespace) -> None:
    """Environment with the development tools, nets, lint, format, tests: runs all, then names the failed."""
    steps = Steps(7)
    python = prepare(steps, ("requirements.txt", "requirements-dev.txt"))
    failed = []
    for tool in CHECKS:
        with steps.step(tool):
            if run([python, "-m", *tool.split()], cwd=ROOT) != 0:
                failed.append(tool)
                say("      FAILED")
    if failed:
        raise QuickstartError(f"Failed: {', '.join(failed)}; the lines above say why.")
    say("\nAll passed.")


def nets(options: argparse.Namespace) -> None:
    """The face nets alone, with the pip of the Python that runs this."""
    with Steps(1).step(NETS_TITLE):
        get_nets(options.models.resolve(), sys.executable)


def prepare(steps: Steps, requirements: Sequence[str]) -> Path:
    """The four steps that the demo and the tests share; returns the environment's interpreter."""
    with steps.step(f"Make the environment {VENV}"):
        python = make_venv(VENV)
    with steps.step(f"Install {TORCH} (the CPU build is about 200 MB)"):
        install_torch(python, VENV)
    with steps.step(f"Install {' and '.join(requirements)} (about 250 MB)"):
        install_packages(python, VENV, [ROOT / name for name in requirements], TORCH)
    with steps.step(NETS_TITLE):
        get_nets(MODELS, python)
    return python


def parse(description: str, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="quickstart.py", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=("demo", "test", "nets"), default="demo")
    parser.add_argument("--photo", type=Path, help="demo: a portrait of your own")
    parser.add_argument("--audio", type=Path, help="demo: speech of your own")
    parser.add_argument("--output", type=Path, default=VIDEO, help="demo: the video (%(default)s)")
    parser.add_argument("--models", type=Path, default=MODELS, help="nets: where to put them (%(default)s)")
    return parser.parse_args(arguments)


def main(description: str, arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status (0 done, 1 failed, 130 interrupted)."""
    options = parse(description, arguments)
    try:
        {"demo": demo, "test": test, "nets": nets}[options.command](options)
    except QuickstartError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to continue.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"\n{error}; check the free space and your rights to write there.", file=sys.stderr)
        return 1
    return 0
