"""From ARKit weights to the weights of the avatar's shapes.

See docs/model.md, "Blendshapes".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..wires import ARKIT_INDEX, Motion

LOWEST, HIGHEST = -0.5, 1.3  # beyond this the skin folds over itself
LID_FOLLOWS_GAZE = 0.35  # the upper lid covers this share of the eye when it looks down fully
LID_LEAD = 0.1  # lids run ahead of the weight half-way: a half-closed eye was seen three quarters open
SMILE_RELAX = 0.45  # a speaking mouth takes this share of the photo's smile back
FROWN_RELAX = 1.0  # and a full frown this: its corners go down from a resting mouth, not from a smile
GAZE_CENTIMETRES = (0.50, 0.32)  # travel of the iris at eyeLook* = 1, across and along


@dataclass(frozen=True)
class ShapeWeights:
    """shapes [n, K] weights in the order of the names given; gaze [n, 2, 2] cm: right and left eye, (x right,
    y down).
    """

    shapes: Tensor
    gaze: Tensor


def shape_weights(motion: Motion, names: tuple[str, ...]) -> ShapeWeights:
    """Weights of n frames for the shapes `names`, correctives included."""
    weights = motion.blendshapes.clamp(LOWEST, HIGHEST)

    def channel(name: str) -> Tensor:
        return weights[:, ARKIT_INDEX[name]]

    extra: dict[str, Tensor] = {}
    for side in ("Left", "Right"):
        down, up = channel(f"eyeLookDown{side}").clamp(min=0), channel(f"eyeLookUp{side}").clamp(min=0)
        blink = channel(f"eyeBlink{side}")
        # A lid that is closed already does not follow the gaze.
        blink = blink + LID_FOLLOWS_GAZE * down * (1 - blink.clamp(0, 1))
        blink = blink + LID_LEAD * blink.clamp(0, 1) * (1 - blink.clamp(0, 1))
        extra[f"eyeBlink{side}"] = blink.clamp(max=1.0)
        extra[f"eyeWide{side}"] = channel(f"eyeWide{side}") + 0.6 * up
        half = blink.clamp(0, 1)
        extra[f"eyeHalfClosed{side}"] = 4 * half * (1 - half)
    jaw, close = channel("jawOpen").clamp(min=0), channel("mouthClose").clamp(0, 1)
    extra["jawOpenLipsTogether"] = torch.minimum(jaw, close)
    busy = torch.stack([1.4 * jaw, close, channel("mouthPucker"), channel("mouthFunnel")]).amax(0)
    smooth = (busy / 0.6).clamp(0, 1)
    speaking = SMILE_RELAX * smooth * smooth * (3 - 2 * smooth)
    frown = (channel("mouthFrownLeft") + channel("mouthFrownRight")).clamp(0, 2) / 2
    extra["smileRelax"] = torch.maximum(speaking, FROWN_RELAX * frown)

    columns = [extra[name] if name in extra else channel(name) for name in names]
    gaze = torch.stack(
        [
            torch.stack([channel("eyeLookInRight") - channel("eyeLookOutRight"), _down(channel, "Right")], 1),
            torch.stack([channel("eyeLookOutLeft") - channel("eyeLookInLeft"), _down(channel, "Left")], 1),
        ],
        1,
    )
    scale = torch.tensor(GAZE_CENTIMETRES, device=gaze.device)
    return ShapeWeights(torch.stack(columns, 1), gaze * scale)


def _down(channel, side: str) -> Tensor:
    return channel(f"eyeLookDown{side}") - channel(f"eyeLookUp{side}")


def _at_rate(motion: Motion, fps: float) -> Motion:
    """The same motion at another rate, interpolated; it lasts as long to half a frame."""
    if motion.fps == fps:
        return motion
    count = max(1, round(len(motion) * fps / motion.fps))
    at = (torch.arange(count) * (motion.fps / fps)).clamp(max=len(motion) - 1)
    low = at.long()
    high, share = (low + 1).clamp(max=len(motion) - 1), at - low

    def between(rows: Tensor) -> Tensor:
        return rows[low] + (rows[high] - rows[low]) * share[:, None].to(rows)

    expression = None if motion.expression is None else between(motion.expression)
    rows = (between(rows) for rows in (motion.blendshapes, motion.euler, motion.translation))
    return Motion(fps, *rows, expression)


def combined(first: Motion, second: Motion, neutral: Tensor | None = None) -> Motion:
    """Both motions at once: weights and poses add up; the shorter one holds its last frame.

    The rate is the first one's; the second is brought to it. Expressions of the face model are not relative
    to the photo, so of two of them the photo's own (`neutral` [64], zero if not given) is taken off once.
    """
    second = _at_rate(second, first.fps)
    length = max(len(first), len(second))

    def held(rows: Tensor) -> Tensor:
        return (
            torch.cat([rows, rows[-1:].expand(length - rows.shape[0], -1)])
            if rows.shape[0] < length
            else rows
        )

    expressions = [held(one.expression) for one in (first, second) if one.expression is not None]
    if len(expressions) == 2 and neutral is not None:
        expressions.append(-neutral.to(expressions[0]))
    return Motion(
        fps=first.fps,
        blendshapes=held(first.blendshapes) + held(second.blendshapes),
        euler=held(first.euler) + held(second.euler),
        translation=held(first.translation) + held(second.translation),
        expression=sum(expressions[1:], expressions[0]) if expressions else None,
    )
