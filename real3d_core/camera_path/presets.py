"""Ready movements of the camera.

Every preset starts at the photo's own view, but for the shake. Sizes are those of amount 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import CameraError
from ..wires import Camera
from .easing import eased, wave
from .tracks import together, track

STATIC, ORBIT, FIGURE_EIGHT, DOLLY, PUSH_IN, SHAKE = PRESETS = (
    "static",
    "orbit",
    "figure-eight",
    "dolly",
    "push-in",
    "shake",
)
ORBIT_YAW = math.radians(15)
EIGHT_YAW, EIGHT_PITCH = math.radians(12), math.radians(5)
NEARER = 0.8  # of the distance, for dolly and push-in; farther away the photo's torso would end
# Root mean squares of a hand that holds the camera: yaw, pitch, roll, then the shift across and down.
SHAKE_SIZES = (math.radians(0.7), math.radians(0.5), math.radians(0.35), 0.003, 0.003)
SHAKE_PERIOD = 2.0  # s of its slowest swing, unless a period is given
SHAKE_SWINGS = 5  # sines of each, the k-th about k times as fast
SHAKE_FALL = 1.5  # and k to the power of this times as small


@dataclass(frozen=True)
class Move:
    """preset      one of PRESETS
    amount      factor on its size; negative the other way
    period      s of one round (of the whole push for push-in, of the slowest swing for shake); 0: as long as
                the track, for shake SHAKE_PERIOD
    easing      one of EASINGS
    seed        chooses the shake
    """

    preset: str = STATIC
    amount: float = 1.0
    period: float = 0.0
    easing: str = "smooth"
    seed: int = 0


def preset_track(move: Move, frames: int, fps: float) -> Camera:
    """The movement over `frames` frames. Raises CameraError for an unknown preset or easing."""
    time = torch.arange(frames, dtype=torch.float64) / fps
    phase = time / (move.period or frames / fps)
    to_and_fro, size = wave(phase, move.easing), move.amount
    if move.preset == STATIC:
        return track(frames)
    if move.preset == ORBIT:
        return track(frames, yaw=ORBIT_YAW * size * to_and_fro)
    if move.preset == FIGURE_EIGHT:
        up = wave(2 * phase, move.easing)
        return track(frames, yaw=EIGHT_YAW * size * to_and_fro, pitch=EIGHT_PITCH * size * up)
    if move.preset == DOLLY:
        return track(frames, dolly=NEARER ** (size * (wave(phase - 0.25, move.easing) + 1) / 2))
    if move.preset == PUSH_IN:
        whole = move.period or max(frames - 1, 1) / fps
        return track(frames, dolly=NEARER ** (size * eased((time / whole).clamp(max=1), move.easing)))
    if move.preset == SHAKE:
        return shake(time, size, move.period or SHAKE_PERIOD, move.seed)
    raise CameraError(f"There is no camera preset {move.preset[:40]!r}; choose one of {', '.join(PRESETS)}.")


def with_hand(camera: Camera, amount: float, fps: float, seed: int) -> Camera:
    """The track, held by a hand: a shake of `amount` on top."""
    if amount == 0:
        return camera
    time = torch.arange(len(camera), dtype=torch.float64) / fps
    return together(camera, shake(time, amount, SHAKE_PERIOD, seed))


def shake(time: Tensor, amount: float, period: float, seed: int) -> Camera:
    """A hand that holds the camera; time [T] s. The same seed gives the same hand at any length and rate."""
    random = np.random.default_rng(seed)
    yaw, pitch, roll, right, down = (size * amount * _noise(time, period, random) for size in SHAKE_SIZES)
    return track(len(time), yaw=yaw, pitch=pitch, roll=roll, shift=torch.stack([right, down], -1))


def _noise(time: Tensor, period: float, random: np.random.Generator) -> Tensor:
    """[T] a smooth wander of root mean square 1."""
    k = np.arange(1.0, SHAKE_SWINGS + 1)
    speed, start = k * random.uniform(0.75, 1.25, SHAKE_SWINGS), random.uniform(0, 2 * math.pi, SHAKE_SWINGS)
    size = k**-SHAKE_FALL
    swings = torch.sin(
        2 * math.pi * time[:, None] / period * torch.from_numpy(speed) + torch.from_numpy(start)
    )
    return swings @ torch.from_numpy(size * math.sqrt(2 / float((size**2).sum())))
