"""Movements put on a motion that may have its own.

Head poses are added. Brows are raised by a share of what is left to a full raise. Eyes turn by the sum, as
far as eyes go. A blink is the more closed of both lids, and none is added next to one that is there.
See docs/model.md, "Head motion".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..wires import ARKIT_INDEX, Motion
from .blinks import Blink, lids
from .lively import Lively

CLOSED = 0.5  # of eyeBlink: from here on it is a blink
APART = 1.0  # s between an own blink and one that is there
RIGHTWARDS = (("eyeLookOutLeft", "eyeLookInLeft"), ("eyeLookInRight", "eyeLookOutRight"))
"""For the person's left and right eye: the channels that turn it to the image's right, and back."""
DOWNWARDS = (("eyeLookDownLeft", "eyeLookUpLeft"), ("eyeLookDownRight", "eyeLookUpRight"))


def added(motion: Motion, lively: Lively) -> Motion:
    """The motion with the movements; tensors to which nothing is added are the same objects."""
    weights = _weights(motion, lively)
    euler = motion.euler + _tensor(np.radians(lively.euler), motion.euler)
    translation = motion.translation + _tensor(lively.translation, motion.translation)
    return replace(
        motion,
        blendshapes=motion.blendshapes if torch.equal(weights, motion.blendshapes) else weights,
        euler=euler if lively.euler.any() else motion.euler,
        translation=translation if lively.translation.any() else motion.translation,
    )


def _weights(motion: Motion, lively: Lively) -> Tensor:
    weights = motion.blendshapes.clone()

    def column(name: str) -> Tensor:
        return weights[:, ARKIT_INDEX[name]]

    for name, curve in (
        ("browInnerUp", lively.brow_inner),
        ("browOuterUpLeft", lively.brow_outer),
        ("browOuterUpRight", lively.brow_outer),
    ):
        column(name).add_(_tensor(curve, weights).clamp(max=1) * (1 - column(name)).clamp(0, 1))
    for pairs, curve in ((RIGHTWARDS, lively.right), (DOWNWARDS, lively.down)):
        turn = _tensor(curve, weights)
        for forth, back in pairs:
            _turn(column(forth), column(back), turn.clamp(min=0))
            _turn(column(back), column(forth), (-turn).clamp(min=0))
    left, right = column("eyeBlinkLeft"), column("eyeBlinkRight")
    times = (np.arange(len(motion)) + 0.5) / motion.fps
    own = _apart(lively.blinks, torch.maximum(left, right).cpu().numpy(), times)
    closing = _tensor(lids(own, times), weights)
    for lid in (left, right):
        lid.copy_(torch.maximum(lid, closing))
    return weights


def _turn(forth: Tensor, back: Tensor, by: Tensor) -> None:
    """Turns an eye [T] by weights >= 0, in place: first back from the other side, then as far as it can."""
    relief = torch.minimum(back.clamp(min=0), by)
    back.sub_(relief)
    forth.add_(torch.minimum(by - relief, (1 - forth).clamp(min=0)))


def _apart(events: list[Blink], there: np.ndarray, times: np.ndarray) -> list[Blink]:
    """The blinks that no closed lid of the motion [T] is near."""
    closed = times[there > CLOSED]
    return [one for one in events if not ((closed > one.start - APART) & (closed < one.start + APART)).any()]


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(like.device)
