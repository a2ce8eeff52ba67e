"""Openings of the face at full resolution: the mouth and the eyes, cut by their signed distances.

See docs/model.md, "HTB-SR".
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..image_to_plane.layout import (
    ADDRESS_INNER,
    ADDRESS_LOWER,
    DISTANCES,
    SLIT_LIMIT,
    SLIT_SCALE,
    feature_to_unit,
)
from ..ops import remap, smoothstep
from .boxes import Box, enlarged, pixels_of, window_of
from .pictures import HeadPictures

SOFT_EDGE = 0.0010  # world units: half width of a lip's or lid's edge
SEAM = 0.0016  # world units: width of the seam between the skin above and below a closed slit
SHADOW = (0.8, 1.2, 1.3)  # exponents of red, green and blue in the mouth's shadow


def paint_slit(
    pictures: HeadPictures,
    source: Tensor,
    colour: Tensor,
    features: Tensor,
    box: Box,
    scale: int,
    closing: tuple[float, float],
) -> None:
    """Draws one mouth or eye at full resolution into colour [H, W, 3] (in place).

    source [1, size, size, 4]: the skin's picture for this view.
    """
    unit = feature_to_unit(enlarged(features, box, scale))
    below, above = (torch.logit(unit[..., DISTANCES]) * SLIT_SCALE).unbind(-1)
    inner = unit[..., ADDRESS_INNER]
    lower = remap(source, *pixels_of(unit[..., ADDRESS_LOWER], source), cubic=True)[..., :3]
    side = ((below - above) / SEAM * 0.5 + 0.5).clamp(0, 1)
    side = torch.where(torch.maximum(below, above) > -0.9 * SLIT_LIMIT, side, torch.zeros_like(side))[
        ..., None
    ]
    window = window_of(box, scale)
    skin = colour[window][None]
    skin = skin + (lower - skin) * side

    inside = remap(pictures.inner, *pixels_of(inner, pictures.inner), cubic=True)
    made_up, inside = inside[..., 3:].clamp(0, 1), inside[..., :3]
    glow = (made_up * torch.exp(-above.clamp(min=0) / 0.0035)[..., None]).clamp(0, 1) * 0.75
    inside = inside + (pictures.lip * 0.62 - inside) * glow
    shade = (0.68 + 0.32 * torch.minimum(below, above + 0.004) / 0.012).clamp(0.68, 1)[..., None]
    # Shadows in a mouth are warm: blue goes first.
    inside = inside * (1 - made_up * (1 - shade ** torch.tensor(SHADOW, device=shade.device)))

    depth = torch.minimum(below, above)
    opening = smoothstep(-SOFT_EDGE, SOFT_EDGE, depth)[..., None]
    mixed = skin + (inside - skin) * opening
    if max(closing) > 0:
        mixed = mixed * _lashes(pictures, inner[..., 0], below, above, made_up[..., 0], closing)[..., None]
    colour[window] = mixed[0]


def seen_opening(pictures: HeadPictures, features: Tensor, box: Box, scale: int) -> tuple[Tensor, Tensor]:
    """[h, w] each, 0..1, of a box of rays: where it is open, and how much of what shows there is made up."""
    unit = feature_to_unit(enlarged(features, box, scale))
    depth = (torch.logit(unit[..., DISTANCES]) * SLIT_SCALE).amin(-1)
    inside = remap(pictures.inner, *pixels_of(unit[..., ADDRESS_INNER], pictures.inner))
    opening = smoothstep(-SOFT_EDGE, SOFT_EDGE, depth)[0]
    return opening, opening * inside[0, ..., 3].clamp(0, 1)


def _lashes(
    pictures: HeadPictures, u: Tensor, below: Tensor, above: Tensor, made_up: Tensor, closing
) -> Tensor:
    """Factor on the colour: a lid that comes down brings its dark line of lashes along."""
    right = (u - pictures.iris_u[0]).abs() < (u - pictures.iris_u[1]).abs()
    amount = torch.where(right, torch.full_like(u, closing[0]), torch.full_like(u, closing[1])) * (
        1 - made_up
    )
    # On a closed eye both edges run past each other: the line lies where they meet, below the edge of the
    # upper lid.
    edge = torch.maximum(below, -above)
    inside_eye = smoothstep(-0.010, -0.003, torch.minimum(below, above))
    return 1 - 0.42 * amount * inside_eye * torch.exp(-((edge - 0.0006) / 0.0019).square())
