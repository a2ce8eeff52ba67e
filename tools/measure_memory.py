"""Measures that memory does not grow with the clip.

    python -m tools.measure_memory [--seconds 10 60] [--format mp4]
    python -m tools.measure_memory --comfyui [--seconds 10 60]

Runs the template by run_workflow.py, a process for each clip, with speech of both lengths, and compares the
peaks of resident memory. Exits with 1 if the long one takes more than 1.15 times the short one's. Two minutes
on two free cores; Linux and macOS.

With --comfyui the process is a fresh ComfyUI server for each clip, whose own Save Video saves the video on
demand; which ComfyUI, the variables of the server tests say (CONTRIBUTING.md). Four minutes; Linux.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from real3d_core.video.decoder import read_audio

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "workflows" / "talking_portrait.json"
MOST = 1.15  # times the short clip's peak that a long one may take


@dataclass(frozen=True)
class Peak:
    """A run of `seconds` of speech: the peak of its memory in MB, and its wall time in seconds."""

    seconds: float
    megabytes: float
    wall: float


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.measure_memory", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--seconds", type=float, nargs=2, default=(10, 60), help="lengths (default: 10 60)")
    parser.add_argument("--comfyui", action="store_true", help="through the Save Video of a ComfyUI server")
    parser.add_argument("--format", default="mp4", help="of Video Combine (default: mp4)")
    parser.add_argument("--deliver", default="video on demand", help="of HTB-SR")
    parser.add_argument("--fps", type=float, default=25.0, help="frames per second (default: 25)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure = measured_on_server if options.comfyui else measured
        short, long = (measure(one, options, Path(folder)) for one in options.seconds)
    ratio = long.megabytes / short.megabytes
    for one in (short, long):
        print(f"{one.seconds:6g} s of speech: peak {one.megabytes:.0f} MB, {one.wall:.0f} s")
    print(f"ratio {ratio:.3f}, at most {MOST}")
    return 0 if ratio <= MOST else 1


def measured(seconds: float, options: argparse.Namespace, folder: Path) -> Peak:
    """Renders `seconds` of speech in a process of its own."""
    photo, speech = write_inputs(folder, seconds)
    settings = {
        "Load Portrait.image": photo,
        "Load Audio.audio": speech,
        "Audio-to-Motion.fps": options.fps,
        "HTB-SR.deliver": options.deliver,
        "Video Combine.format": options.format,
    }
    command = [sys.executable, ROOT / "run_workflow.py", TEMPLATE]
    command += [f"--set={name}={value}" for name, value in settings.items()]
    command += [f"--{kind}-folder={folder / kind}" for kind in ("output", "temp")]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(told)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Peak(seconds, usage.ru_maxrss / unit, time.monotonic() - start)


def measured_on_server(seconds: float, options: argparse.Namespace, folder: Path) -> Peak:
    """Renders `seconds` of speech in a fresh server, through core's Save Video."""
    from tests.comfyui.server import ComfyServer, ServerSetup

    setup = ServerSetup.from_environment()
    if reason := setup.missing():
        raise SystemExit(reason)
    base = folder / f"{seconds:g}"
    (base / "input").mkdir(parents=True)
    photo, speech = write_inputs(base / "input", seconds)
    server = ComfyServer(setup, base, Path(os.environ.get("R3DP_MODELS", ROOT / "models")))
    try:
        graph = with_defaults(
            saved_on_demand(photo.name, speech.name, options.fps), server.get("/object_info")
        )
        start = time.monotonic()
        server.run(graph, 120 + 60 * seconds)
        wall = time.monotonic() - start
        saved = [path for path in server.files("output") if path.suffix == ".mp4"]
        if len(saved) != 1:
            raise SystemExit(f"{len(saved)} files were saved")
        return Peak(seconds, server.peak_memory() / 2**20, wall)
    finally:
        server.stop()


def saved_on_demand(photo: str, speech: str, fps: float) -> dict[str, Any]:
    """The template up to HTB-SR, and Save Video, in API format; inputs left out keep their defaults."""
    nodes = {
        "portrait": ("R3DP_LoadPortrait", {"image": photo}),
        "plane": ("R3DP_ImageToPlane", {"portrait": ["portrait", 0]}),
        "sound": ("LoadAudio", {"audio": speech}),
        "motion": ("R3DP_AudioToMotion", {"audio": ["sound", 0], "fps": fps}),
        "clip": (
            "R3DP_MotionAdapter",
            {"triplane": ["plane", 0], "portrait": ["portrait", 0], "motion": ["motion", 0]},
        ),
        "head": ("R3DP_RenderTriplane", {"triplane": ["clip", 0]}),
        "pictures": (
            "R3DP_HTBSR",
            {
                "head": ["head", 0],
                "portrait": ["portrait", 0],
                "audio": ["sound", 0],
                "deliver": "video on demand",
            },
        ),
        "saved": ("SaveVideo", {"video": ["pictures", 1], "format": "auto", "codec": "auto"}),
    }
    return {key: {"class_type": kind, "inputs": inputs} for key, (kind, inputs) in nodes.items()}


def with_defaults(graph: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The graph with all required inputs that have a default: a server asks for every one of them."""
    for node in graph.values():
        for name, (_, *options) in known[node["class_type"]]["input"].get("required", {}).items():
            if options and "default" in options[0]:
                node["inputs"].setdefault(name, options[0]["default"])
    return graph


def write_inputs(folder: Path, seconds: float) -> tuple[Path, Path]:
    """The paths of a photo and of `seconds` of speech, written into `folder`."""
    from skimage import data

    photo, speech = folder / "photo.png", folder / f"{seconds:g}.wav"
    Image.fromarray(data.astronaut()).save(photo)
    write_speech(speech, seconds)
    return photo, speech


def write_speech(path: Path, seconds: float) -> None:
    """The demo's speech over and over, as a 16-bit WAV file."""
    speech = read_audio(ROOT / "demo" / "speech.flac")
    samples = np.resize(speech.waveform.mean(0).numpy(), round(seconds * speech.sample_rate))
    with wave.open(os.fspath(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.sample_rate)
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    sys.exit(main())
