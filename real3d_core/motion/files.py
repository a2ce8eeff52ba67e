"""Motion files: our own JSON, bit-exact, and Live Link Face's CSV. docs/motion_file.md describes both.

A motion file is something people share, so what is in it is not to be trusted: every way in which it can be
wrong is a MotionError of one sentence, found before much memory is spent.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

from ..errors import MotionError
from ..part_files import whole_file
from ..wires import ARKIT_NAMES, MOST_FPS, Motion

FORMAT, VERSION = "real3d-motion", 1
MOST_FILE_FRAMES = 100_000  # 67 minutes at 25 frames/s
MOST_BYTES = 192 * 2**20  # that many frames with a 3DMM expression
_WIDTHS = {"blendshapes": len(ARKIT_NAMES), "euler": 3, "translation": 3, "expression": 64}
_MOST_NUMBERS = MOST_FILE_FRAMES * (sum(_WIDTHS.values()) + len(_WIDTHS))


def save_motion(motion: Motion, path: Path) -> None:
    """Writes a motion as `path`'s ending says: .json, or .csv for Live Link Face.

    Raises MotionError for another ending or a motion too long for a file, OutputError if nothing can be
    written there.
    """
    from .live_link import csv_of

    writers = {".json": json_of, ".csv": csv_of}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise MotionError(f"{path.name} ends neither in .json nor in .csv; choose one of them.")
    if len(motion) > MOST_FILE_FRAMES:
        raise MotionError(
            f"The motion has {len(motion)} frames where a file holds {MOST_FILE_FRAMES}; save it in parts."
        )
    text = writer(motion)
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def load_motion(path: Path, fps: float = 0.0) -> Motion:
    """The motion of a .json or .csv file. Raises MotionError if it cannot be read.

    fps     frame rate of a CSV whose timecode is not to be trusted; 0 = as the timecode says.
    """
    from .live_link import motion_of_csv

    text = _text_of(path)
    if path.suffix.lower() == ".csv":
        return motion_of_csv(text, path.name, fps)
    return motion_of_json(text, path.name)


def _text_of(path: Path) -> str:
    """The text of a file of bearable size."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise MotionError(
            f"{path.name} cannot be read ({error.strerror or error}); check the file."
        ) from error
    if len(data) > MOST_BYTES:
        raise MotionError(
            f"{path.name} is larger than the {MOST_BYTES // 2**20} MB of {MOST_FILE_FRAMES} frames;"
            " cut it into parts."
        )
    if data.count(b",") > _MOST_NUMBERS or data.count(b"[") > len(_WIDTHS) * (MOST_FILE_FRAMES + 2):
        raise MotionError(
            f"{path.name} holds more numbers or lists than a motion of {MOST_FILE_FRAMES} frames;"
            " cut it into parts."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MotionError(f"{path.name} is no text; choose a .json or .csv motion file.") from error


def json_of(motion: Motion) -> str:
    """The motion as JSON, a line for each frame; nine digits bring every float32 back bit for bit."""
    motion = motion.to("cpu")
    head = {
        "format": FORMAT,
        "version": VERSION,
        "fps": motion.fps,
        "frames": len(motion),
        "blendshape_names": list(ARKIT_NAMES),
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    for name in _WIDTHS:
        rows = getattr(motion, name)
        if rows is not None:
            table = ",\n".join(f"    [{', '.join(f'{v:.9g}' for v in row)}]" for row in rows.tolist())
            lines.append(f'  "{name}": [\n{table}\n  ]')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def motion_of_json(text: str, name: str) -> Motion:
    """The motion that `json_of` wrote. Raises MotionError, naming the file `name`, for anything else."""
    content = _parsed(text, name)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise MotionError(f'{name} is no motion file (its "format" is not "{FORMAT}"); choose another file.')
    if content.get("version") != VERSION:
        raise MotionError(
            f"{name} has a version that this pack does not know; update the pack, or save the motion anew."
        )
    fps = content.get("fps")
    if not isinstance(fps, float) or not 0 < fps <= MOST_FPS:
        raise MotionError(f'{name} has no usable "fps"; it must be a number up to {MOST_FPS}.')
    tables = {key: _table(content, key, name) for key in _WIDTHS if key in content or key != "expression"}
    counts = {len(table) for table in tables.values()}
    said = content.get("frames", float(max(counts)))
    if not isinstance(said, float) or counts != {said}:
        raise MotionError(f"The parts of {name} have different numbers of frames; save the motion anew.")
    weights = tables["blendshapes"][:, _columns(content.get("blendshape_names"), name)]
    return Motion(fps, weights, tables["euler"], tables["translation"], tables.get("expression"))


def _parsed(text: str, name: str) -> Any:
    """What a JSON text holds; every number a float."""

    def refuse(word: str) -> None:
        raise MotionError(f"{name} holds {word}, which is no number; save the motion anew.")

    try:
        return json.loads(text, parse_int=float, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise MotionError(f"{name} is damaged: it is not JSON{where}; save the motion anew.") from error


def _table(content: dict[str, Any], key: str, name: str) -> torch.Tensor:
    """[T, n] float32 of one part of a file."""
    rows, width = content.get(key), _WIDTHS[key]
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_FILE_FRAMES:
        raise MotionError(
            f'{name} has no usable "{key}"; it must be a list of 1 to {MOST_FILE_FRAMES} frames.'
        )
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width or not all(type(v) is float for v in row):
            raise MotionError(
                f'Frame {index} of "{key}" in {name} is not a list of {width} numbers; mend it.'
            )
    table = torch.tensor(rows, dtype=torch.float64).float()
    if not bool(torch.isfinite(table).all()):
        raise MotionError(f'"{key}" in {name} holds numbers that are too large; mend the file.')
    return table


def _columns(names: Any, name: str) -> list[int]:
    """For each ARKit name its column in a file that names its columns so."""
    if not isinstance(names, list) or sorted(map(str, names)) != sorted(ARKIT_NAMES):
        raise MotionError(
            f'"blendshape_names" in {name} are not the 52 names of ARKit, each once; save the motion anew.'
        )
    return [names.index(one) for one in ARKIT_NAMES]


def is_number(text: str) -> bool:
    """Whether a text is a finite number as float32 holds it."""
    try:
        return math.isfinite(float(text)) and abs(float(text)) < 3e38
    except ValueError:
        return False
