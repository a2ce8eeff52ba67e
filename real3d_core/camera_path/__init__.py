"""Camera Path: a ready movement, keyframes, a hand and an offset, on top of each other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from ..errors import CameraError
from ..wires import MOST_FPS, Camera
from .keyframes import keyframe_track
from .presets import Move, preset_track, with_hand
from .tracks import together, track

MOST_FRAMES = 1_000_000


@dataclass(frozen=True)
class Offset:
    """What every frame gets: yaw, pitch, roll in degrees; dolly and field_of_view factors; shift_x (right),
    shift_y (down) shares of the picture.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    dolly: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    field_of_view: float = 1.0

    def track(self) -> Camera:
        """The offset as a static camera."""
        yaw, pitch, roll = (torch.tensor([math.radians(a)]) for a in (self.yaw, self.pitch, self.roll))
        return track(
            1,
            yaw=yaw,
            pitch=pitch,
            roll=roll,
            dolly=torch.tensor([self.dolly]),
            shift=torch.tensor([[self.shift_x, self.shift_y]]),
            field_of_view=torch.tensor([self.field_of_view]),
        )


@dataclass(frozen=True)
class PathSettings:
    """move        the preset
    handheld    amount of shake on top
    keyframes   text or JSON (keyframes.py); "" is none
    offset      of every frame
    """

    move: Move = field(default_factory=Move)
    handheld: float = 0.0
    keyframes: str = ""
    offset: Offset = field(default_factory=Offset)


def camera_path(settings: PathSettings, frames: int, fps: float, base: Camera | None = None) -> Camera:
    """A track of `frames` frames, or as long as `base` where that is longer; base is a camera to start from.

    Angles and shifts add up, factors multiply. Raises CameraError for settings that cannot be used.
    """
    if not 1 <= frames <= MOST_FRAMES or not 0 < fps <= MOST_FPS:
        raise CameraError(
            f"A camera of {frames} frames at {fps:.6g} per second was asked for; use 1 to {MOST_FRAMES}"
            f" frames at up to {MOST_FPS}."
        )
    path = preset_track(settings.move, frames, fps)
    path = together(path, keyframe_track(settings.keyframes, frames, fps, settings.move.easing))
    path = with_hand(path, settings.handheld, fps, settings.move.seed)
    path = together(path, settings.offset.track())
    return path if base is None else together(path, base)
