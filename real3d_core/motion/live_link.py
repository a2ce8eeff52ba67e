"""Live Link Face's CSV: 61 columns after Timecode and BlendShapeCount. docs/motion_file.md describes it.

Convention
    Weights as in ARKIT_NAMES. Angles in radians by ARKit's face axes, which are those of wires.py: x to the
    person's left (the image's right), y up, z out of the face. The format has no translation, no expression.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import MotionError
from ..wires import ARKIT_INDEX, ARKIT_NAMES, MOST_FPS, Motion
from .files import MOST_FILE_FRAMES, is_number
from .resample import at_rows
from .timecode import Clock, clock_of, timecodes

EYE_DEGREES = 30.0  # of eyeLook 1
_EYES = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
_MOUTH = (
    "JawForward JawRight JawLeft JawOpen MouthClose MouthFunnel MouthPucker MouthRight MouthLeft"
    " MouthSmileLeft MouthSmileRight MouthFrownLeft MouthFrownRight MouthDimpleLeft MouthDimpleRight"
    " MouthStretchLeft MouthStretchRight MouthRollLower MouthRollUpper MouthShrugLower MouthShrugUpper"
    " MouthPressLeft MouthPressRight MouthLowerDownLeft MouthLowerDownRight MouthUpperUpLeft"
    " MouthUpperUpRight BrowDownLeft BrowDownRight BrowInnerUp BrowOuterUpLeft BrowOuterUpRight"
    " CheekPuff CheekSquintLeft CheekSquintRight NoseSneerLeft NoseSneerRight TongueOut"
)
WEIGHTS: tuple[str, ...] = (
    *(f"Eye{part}{side}" for side in ("Left", "Right") for part in _EYES),
    *_MOUTH.split(),
)
HEAD: tuple[str, ...] = ("HeadYaw", "HeadPitch", "HeadRoll")
EYES: tuple[str, ...] = tuple(
    f"{side}Eye{axis}" for side in ("Left", "Right") for axis in ("Yaw", "Pitch", "Roll")
)
COLUMNS: tuple[str, ...] = (*WEIGHTS, *HEAD, *EYES)
"""The app's 61 columns, in its order."""
_EULER = [1, 0, 2]  # (yaw, pitch, roll) <-> (pitch, yaw, roll)


@dataclass(frozen=True)
class _Rows:
    """What a file holds: codes, one for each row; values [n, 61] float32, rows without a face NaN."""

    codes: list[str]
    values: np.ndarray


def csv_of(motion: Motion) -> str:
    """The motion as Live Link Face writes a take; nine digits bring weights and angles back."""
    motion = motion.to("cpu")
    weights = motion.blendshapes[:, [ARKIT_INDEX[_own_name(name)] for name in WEIGHTS]]
    values = torch.cat([weights, motion.euler[:, _EULER], _eye_angles(motion)], 1).tolist()
    codes = timecodes(len(motion), motion.fps)
    lines = [",".join(("Timecode", "BlendShapeCount", *COLUMNS))]
    for code, row in zip(codes, values, strict=True):
        lines.append(f"{code},{len(COLUMNS)},{','.join(f'{value:.9g}' for value in row)}")
    return "\n".join(lines) + "\n"


def motion_of_csv(text: str, name: str, fps: float = 0.0) -> Motion:
    """The motion of a take, at the rate of its timecode, or at `fps` without regard to the timecode.

    Columns are found by name. Rows without a face (BlendShapeCount 0) and missing rows are bridged. Angles
    beyond pi are taken as degrees. Raises MotionError, naming the file `name`, if it cannot be read.
    """
    rows = _rows_of(text, name)
    seen = np.isfinite(rows.values[:, 0])
    if fps:
        if not 1 <= fps <= MOST_FPS:
            raise MotionError(f"A frame rate of {fps} was asked for; choose 1 to {MOST_FPS}, or 0.")
        clock = Clock(np.arange(len(rows.codes)) / fps, fps)
    else:
        clock = clock_of(rows.codes, name)
    values = torch.from_numpy(rows.values[seen])
    motion = _motion_of(values, clock.fps)
    return _at_even_times(motion, clock.seconds[seen], clock, name)


def _rows_of(text: str, name: str) -> _Rows:
    """The rows of a file, checked; MotionError if it is not of this format."""
    lines = text.splitlines()
    if len(lines) > MOST_FILE_FRAMES + 100:
        raise MotionError(f"{name} has {len(lines)} rows where {MOST_FILE_FRAMES} are possible; cut it.")
    try:
        table = [row for row in csv.reader(lines) if any(map(str.strip, row))]
    except csv.Error as error:
        raise MotionError(f"{name} is damaged: it is no CSV ({error}); export the take anew.") from error
    header = [cell.strip().lower() for cell in table[0]] if table else []
    missing = [one for one in ("Timecode", *WEIGHTS) if header.count(one.lower()) != 1]
    if missing:
        raise MotionError(
            f"{name} is no Live Link Face take: the column {missing[0]} ({len(missing)} in all) is not there"
            " exactly once; export the take anew."
        )
    places = [header.index(one.lower()) if one.lower() in header else None for one in COLUMNS]
    time, count = header.index("timecode"), _place(header, "blendshapecount")
    values = np.zeros((len(table) - 1, len(COLUMNS)), np.float32)
    for index, row in enumerate(table[1:]):
        if count is not None and count < len(row) and row[count].strip() == "0":
            values[index] = np.nan
            continue
        values[index] = _numbers(row, len(header), places, index, name)
    if not np.isfinite(values).any():
        raise MotionError(f"{name} holds no frame with a face; choose another take.")
    return _Rows([row[time] if time < len(row) else "" for row in table[1:]], values)


def _place(header: list[str], name: str) -> int | None:
    return header.index(name) if name in header else None


def _numbers(row: list[str], width: int, places: list[int | None], index: int, name: str) -> list[float]:
    """The 61 numbers of a row; columns that the file lacks are 0."""
    if len(row) != width:
        raise MotionError(
            f"Row {index + 1} of {name} has {len(row)} cells where its header has {width}; export it anew."
        )
    cells = ["0" if place is None else row[place] for place in places]
    for cell, column in zip(cells, COLUMNS, strict=True):
        if not is_number(cell):
            raise MotionError(f"{column} in row {index + 1} of {name} is {cell[:40]!r}, no number; mend it.")
    return [float(cell) for cell in cells]


def _motion_of(values: Tensor, fps: float) -> Motion:
    """The motion of rows [n, 61]."""
    columns = {_own_name(column): index for index, column in enumerate(WEIGHTS)}
    weights = values[:, [columns[name] for name in ARKIT_NAMES]]
    head, eyes = values[:, len(WEIGHTS) : len(WEIGHTS) + 3], values[:, -6:]
    if bool((torch.cat([head, eyes], 1).abs() > math.pi).any()):
        head, eyes = torch.deg2rad(head), torch.deg2rad(eyes)
    looks = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith("eyeLook")]
    motion = Motion(fps, weights, head[:, _EULER], torch.zeros(len(values), 3))
    if not bool(weights[:, looks].any()) and bool(eyes.any()):
        return _looking(motion, eyes)
    return motion


def _at_even_times(motion: Motion, seconds: np.ndarray, clock: Clock, name: str) -> Motion:
    """Rows at `seconds` -> one frame for each 1 / fps, unless they are so already."""
    steps = clock.seconds * clock.fps
    whole = len(seconds) == len(clock.seconds)
    if whole and np.abs(steps - np.arange(len(steps))).max() < 0.5:
        return motion
    count = round(float(steps[-1])) + 1
    if count > MOST_FILE_FRAMES:
        raise MotionError(
            f"{name} lasts {clock.seconds[-1]:.0f} s, {count} frames, where {MOST_FILE_FRAMES} are possible;"
            " cut it, or give the frame rate."
        )
    positions = np.interp(np.arange(count), seconds * clock.fps, np.arange(len(seconds)))
    return at_rows(motion, torch.from_numpy(positions))


def _own_name(column: str) -> str:
    """Live Link's EyeBlinkLeft is ARKit's eyeBlinkLeft."""
    return column[0].lower() + column[1:]


def _eye_angles(motion: Motion) -> Tensor:
    """[T, 6] yaw, pitch, roll of the left, then the right eye, radians, from the eyeLook weights."""
    radians = math.radians(EYE_DEGREES)
    parts = []
    for side, towards_left, towards_right in (("Left", "Out", "In"), ("Right", "In", "Out")):
        look = {one: motion.channel(f"eyeLook{one}{side}") for one in ("In", "Out", "Up", "Down")}
        yaw = (look[towards_left] - look[towards_right]) * radians
        pitch = (look["Down"] - look["Up"]) * radians
        parts += [yaw, pitch, torch.zeros_like(yaw)]
    return torch.stack(parts, 1)


def _looking(motion: Motion, eyes: Tensor) -> Motion:
    """The motion with eyeLook weights from the angles [T, 6] of the eyes."""
    weights = motion.blendshapes.clone()
    share = eyes / math.radians(EYE_DEGREES)
    for side, yaw, pitch in (("Left", share[:, 0], share[:, 1]), ("Right", -share[:, 3], share[:, 4])):
        values = {"Out": yaw, "In": -yaw, "Down": pitch, "Up": -pitch}
        for direction, value in values.items():
            weights[:, ARKIT_INDEX[f"eyeLook{direction}{side}"]] = value.clamp(0, 1)
    return replace(motion, blendshapes=weights)
