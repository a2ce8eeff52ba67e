"""HTB-SR: head, torso and background become the final 512 x 512 picture."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..errors import BackendError
from ..wires import FrameSource, HeadRender, Portrait


@dataclass(frozen=True)
class HTBSRSettings:
    """background          [1 or T, H, W, 3] 0..1 instead of the portrait's own filled background; the last
    one holds
    replacement_head    [1 or T, H, W, 3] 0..1 instead of the head's own picture; it is cut out by the
                        head's alpha
    """

    background: Tensor | None = None
    replacement_head: Tensor | None = None


def htb_sr(head: HeadRender, portrait: Portrait, settings: HTBSRSettings | None = None) -> FrameSource:
    """The finished clip, made frame by frame on demand.

    Raises BackendError if the backend has no HTB-SR or the head was not made from this portrait.
    """
    if head.triplane.model.kind != "analytic":
        raise BackendError(
            f'The model "{head.triplane.model.name}" has no HTB-SR; choose "built-in" in Load Real3D Model.'
        )
    from .analytic import analytic_frames

    return analytic_frames(head, portrait, settings or HTBSRSettings())
