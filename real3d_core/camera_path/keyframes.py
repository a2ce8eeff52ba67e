"""Keyframes of a camera, written as text or JSON.

Text: a keyframe a line, `time: channel value, channel value, easing`; what follows # is a remark.

    0:    yaw -10
    1.5s: yaw 10, pitch 4, ease out
    75f:  yaw 0, dolly 0.9        # the 75th frame, counted from 0

A time is in seconds, or a frame with f. JSON: a list of objects, alone or as {"keyframes": [...]}, such as
{"time": 1.5, "yaw": 10, "easing": "linear"} or {"frame": 75, "dolly": 0.9}.

A channel moves between the keyframes that name it and holds its first and last value outside of them; an
easing is that of the way from this keyframe to the next; "hold" jumps there, "through" passes the keyframes
at both ends without stopping. See docs/model.md, "Camera Path".
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ..errors import CameraError
from ..wires import Camera
from .easing import EASINGS, eased
from .tracks import track

ANGLES, SHARES, FACTORS = ("yaw", "pitch", "roll"), ("shift_x", "shift_y"), ("dolly", "field_of_view")
CHANNELS = (*ANGLES, *FACTORS, *SHARES)
HOLD, THROUGH = "hold", "through"
WAYS = (*EASINGS, HOLD, THROUGH)
MOST_TEXT, MOST_KEYS = 200_000, 10_000
MOST_SECONDS = 86_400.0
# Lowest and highest value of a channel: degrees, factors, shares of the picture.
RANGES = dict.fromkeys(ANGLES, (-360.0, 360.0)) | dict.fromkeys(FACTORS, (0.05, 20.0))
RANGES |= dict.fromkeys(SHARES, (-2.0, 2.0))
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TIME = re.compile(rf"\s*({_NUMBER})\s*(s|f)?\s*")
_VALUE = re.compile(rf"\s*([A-Za-z_]+)\s*[ =]\s*({_NUMBER})\s*")


@dataclass(frozen=True)
class Keyframe:
    """time in s; values by channel (degrees, factors, shares); easing of the way to the next keyframe, None
    as the caller says; line of the text where it stands, from 1.
    """

    time: float
    values: dict[str, float]
    easing: str | None
    line: int


def keyframe_track(text: str, frames: int, fps: float, easing: str = "smooth") -> Camera:
    """The track that keyframes describe; the photo's own view where the text is empty.

    Raises CameraError, naming the line, for what cannot be understood or is out of range.
    """
    keys = parse_keyframes(text, fps)
    time = torch.arange(frames, dtype=torch.float64) / fps
    curves = {name: _curve(name, keys, time, easing) for name in CHANNELS}
    parts = {name: curves[name] for name in (*ANGLES, *FACTORS) if curves[name] is not None}
    right, down = (torch.zeros_like(time) if curves[name] is None else curves[name] for name in SHARES)
    return track(frames, shift=torch.stack([right, down], -1), **parts)


def parse_keyframes(text: str, fps: float) -> tuple[Keyframe, ...]:
    """The keyframes of a text or JSON in the order of time; `fps` turns frames into seconds.

    Raises CameraError, naming the line.
    """
    if len(text) > MOST_TEXT:
        raise CameraError(f"The keyframes are {len(text)} characters long; use at most {MOST_TEXT}.")
    keys = _of_json(text, fps) if text.lstrip()[:1] in ("[", "{") else _of_text(text, fps)
    if len(keys) > MOST_KEYS:
        raise CameraError(f"There are {len(keys)} keyframes; use at most {MOST_KEYS}.")
    keys = sorted(keys, key=lambda key: key.time)
    for before, after in pairwise(keys):
        if after.time - before.time < 1e-6:
            first, second = sorted((before.line, after.line))
            raise _wrong(second, f"the keyframe has the same time as that of line {first}; change one")
    return tuple(keys)


def _wrong(line: int, what: str) -> CameraError:
    return CameraError(f"Keyframes, line {line}: {what}.")


def _short(text: object) -> str:
    shown = str(text).strip()
    return repr(shown if len(shown) <= 60 else f"{shown[:57]}...")


def _of_text(text: str, fps: float) -> list[Keyframe]:
    lines = enumerate((line.partition("#")[0] for line in text.splitlines()), 1)
    return [_of_line(line, number, fps) for number, line in lines if line.strip()]


def _of_line(line: str, number: int, fps: float) -> Keyframe:
    head, colon, rest = line.partition(":")
    at = _TIME.fullmatch(head)
    if at is None or not colon:
        raise _wrong(
            number, f"{_short(line)} does not start with a time and a colon; write one such as 1.5: yaw 10"
        )
    values: dict[str, float] = {}
    easing = None
    for part in filter(str.strip, rest.split(",")):
        word = " ".join(part.lower().split())
        if word in WAYS:
            easing = word
            continue
        match = _VALUE.fullmatch(part)
        if match is None:
            raise _wrong(
                number,
                f"{_short(part)} is no channel with a number; use one such as yaw 10, or one of"
                f" {', '.join(WAYS)}",
            )
        name = match[1].lower()
        if name in values:
            raise _wrong(number, f"{name} is given twice; keep one")
        values[name] = _value(name, float(match[2]), number)
    time = float(at[1]) / fps if at[2] == "f" else float(at[1])
    return Keyframe(_time(time, number), values, easing, number)


def _of_json(text: str, fps: float) -> list[Keyframe]:
    start = text.find("[")
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise _wrong(
            error.lineno, f"this is no JSON ({error.msg}); correct it, or write plain text"
        ) from error
    except (RecursionError, ValueError) as error:
        raise CameraError("The keyframes are no usable JSON; write a list of flat objects.") from error
    if isinstance(whole, dict) and list(whole) == ["keyframes"]:
        whole = whole["keyframes"]
    if not isinstance(whole, list):
        raise _wrong(1, 'JSON of keyframes must be a list of objects, or {"keyframes": [...]}')
    keys, decoder, at = [], json.JSONDecoder(), start + 1
    for entry in whole:
        at = _after(text, at)
        keys.append(_of_entry(entry, text.count("\n", 0, at) + 1, fps))
        at = decoder.raw_decode(text, at)[1]
    return keys


def _after(text: str, at: int) -> int:
    """The start of the next entry of a JSON list."""
    while text[at] in " \t\r\n,":
        at += 1
    return at


def _of_entry(entry: Any, line: int, fps: float) -> Keyframe:
    if not isinstance(entry, dict):
        raise _wrong(line, f'{_short(entry)} is no object; use one such as {{"time": 1.5, "yaw": 10}}')
    entry = {str(name).lower(): value for name, value in entry.items()}
    given = [name for name in ("time", "frame") if name in entry]
    if len(given) != 1:
        raise _wrong(line, 'a keyframe needs either "time" in seconds or "frame"')
    easing = entry.pop("easing", None)
    if easing is not None and easing not in WAYS:
        raise _wrong(line, f"there is no easing {_short(easing)}; choose one of {', '.join(WAYS)}")
    at = _number(given[0], entry.pop(given[0]), line)
    values = {name: _value(name, _number(name, value, line), line) for name, value in entry.items()}
    return Keyframe(_time(at / fps if given == ["frame"] else at, line), values, easing, line)


def _number(name: str, value: Any, line: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(line, f"{_short(name)} is {_short(value)} where a number is needed")
    try:
        return float(value)
    except OverflowError as error:
        raise _wrong(line, f"{_short(name)} is too large a number; use a smaller one") from error


def _time(seconds: float, line: int) -> float:
    if not 0 <= seconds <= MOST_SECONDS:
        raise _wrong(
            line, f"the time {seconds:.6g} s is not between 0 and {MOST_SECONDS:g} s; correct the number"
        )
    return seconds


def _value(name: str, value: float, line: int) -> float:
    if name not in CHANNELS:
        raise _wrong(line, f"there is no channel {_short(name)}; use {', '.join(CHANNELS)}")
    low, high = RANGES[name]
    if not (math.isfinite(value) and low <= value <= high):
        raise _wrong(line, f"{name} is {value:.6g} where {low:g} to {high:g} is needed")
    return value


def _curve(name: str, keys: tuple[Keyframe, ...], time: Tensor, easing: str) -> Tensor | None:
    """[T] values of a channel in the units of a track; None if no keyframe names it."""
    own = [key for key in keys if name in key.values]
    if not own:
        return None
    values = [key.values[name] for key in own]
    if name in FACTORS:  # half-way between 0.5 and 2 is 1
        values = [math.log(value) for value in values]
    level = torch.tensor([values[0], *values], dtype=time.dtype)  # before the first keyframe its own value
    starts = torch.tensor([key.time for key in own], dtype=time.dtype)
    at = torch.searchsorted(starts, time + 1e-9, right=True)  # how many keyframes have come
    last = (at - 1).clamp(min=0)
    lengths = torch.diff(starts, append=starts[-1:] + 1)
    part = ((time - starts[last]) / lengths[last]).clamp(0, 1)
    ways = [key.easing or easing for key in own]
    done = torch.zeros_like(time)
    for name_of_way in set(ways):
        here = torch.tensor([way == name_of_way for way in ways])[last]
        done = torch.where(here, _way(part, name_of_way), done)
    after = level[(at + 1).clamp(max=len(own))]
    out = level[at] + (after - level[at]) * torch.where(at > 0, done, 0.0)
    if THROUGH in ways and len(own) > 1:
        here = torch.tensor([way == THROUGH for way in ways])[last]
        out = torch.where(here, _through(starts, level[1:], time), out)
    return _in_units(name, out)


def _through(starts: Tensor, values: Tensor, time: Tensor) -> Tensor:
    """[T] a curve through all keyframes that does not stop at them, nor go farther than they do."""
    from scipy.interpolate import PchipInterpolator

    curve = PchipInterpolator(starts.numpy(), values.numpy())
    return torch.from_numpy(curve(time.clamp(starts[0], starts[-1]).numpy()))


def _way(part: Tensor, easing: str) -> Tensor:
    return torch.zeros_like(part) if easing in (HOLD, THROUGH) else eased(part, easing)


def _in_units(name: str, values: Tensor) -> Tensor:
    if name in ANGLES:
        return values * (math.pi / 180)
    return values.exp() if name in FACTORS else values
