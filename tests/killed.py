"""Kills runs of run_workflow.py at random moments: `python -m tests.killed --kills 10 --seed 1`.

After each kill every file under a final name must be whole, and the next run must work and leave nothing of
the killed one behind. Prints a line for each kill; exit code 1 if anything was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from real3d_core.part_files import PART

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "workflows" / "talking_portrait.json"
TIMEOUT = 300  # seconds for one run on a slow machine


@dataclass(frozen=True)
class Place:
    """A folder with the inputs of the demo, where runs write; `frames` is the length of a whole result."""

    folder: Path
    models: Path
    frames: int

    @property
    def result(self) -> Path:
        return self.folder / "output" / "talk.mp4"

    def start(self) -> subprocess.Popen[str]:
        """A run of the template that writes `result`."""
        folders = [f"--{name}-folder={self.folder / name}" for name in ("input", "output", "temp")]
        files = ["--set=Load Portrait.image=astronaut.png", "--set=Load Audio.audio=speech.flac"]
        command = [sys.executable, str(ROOT / "run_workflow.py"), str(TEMPLATE), *folders, *files]
        command += [f"--models={self.models}", f"--output={self.result}"]
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def left(self) -> list[Path]:
        """All files that runs have made."""
        folders = (self.folder / "output", self.folder / "temp")
        return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def make_place(folder: Path, models: Path, seconds: float = 0.6) -> Place:
    """Puts the demo portrait and the beginning of the demo speech into `folder`/input."""
    from PIL import Image
    from skimage.data import astronaut

    from tests.sounds import write_flac

    (folder / "input").mkdir(parents=True)
    Image.fromarray(astronaut()).save(folder / "input" / "astronaut.png")
    write_flac(folder / "input" / "speech.flac", ROOT / "demo" / "speech.flac", seconds)
    return Place(folder, models, round(seconds * 25))


def broken(place: Place) -> list[str]:
    """What is wrong with the files under final names; part files and masters of dead runs may lie about."""
    return [f"{path.name}: {why}" for path in place.left() if (why := _fault(path, place.frames))]


def _fault(path: Path, frames: int) -> str:
    from PIL import Image

    from real3d_core.video.decoder import read_video

    if PART.fullmatch(path.name):
        return ""
    try:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                picture.load()
        else:
            found = sum(1 for _ in read_video(path).frames())
            return "" if found == frames else f"has {found} of {frames} frames"
    except Exception as error:
        return f"cannot be read ({error})"
    return ""


def kill_one(place: Place, due: Callable[[subprocess.Popen[str]], None]) -> list[str]:
    """Starts a run, kills it when `due` returns, and runs again; what was found wrong."""
    run = place.start()
    due(run)
    run.kill()
    run.communicate()
    faults = broken(place)
    for path in place.left():  # the masters of killed runs go once they have lain for a minute
        if path.name.startswith("real3d_master"):
            os.utime(path, (time.time() - 3600,) * 2)
    again = place.start()
    _, told = again.communicate(timeout=TIMEOUT)
    if again.returncode != 0 or not place.result.is_file():
        faults.append(f"the next run ended with {again.returncode}: {told.strip()[-300:]}")
    extra = [path.name for path in place.left() if path != place.result and path.suffix != ".png"]
    return faults + broken(place) + [f"{name} was left behind" for name in extra]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    options = parser.parse_args()
    chance, bad = random.Random(options.seed), 0
    with tempfile.TemporaryDirectory(prefix="real3d_killed_") as name:
        place = make_place(Path(name), options.models.resolve(), seconds=1.6)
        start = time.perf_counter()
        place.start().communicate(timeout=TIMEOUT)
        whole = time.perf_counter() - start
        print(f"a whole run takes {whole:.1f} s and leaves {[path.name for path in place.left()]}")
        for number in range(1, options.kills + 1):
            moment = chance.uniform(0.02, 1.0) * whole
            place.result.unlink(missing_ok=True) if number % 2 else None

            def due(run: subprocess.Popen[str], seconds: float = moment) -> None:
                time.sleep(seconds)

            faults = kill_one(place, due)
            bad += bool(faults)
            print(f"kill {number:2} after {moment:5.2f} s: {'; '.join(faults) or 'well'}", flush=True)
    print(f"{options.kills} kills, {bad} with faults")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
