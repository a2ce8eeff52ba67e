"""Puts the demo's two inputs where its workflow looks for them: `python -m demo.make_inputs FOLDER`.

astronaut.png           scikit-image's picture of Eileen Collins (NASA, public domain)
real3d_speech.flac      the speech clip beside this file; NOTICE says where it comes from
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

SPEECH = Path(__file__).resolve().parent / "speech.flac"


def make_inputs(folder: Path) -> None:
    """Writes the inputs that `folder` lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    make(folder / "astronaut.png", save_astronaut)
    make(folder / "real3d_speech.flac", lambda path: shutil.copyfile(SPEECH, path))


def make(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write` for a name beside `path` and moves the result into place; a file that is there stays."""
    if path.is_file():
        return
    part = path.with_name(f"part-{os.getpid()}-{path.name}")
    try:
        write(part)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def save_astronaut(path: Path) -> None:
    """Writes the portrait as PNG."""
    from PIL import Image
    from skimage.data import astronaut

    Image.fromarray(astronaut()).save(path)


if __name__ == "__main__":
    make_inputs(Path(sys.argv[1]))
