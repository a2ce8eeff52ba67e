"""What the user of the viewer chose: where the camera stands, and the sliders of the face.

Convention
    The camera is kept as text, JSON of yaw and pitch in degrees and dolly, each as on the CAMERA wire:
    relative to the photo's own camera, so that it means the same for every portrait and backend. {} and an
    empty text are the photo's own view.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import torch

from ..arkit import ARKIT_INDEX
from ..camera_path.tracks import track
from ..errors import CameraError, MotionError
from ..wires import MOST_FPS, Camera, Motion

MOST_TEXT = 200
VIEW_RANGES = {"yaw": (-180.0, 180.0), "pitch": (-90.0, 90.0), "dolly": (0.2, 5.0)}
MOST_FRAMES = 100_000

SHAPES: dict[str, dict[str, float]] = {
    "jaw": {"jawOpen": 1.0},
    "blink": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    "smile": {
        "mouthSmileLeft": 1.0,
        "mouthSmileRight": 1.0,
        "cheekSquintLeft": 0.5,
        "cheekSquintRight": 0.5,
        "mouthDimpleLeft": 0.2,
        "mouthDimpleRight": 0.2,
    },
    "brow_up": {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0},
    "brow_down": {"browDownLeft": 1.0, "browDownRight": 1.0},
}
"""Blendshapes at the end of each slider; the brows' slider has two ends."""

SLIDERS = {"jaw": (0.0, 1.0), "blink": (0.0, 1.0), "smile": (0.0, 1.0), "brow": (-1.0, 1.0)}
"""Lowest and highest value of each slider."""


def camera_of(text: str) -> Camera:
    """The camera that the viewer wrote. Raises CameraError for a text that it cannot have written."""
    values = _read(text)
    for name, value in values.items():
        if name not in VIEW_RANGES:
            raise _wrong(f"has an unknown part {name[:20]!r}")
        low, high = VIEW_RANGES[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            raise _wrong(
                f"has {name} = {str(value)[:20]!r} where a number from {low:g} to {high:g} is needed"
            )
    yaw, pitch = (math.radians(values.get(name, 0.0)) for name in ("yaw", "pitch"))
    one = torch.ones(1)
    return track(1, yaw=yaw * one, pitch=pitch * one, dolly=float(values.get("dolly", 1.0)) * one)


def _read(text: str) -> dict[str, Any]:
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise _wrong(f"is longer than {MOST_TEXT} characters, or no text")
    if not text.strip():
        return {}
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("is no JSON") from error
    if not isinstance(values, dict):
        raise _wrong("is no JSON object")
    return values


def _wrong(what: str) -> CameraError:
    return CameraError(
        f"The camera of 3D Preview {what}; empty the widget, or use a text such as"
        ' {"yaw": 10, "pitch": -5, "dolly": 0.9}.'
    )


def checked_sliders(values: dict[str, float]) -> dict[str, float]:
    """Values by the names of SLIDERS. Raises MotionError for one that is no number within its range."""
    for name, value in values.items():
        low, high = SLIDERS[name]
        if not isinstance(value, int | float) or not low <= value <= high:
            raise MotionError(
                f"The slider {name} of 3D Preview is {str(value)[:20]!r} where a number from {low:g} to"
                f" {high:g} is needed; check what is connected to it."
            )
    return {name: float(value) for name, value in values.items()}


def shape_amounts(sliders: dict[str, float]) -> dict[str, float]:
    """Values by the names of SLIDERS -> 0..1 by the names of SHAPES."""
    brow = sliders.get("brow", 0.0)
    amounts = {name: sliders.get(name, 0.0) for name in SLIDERS if name != "brow"}
    return amounts | {"brow_up": max(brow, 0.0), "brow_down": max(-brow, 0.0)}


def motion_of(sliders: dict[str, float], frames: int = 1, fps: float = 25.0) -> Motion:
    """`frames` frames of the face that the sliders make (values by the names of SLIDERS).

    Raises MotionError for values, a length or a rate that no motion can have.
    """
    if not 1 <= frames <= MOST_FRAMES or not 0 < fps <= MOST_FPS:
        raise MotionError(
            f"A motion of {frames} frames at {fps:.6g} per second was asked of 3D Preview; choose 1 to"
            f" {MOST_FRAMES} frames and up to {MOST_FPS} per second."
        )
    motion = Motion.still(frames, fps)
    for shape, amount in shape_amounts(checked_sliders(sliders)).items():
        for name, weight in SHAPES[shape].items():
            motion.blendshapes[:, ARKIT_INDEX[name]] += amount * weight
    return motion


def on_top(motion: Motion, sliders: dict[str, float]) -> Motion:
    """A motion with the sliders' face added to each of its frames. Raises MotionError as `motion_of` does."""
    face = motion_of(sliders).blendshapes.to(motion.blendshapes.device)
    return replace(motion, blendshapes=motion.blendshapes + face)
