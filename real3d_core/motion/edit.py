"""Editing a motion: cut, repeat, retime, mirror, scale, change channels, smooth, limit.

See docs/model.md, "Motion tools".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import MotionError
from ..wires import ARKIT_INDEX, ARKIT_NAMES, MOST_FPS, Motion
from .channels import ChannelChange, changed_channels
from .groups import GROUPS, GroupAmounts, group_of
from .resample import check_length, each_tensor, resampled

ALL = "all"


@dataclass(frozen=True)
class EditSettings:
    """What is done to a motion, in this order. The defaults change nothing, bit for bit.

    start, end      s, the part that is kept; end 0 is the motion's end.
    speed           > 0, 2 is twice as fast.
    loops           how often it is played, >= 1, each going over into the next within `loop_blend` s.
    mirror          left and right change places.
    scale           factor of each group: weights, 3DMM expression (mouth), rotation and translation (head).
    changes         of single channels.
    smooth          s, standard deviation of a Gaussian; without delay.
    limit           whether weights are clipped to lowest..highest, the head to most_degrees about each axis.
    group           what mirror, smooth and limit work on: "all", or one of GROUPS.
    fps             frames per second of the result; 0 keeps them.
    """

    start: float = 0.0
    end: float = 0.0
    speed: float = 1.0
    loops: int = 1
    loop_blend: float = 0.2
    mirror: bool = False
    scale: GroupAmounts = field(default_factory=GroupAmounts)
    changes: tuple[ChannelChange, ...] = ()
    smooth: float = 0.0
    limit: bool = False
    lowest: float = 0.0
    highest: float = 1.0
    most_degrees: float = 15.0
    group: str = ALL
    fps: float = 0.0

    def __post_init__(self) -> None:
        for name in ("start", "end", "loop_blend", "smooth", "most_degrees"):
            value = getattr(self, name)
            if not 0 <= value < 1e6:
                raise MotionError(f"{name} is {value}; choose 0 or more.")
        if not 0.01 <= self.speed <= 100:
            raise MotionError(f"speed is {self.speed}; choose 0.01 to 100.")
        if self.fps and not 1 <= self.fps <= MOST_FPS:
            raise MotionError(f"fps is {self.fps}; choose 1 to {MOST_FPS}, or 0 to keep the motion's own.")
        if self.loops < 1:
            raise MotionError(f"loops is {self.loops}; choose 1 or more.")
        if not self.lowest <= self.highest:
            raise MotionError(f"lowest is {self.lowest}, above highest, {self.highest}; exchange them.")
        if self.group not in (ALL, *GROUPS):
            raise MotionError(f"There is no group {self.group!r}; choose {ALL}, {', '.join(GROUPS)}.")


def edit_motion(motion: Motion, settings: EditSettings) -> Motion:
    """The motion after `settings`.

    Raises MotionError if nothing is left of it, it becomes too long, or its mouth cannot be mirrored.
    """
    motion = trimmed(motion, settings.start, settings.end)
    motion = resampled(motion, motion.fps, settings.speed)
    motion = looped(motion, settings.loops, settings.loop_blend)
    if settings.mirror:
        motion = mirrored(motion, settings.group)
    motion = scaled(motion, settings.scale)
    motion = changed_channels(motion, settings.changes)
    if settings.smooth:
        motion = smoothed(motion, settings.smooth, settings.group)
    if settings.limit:
        motion = limited(motion, settings)
    return resampled(motion, settings.fps or motion.fps)


def trimmed(motion: Motion, start: float, end: float) -> Motion:
    """The frames whose time on screen begins within start..end s; end 0 is the motion's end."""
    length = len(motion) / motion.fps
    first = math.ceil(start * motion.fps - 1e-6)
    stop = min(len(motion), math.ceil(end * motion.fps - 1e-6)) if end else len(motion)
    if first >= stop:
        raise MotionError(
            f"Nothing is left of a motion of {length:.2f} s between start {start:g} s and end"
            f" {end or length:.2f} s; choose an earlier start or a later end."
        )
    return motion if (first, stop) == (0, len(motion)) else motion[first:stop]


def looped(motion: Motion, loops: int, blend: float) -> Motion:
    """The motion played `loops` times; the end of each goes over into the beginning of the next.

    Each round is shorter by `blend` s, at most half the motion, in which two rounds are mixed.
    """
    if loops == 1:
        return motion
    over = min(round(blend * motion.fps), len(motion) // 2)
    step = len(motion) - over
    check_length(loops * step + over)
    share = (torch.arange(over) + 0.5) / max(over, 1)
    share = (share * share * (3 - 2 * share))[:, None]

    def rounds(values: Tensor) -> Tensor:
        seam = values[step:] + (values[:over] - values[step:]) * share.to(values.device)
        later = torch.cat([seam, values[over:step]])
        return torch.cat([values[:step], later.repeat(loops - 1, 1), values[step:]])

    return each_tensor(motion, rounds)


def mirrored(motion: Motion, group: str = ALL) -> Motion:
    """Left and right exchanged: weights, yaw, roll and sideways movement.

    Raises MotionError for the mouth of a motion with a 3DMM expression, which has no left and right.
    """
    if motion.expression is not None and group in (ALL, "mouth"):
        raise MotionError(
            "The mouth of this motion is a 3DMM expression, which cannot be mirrored; choose the group brows,"
            " eyes or head."
        )
    if group in (ALL, "head"):
        motion = replace(
            motion,
            euler=motion.euler * motion.euler.new_tensor([1, -1, -1]),
            translation=motion.translation * motion.translation.new_tensor([-1, 1, 1]),
        )
    columns = [
        _other_side(name) if group in (ALL, group_of(name)) else i for i, name in enumerate(ARKIT_NAMES)
    ]
    return replace(motion, blendshapes=motion.blendshapes[:, columns])


def _other_side(name: str) -> int:
    """Column of the channel of the other side."""
    pairs = (("Left", "Right"), ("Right", "Left"))
    other = next((name[: -len(a)] + b for a, b in pairs if name.endswith(a)), name)
    return ARKIT_INDEX[other]


def scaled(motion: Motion, scale: GroupAmounts) -> Motion:
    """Each group times its factor."""
    if scale.are_all(1):
        return motion
    expression = motion.expression
    return replace(
        motion,
        blendshapes=motion.blendshapes * scale.columns().to(motion.blendshapes.device),
        euler=motion.euler * scale.head,
        translation=motion.translation * scale.head,
        expression=None if expression is None else expression * scale.mouth,
    )


def smoothed(motion: Motion, seconds: float, group: str = ALL) -> Motion:
    """A Gaussian of this standard deviation over each channel of the group, no delay; the ends are held."""
    sigma = max(seconds * motion.fps, 1e-3)
    reach = max(1, min(math.ceil(3.5 * sigma), 50_000))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum())[None, None]

    def gaussian(values: Tensor) -> Tensor:
        rows = torch.nn.functional.pad(values.T[:, None], (reach, reach), mode="replicate")
        return torch.nn.functional.conv1d(rows, kernel.to(values))[:, 0].T.contiguous()

    return _of_group(each_tensor(motion, gaussian), motion, group)


def limited(motion: Motion, settings: EditSettings) -> Motion:
    """Weights clipped to lowest..highest, rotations to most_degrees about each axis."""
    most = math.radians(settings.most_degrees)
    clipped = replace(
        motion,
        blendshapes=motion.blendshapes.clamp(settings.lowest, settings.highest),
        euler=motion.euler.clamp(-most, most),
    )
    return _of_group(clipped, motion, settings.group)


def _of_group(changed: Motion, motion: Motion, group: str) -> Motion:
    """`changed` in the channels of the group, `motion` in all others."""
    if group == ALL:
        return changed
    inside = torch.tensor([group_of(name) == group for name in ARKIT_NAMES], device=motion.blendshapes.device)
    head, mouth = group == "head", group == "mouth"
    return replace(
        motion,
        blendshapes=torch.where(inside, changed.blendshapes, motion.blendshapes),
        euler=changed.euler if head else motion.euler,
        translation=changed.translation if head else motion.translation,
        expression=changed.expression if mouth else motion.expression,
    )
