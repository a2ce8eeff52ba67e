"""The passes of a clip as frames of 15 channels, made on demand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import RenderError
from ..htb_sr.head_layer import continued
from ..htb_sr.photo_detail import SIZES
from ..render_triplane.passes import SOLID, alpha_pass, colour_pass, depth_pass
from ..wires import HeadRender, Portrait, RenderedFrames
from .masks import PARTS, Masks, masks_of
from .surface import at_surface, colour_code, depth_range, sized, solid, surface_normals

NEAR_FAR, NORMALISED, METRIC = DEPTH_MODES = ("near and far", "normalised", "metric")
CHANNELS = ("red", "green", "blue", "alpha", "depth", "right", "up", "toward", *PARTS)
"""What a frame holds, channel by channel."""


@dataclass(frozen=True)
class PassSettings:
    """How passes are drawn.

    near, far   distances from the camera, box sides, that depth is white and black at (depth "near and far")
    depth       one of DEPTH_MODES: "normalised" finds near and far for the whole clip, "metric" is the
                distance itself in box sides, 0 where there is no head
    size        pixels a side: 512, 768 or 1024, where the pixels are HTB-SR's; 0 is one pixel for each ray
    """

    near: float
    far: float
    depth: str = NEAR_FAR
    size: int = 0


@dataclass(frozen=True)
class PassSource:
    """A FrameSource of CHANNELS."""

    head: HeadRender
    masks: Masks
    settings: PassSettings

    @property
    def device(self) -> torch.device:
        return self.head.triplane.planes.device

    @property
    def fps(self) -> float:
        return self.head.fps

    @property
    def width(self) -> int:
        return self.settings.size or self.head.settings.resolution

    @property
    def height(self) -> int:
        return self.width

    def __len__(self) -> int:
        return len(self.head)

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, size, size, 15] float32 on the CPU; 0..1, but a metric depth."""
        rendered = at_surface(self.head, self.head.frames(start, stop))
        return torch.stack([self._frame(rendered, i, start + i) for i in range(stop - start)])

    def _frame(self, rendered: RenderedFrames, i: int, index: int) -> Tensor:
        size, some = self.width, slice(i, i + 1)
        colour = sized(colour_pass(rendered)[i].movedim(0, -1), size)
        alpha = sized(alpha_pass(rendered)[i].movedim(0, -1), size)
        known = solid(rendered)[some]
        values = torch.cat(
            [self._depth(rendered)[some].movedim(1, -1), surface_normals(rendered, i)[None]], -1
        )
        if size != values.shape[1]:
            # The ground must not be mixed in at the edge.
            values = continued(values, known)
        values = sized(values[0], size)
        depth, normals = values[..., :1], values[..., 1:]
        normals = normals / torch.linalg.vector_norm(normals, dim=-1, keepdim=True).clamp(min=1e-6)
        front = torch.tensor([0.0, 0.0, 1.0], device=normals.device)
        inside = alpha > SOLID
        depth = torch.where(inside, depth, 0.0)
        normals = colour_code(torch.where(inside, normals, front))
        masks = sized(self.masks.frame(rendered, i, index), size)
        return torch.cat([part.float().cpu() for part in (colour, alpha, depth, normals, masks)], -1)

    def _depth(self, rendered: RenderedFrames) -> Tensor:
        if self.settings.depth == METRIC:
            return torch.where(rendered.alpha > SOLID, rendered.depth, 0.0)
        return depth_pass(rendered, self.settings.near, self.settings.far)


def pass_source(head: HeadRender, settings: PassSettings, portrait: Portrait | None = None) -> PassSource:
    """The passes of a clip.

    Raises RenderError for settings that cannot be drawn, BackendError if the head was not made from this
    portrait.
    """
    if settings.depth not in DEPTH_MODES:
        raise RenderError(f"There is no depth '{settings.depth}'; choose {', '.join(DEPTH_MODES)}.")
    if settings.size and settings.size not in SIZES:
        raise RenderError(f"Passes of a size of {settings.size} were asked for; choose 512, 768, 1024 or 0.")
    if settings.depth == NORMALISED:
        near, far = depth_range(head)
        settings = replace(settings, near=near, far=far)
    if portrait is not None:
        portrait = portrait.to(head.triplane.planes.device)
    return PassSource(head, masks_of(head, portrait, settings.size or head.settings.resolution), settings)
