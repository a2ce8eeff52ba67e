"""Expressions as motions: they come in, are held, and go again.

See docs/model.md, "Motion tools".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import MotionError
from ..wires import ARKIT_NAMES, MOST_FPS, Motion
from .channels import columns_of
from .resample import check_length


@dataclass(frozen=True)
class Expression:
    """A face at its fullest: weights by ARKit name (both sides where none is named), head pose in degrees."""

    weights: dict[str, float]
    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0


EXPRESSIONS: dict[str, Expression] = {
    "neutral": Expression({}),
    "smile": Expression(
        {"mouthSmile": 0.8, "cheekSquint": 0.6, "eyeSquint": 0.35, "mouthDimple": 0.2, "browInnerUp": 0.1},
        pitch=-2.0,
        roll=1.5,
    ),
    "surprise": Expression(
        {
            "jawOpen": 0.5,
            "browInnerUp": 1.0,
            "browOuterUp": 0.9,
            "eyeWide": 1.0,
            "mouthFunnel": 0.4,
            "mouthPucker": 0.3,
            "mouthSmile": -0.4,
        },
        pitch=-3.0,
    ),
    "anger": Expression(
        {
            "mouthClose": 1.0,
            "mouthPress": 0.5,
            "mouthFrown": 0.9,
            "mouthShrugLower": 0.25,
            "mouthPucker": 0.2,
            "browDown": 1.2,
            "eyeSquint": 0.4,
            "noseSneer": 0.35,
        },
        pitch=4.0,
    ),
    "sad": Expression(
        {
            "mouthClose": 1.0,
            "mouthFrown": 1.2,
            "mouthShrugLower": 0.3,
            "browInnerUp": 1.0,
            "browDown": 0.2,
            "eyeLookDown": 0.3,
            "eyeBlink": 0.2,
        },
        pitch=5.0,
        roll=-2.5,
    ),
    "wink": Expression(
        {
            "eyeBlinkLeft": 0.9,
            "cheekSquintLeft": 0.7,
            "mouthSmileLeft": 0.4,
            "mouthSmileRight": 0.1,
            "browDownLeft": 0.2,
            "browOuterUpRight": 0.35,
        },
        yaw=-2.0,
        roll=-4.0,
    ),
}
"""Many photos smile with parted lips: mouthClose shuts them, and a frown takes the smile back."""


@dataclass(frozen=True)
class PresetSettings:
    """An expression in time.

    expression          one of EXPRESSIONS.
    amount              0..2, how strong; 1 is as described there.
    seconds             length of the motion.
    ease_in, ease_out   s in which it comes and goes; 0 = it is there from the first, or to the last frame.
                        Where they are longer than the motion, both are shortened alike.
    fps                 frames per second.
    """

    expression: str = "smile"
    amount: float = 1.0
    seconds: float = 3.0
    ease_in: float = 0.5
    ease_out: float = 0.5
    fps: float = 25.0

    def __post_init__(self) -> None:
        if self.expression not in EXPRESSIONS:
            raise MotionError(
                f"There is no expression {self.expression!r}; choose one of {', '.join(EXPRESSIONS)}."
            )
        if not 0 <= self.amount <= 2:
            raise MotionError(f"The amount of the expression is {self.amount}; choose 0 to 2.")
        if not 0 < self.seconds < 1e6 or not 0 <= self.ease_in < 1e6 or not 0 <= self.ease_out < 1e6:
            raise MotionError(
                f"An expression of {self.seconds} s with {self.ease_in} s in and {self.ease_out} s out was"
                " asked for; choose a length above 0 and times of 0 or more."
            )
        if not 1 <= self.fps <= MOST_FPS:
            raise MotionError(
                f"An expression of {self.fps} frames per second was asked for; choose 1 to 1000."
            )


def preset_motion(settings: PresetSettings) -> Motion:
    """The motion of an expression; round(seconds * fps) frames. Raises MotionError if that is too many."""
    count = check_length(round(settings.seconds * settings.fps))
    course = settings.amount * _course(count, settings)[:, None]
    full = EXPRESSIONS[settings.expression]
    weights = torch.zeros(len(ARKIT_NAMES))
    for name, weight in full.weights.items():
        weights[list(columns_of(name))] = weight
    pose = torch.tensor([math.radians(angle) for angle in (full.pitch, full.yaw, full.roll)])
    return Motion(settings.fps, course * weights, course * pose, torch.zeros(count, 3))


def _course(count: int, settings: PresetSettings) -> Tensor:
    """[count] 0..1 how much of the expression is there."""
    shorter = min(1.0, settings.seconds / max(settings.ease_in + settings.ease_out, 1e-9))
    time = (torch.arange(count) + 0.5) / settings.fps
    left = count / settings.fps - time

    def eased(time: Tensor, length: float) -> Tensor:
        x = (time / length).clamp(0, 1) if length > 0 else torch.ones(count)
        return x**3 * (10 - 15 * x + 6 * x**2)  # neither speed nor acceleration jumps

    return eased(time, settings.ease_in * shorter) * eased(left, settings.ease_out * shorter)
