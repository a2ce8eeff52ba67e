"""Changes of single channels, written as text: `jawOpen * 1.2, mouthSmile + 0.1, yaw - 5`.

A channel is an ARKit weight, both sides of one (mouthSmile for mouthSmileLeft and mouthSmileRight), an angle
of the head in degrees (pitch, yaw, roll), or its place in box sides (x, y, z). Case does not matter.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import torch

from ..errors import MotionError
from ..wires import ARKIT_NAMES, Motion

ANGLES, PLACES = ("pitch", "yaw", "roll"), ("x", "y", "z")
MOST_TEXT = 10_000
_CHANGE = re.compile(r"\s*([A-Za-z]+)\s*([*+-])\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")


@dataclass(frozen=True)
class ChannelChange:
    """value -> value * factor + offset of one channel, by its lower-case name; angles in degrees."""

    name: str
    factor: float = 1.0
    offset: float = 0.0


def columns_of(name: str) -> tuple[int, ...]:
    """Columns of the blendshapes that a name means; empty if none."""
    wanted = name.lower()
    both = (f"{wanted}left", f"{wanted}right")
    sides = tuple(i for i, known in enumerate(ARKIT_NAMES) if known.lower() in both)
    exact = tuple(i for i, known in enumerate(ARKIT_NAMES) if known.lower() == wanted)
    return exact or sides


def parse_changes(text: str) -> tuple[ChannelChange, ...]:
    """The changes that a text asks for, one after the other, separated by commas or lines.

    Raises MotionError for what is not a change, or names no channel.
    """
    if len(text) > MOST_TEXT:
        raise MotionError(f"The text of channels is {len(text)} characters long; use at most {MOST_TEXT}.")
    changes = []
    for part in filter(str.strip, re.split(r"[,;\n]", text)):
        match = _CHANGE.fullmatch(part)
        if match is None:
            raise MotionError(
                f"{part.strip()[:60]!r} is no change of a channel; write one such as jawOpen * 1.2"
                " or yaw - 5."
            )
        name, operator, number = match[1].lower(), match[2], float(match[3])
        if name not in (*ANGLES, *PLACES) and not columns_of(name):
            raise MotionError(
                f"There is no channel {match[1][:60]!r}; use an ARKit name such as jawOpen, or pitch, yaw,"
                " roll, x, y, z."
            )
        if not math.isfinite(number) or abs(number) > 1e6:
            raise MotionError(f"{match[3][:60]} is too large a number for {match[1]}; use a smaller one.")
        signed = -number if operator == "-" else number
        changes.append(ChannelChange(name, number) if operator == "*" else ChannelChange(name, offset=signed))
    return tuple(changes)


def changed_channels(motion: Motion, changes: tuple[ChannelChange, ...]) -> Motion:
    """The motion with the changes made in their order; the same object if there are none."""
    if not changes:
        return motion
    weights, euler, place = motion.blendshapes.clone(), motion.euler.clone(), motion.translation.clone()
    for change in changes:
        tensor, columns, offset = weights, columns_of(change.name), change.offset
        if change.name in ANGLES:
            tensor, columns, offset = euler, (ANGLES.index(change.name),), math.radians(offset)
        elif change.name in PLACES:
            tensor, columns = place, (PLACES.index(change.name),)
        at = torch.tensor(columns, device=tensor.device)
        tensor[:, at] = tensor[:, at] * change.factor + offset
    return replace(motion, blendshapes=weights, euler=euler, translation=place)
