"""Masks of head, face, mouth, eyes, torso, background and of what the photo did not show.

Convention
    Masks are [size, size, 7] float32 0..1 in the order of PARTS. head + torso + background = 1; face,
    mouth, eyes and unseen are parts of the head. A pixel is the share that HTB-SR blends.
See docs/model.md, "Render passes".
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from ..wires import HeadRender, Portrait, RenderedFrames

PARTS = ("head", "face", "mouth", "eyes", "torso", "background", "unseen")


class Masks(Protocol):
    """Makes the masks of single frames of a clip."""

    def frame(self, rendered: RenderedFrames, i: int, index: int) -> Tensor:
        """[s, s, 7] of frame `index` of the clip, which is number i of the rendered ones; s is the size asked
        for or larger."""
        ...


def masks_of(head: HeadRender, portrait: Portrait | None, size: int) -> Masks:
    """Masks of a clip; without a portrait the torso is empty and the background all that is no head.

    Raises BackendError if the head was not made from this portrait.
    """
    if head.triplane.model.kind == "analytic":
        from .analytic_masks import analytic_masks

        return analytic_masks(head, portrait, size)
    if head.triplane.model.networks is not None:
        from .network_masks import network_masks

        return network_masks(head, portrait, size)
    return VolumeMasks(size)


class VolumeMasks:
    """Of a tri-plane of an unknown backend: the head's opacity is all that is known."""

    def __init__(self, size: int) -> None:
        self._size = size

    def frame(self, rendered: RenderedFrames, i: int, index: int) -> Tensor:
        from .surface import sized

        head = sized(rendered.alpha[i].clamp(0, 1).movedim(0, -1), self._size)[..., 0]
        return stacked(head, torch.zeros_like(head), {})


def stacked(head: Tensor, torso: Tensor, parts: dict[str, Tensor]) -> Tensor:
    """[h, w, 7] of the shares of head and torso [h, w], and of parts (0..1, limited to the head)."""
    named = {name: part.clamp(0, 1) * head for name, part in parts.items()}
    named |= {"head": head, "torso": torso, "background": (1 - head - torso).clamp(0, 1)}
    return torch.stack([named.get(name, torch.zeros_like(head)) for name in PARTS], -1)
