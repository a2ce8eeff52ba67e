"""The four groups of channels that the motion tools treat apart: mouth, brows, eyes, head.

Mouth holds jaw*, mouth*, cheek*, noseSneer*, tongueOut, and the 3DMM expression (mostly lips and jaw);
brows holds brow*; eyes holds eye*; head holds the head pose (euler, translation).
See docs/model.md, "Motion tools".
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from ..wires import ARKIT_NAMES

GROUPS: tuple[str, ...] = ("mouth", "brows", "eyes", "head")


def group_of(name: str) -> str:
    """The group of an ARKit blendshape: mouth, brows or eyes."""
    if name.startswith("brow"):
        return "brows"
    return "eyes" if name.startswith("eye") else "mouth"


GROUP_COLUMNS: dict[str, tuple[int, ...]] = {
    group: tuple(column for column, name in enumerate(ARKIT_NAMES) if group_of(name) == group)
    for group in GROUPS
}
"""Columns of Motion.blendshapes of each group; none for the head."""


@dataclass(frozen=True)
class GroupAmounts:
    """One number for each group."""

    mouth: float = 1.0
    brows: float = 1.0
    eyes: float = 1.0
    head: float = 1.0

    def columns(self) -> Tensor:
        """[52] the number of each blendshape's group."""
        return torch.tensor([getattr(self, group_of(name)) for name in ARKIT_NAMES])

    def are_all(self, value: float) -> bool:
        """Whether every group has this number."""
        return all(one == value for one in astuple(self))
