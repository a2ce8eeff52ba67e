"""Two motions into one: mixed or added group by group, or one after the other.

See docs/model.md, "Motion tools".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import MotionError
from ..wires import Motion
from .groups import GroupAmounts
from .resample import at_rows, check_length, resampled

MIX, ADD, AFTER = MODES = ("mix", "add", "one after the other")
FIRST, SECOND, LONGEST, SHORTEST = LENGTHS = ("first", "second", "longest", "shortest")


@dataclass(frozen=True)
class BlendSettings:
    """How two motions become one.

    mode        mix: each group goes from the first (amount 0) to the second (amount 1). add: the second is
                added on top, times the amount. one after the other: a mix in which the second begins at the
                end of the first, and the result lasts until both are over.
    amounts     of the second, for each group.
    start       s, when the second begins (mix, add), >= 0.
    crossfade   s in which the second comes in and goes out again; not at the beginning or the end of the
                result. One after the other: the time in which both play.
    length      of the result: first, second (its end), longest, shortest. A motion that is over holds its
                last frame; the second counts only while it plays.
    """

    mode: str = MIX
    amounts: GroupAmounts = field(default_factory=GroupAmounts)
    start: float = 0.0
    crossfade: float = 0.3
    length: str = FIRST

    def __post_init__(self) -> None:
        if self.mode not in MODES or self.length not in LENGTHS:
            raise MotionError(
                f"A blend of the mode {self.mode!r} and length {self.length!r} was asked for; choose one of"
                f" {', '.join(MODES)} and of {', '.join(LENGTHS)}."
            )
        for name in ("start", "crossfade"):
            value = getattr(self, name)
            if not 0 <= value < 1e6:
                raise MotionError(f"{name} is {value}; choose 0 s or more.")


def blend_motions(first: Motion, second: Motion, settings: BlendSettings) -> Motion:
    """One motion at the frame rate of the first. Raises MotionError if it would be too long.

    A 3DMM expression goes with the mouth. Where only one of the motions has one, the other counts as 0 there;
    if it alone makes the whole mouth (a mix of amount 1 from beginning to end), the result has none either.
    """
    second = resampled(second.to(first.blendshapes.device), first.fps)
    fade = round(settings.crossfade * first.fps)
    start, length = round(settings.start * first.fps), settings.length
    if settings.mode == AFTER:
        fade = min(fade, len(first) - 1, len(second))
        start, length = len(first) - fade, LONGEST
    ends = {FIRST: len(first), SECOND: start + len(second)}
    count = check_length(ends.get(length, (max if length == LONGEST else min)(ends.values())))
    rows = torch.arange(count, dtype=torch.float64)
    weight = _presence(count, start, start + len(second), fade).to(first.blendshapes.device)[:, None]
    a, b = at_rows(first, rows), at_rows(second, rows - start)
    add, amounts = settings.mode == ADD, settings.amounts
    columns = weight * amounts.columns().to(weight.device)
    mouth, head = weight * amounts.mouth, weight * amounts.head
    return replace(
        a,
        blendshapes=_joined(a.blendshapes, b.blendshapes, columns, add),
        euler=_joined(a.euler, b.euler, head, add),
        translation=_joined(a.translation, b.translation, head, add),
        expression=_joined_expressions(a.expression, b.expression, mouth, add),
    )


def _joined(one: Tensor, other: Tensor, share: Tensor, add: bool) -> Tensor:
    """[T, n] of two; exactly one of them where the share is 0 or, in a mix, 1."""
    joined = one + other * share if add else torch.where(share == 1, other, one + (other - one) * share)
    return torch.where(share == 0, one, joined)


def _presence(count: int, start: int, stop: int, fade: int) -> Tensor:
    """[count] how much of the second is there: 1 from start to stop, eased over `fade` frames inside it.

    It does not fade where the result itself begins or ends.
    """
    row = torch.arange(count, dtype=torch.float32) + 0.5
    weight = ((row > start) & (row < stop)).float()
    if fade:
        coming = ((row - start) / fade).clamp(0, 1) if start > 0 else torch.ones(count)
        going = ((stop - row) / fade).clamp(0, 1) if stop < count else torch.ones(count)
        least = torch.minimum(coming, going)
        weight = weight * least * least * (3 - 2 * least)
    return weight


def _joined_expressions(one: Tensor | None, other: Tensor | None, share: Tensor, add: bool) -> Tensor | None:
    """[T, 64], or None where neither motion has one that counts."""
    if one is None and (other is None or bool((share == 0).all())):
        return None
    if other is None and not add and bool((share == 1).all()):
        return None
    zero = torch.zeros_like(other if one is None else one)
    return _joined(zero if one is None else one, zero if other is None else other, share, add)
