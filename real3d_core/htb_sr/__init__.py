"""HTB-SR: head, torso and background become the final picture, 512 x 512 or more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from torch import Tensor

from ..errors import BackendError
from ..wires import PORTRAIT_SIZE, Camera, FrameSource, HeadRender, Portrait
from .given import Film


class Form(Enum):
    """What the pictures of a clip hold.

    PICTURE     RGB: the person before the background.
    MASKED      RGB as above, and as a fourth channel how much of each pixel is the person: exactly what was
                blended, so that picture = person * mask + background * (1 - mask).
    CUT_OUT     RGB of the person alone, and the same fourth channel as straight alpha: no background shines
                through soft edges, so it can be put before any other.
    """

    PICTURE = "picture"
    MASKED = "masked"
    CUT_OUT = "cut out"


class PersonFrames(FrameSource, Protocol):
    """What HTB-SR gives: a clip of pictures that can be had in several forms."""

    @property
    def ground(self) -> Tensor:
        """[T, 512, 512, 3] what lies behind the person, 0..1; the last one holds."""
        ...

    def under(self, camera: Camera) -> PersonFrames:
        """The same clip under another camera track; what was prepared of the portrait is shared."""
        ...

    def as_form(self, form: Form) -> PersonFrames:
        """The same clip in another form; `frames` gives 4 channels for all but Form.PICTURE."""
        ...


@dataclass(frozen=True)
class HTBSRSettings:
    """background          [1 or T, H, W, 3] 0..1 instead of the portrait's own filled background; the last
                        one holds
    replacement_head    [1 or T, H, W, 3] 0..1 instead of the head's own picture; it is cut out by the
                        head's alpha
    replacement_mask    [1 or T, H, W] 0..1: how much of each pixel is replaced; None: all
    replacement_start   the frame that the first replacement belongs to, the others follow, and no other
                        frames are replaced; None: they belong to the whole clip, and the last one holds
    background_film     a film instead of a background, at the clip's rate; a shorter one starts again
    size                512, 768 or 1024: of the pictures; the networks' 512 are enlarged
    head_threshold      0..1, networks alone: where the head's alpha is above it, the head hides the
                        background; None as they were trained
    """

    background: Tensor | None = None
    replacement_head: Tensor | None = None
    head_threshold: float | None = None
    size: int = PORTRAIT_SIZE
    replacement_mask: Tensor | None = None
    replacement_start: int | None = None
    background_film: Film | None = None


def htb_sr(head: HeadRender, portrait: Portrait, settings: HTBSRSettings | None = None) -> PersonFrames:
    """The finished clip, made frame by frame on demand.

    Raises BackendError if the backend has no HTB-SR or the head was not made from this portrait.
    """
    model, settings = head.triplane.model, settings or HTBSRSettings()
    if model.kind == "analytic":
        from .analytic import analytic_frames

        return analytic_frames(head, portrait, settings)
    if model.networks is not None:
        from .network.frames import network_frames

        return network_frames(head, portrait, settings, model.networks)
    raise BackendError(f'The model "{model.name}" has no HTB-SR; choose "built-in" in Load Real3D Model.')
