"""How a movement gathers and loses speed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import CameraError

EASINGS = ("smooth", "linear", "ease in", "ease out")


def eased(part: Tensor, easing: str) -> Tensor:
    """How much of a way is done when `part` of its time has passed; both 0..1, 0 to 0 and 1 to 1.

    Raises CameraError for an unknown easing.
    """
    if easing == "smooth":
        return 0.5 - 0.5 * torch.cos(math.pi * part)
    if easing == "linear":
        return part
    if easing == "ease in":
        return part**2
    if easing == "ease out":
        return 1 - (1 - part) ** 2
    raise CameraError(f"There is no easing {easing[:40]!r}; choose one of {', '.join(EASINGS)}.")


def wave(phase: Tensor, easing: str) -> Tensor:
    """A to and fro, 0 -> 1 -> 0 -> -1 -> 0 while `phase` goes from 0 to 1: "smooth" is a sine.

    Ease in and ease out are of the way from the middle outwards: the first lingers in the middle, the second
    at the ends. Raises CameraError for an unknown easing.
    """
    turn = torch.remainder(phase + 0.25, 1)
    slope = 1 - 4 * (turn - 0.5).abs()  # a triangle of the same phase
    if easing in ("ease in", "ease out"):
        return slope.sign() * eased(slope.abs(), easing)
    return 2 * eased((slope + 1) / 2, easing) - 1
