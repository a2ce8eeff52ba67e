"""A portrait in rendered colours, for avatar files that leave the photo out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..image_to_plane.avatar import AnalyticAvatar, portrait_key, softened
from ..ops import enlarge
from ..wires import PLANE_SIZE, PORTRAIT_SIZE, Camera, HeadRender, Portrait, RenderSettings, TriPlane

GROUND = 0.5  # grey of the plain background
TOLD = "This avatar was saved without its photo: it is less sharp, before a plain background."
_FACTOR = PORTRAIT_SIZE // PLANE_SIZE


def without_photo(triplane: TriPlane, portrait: Portrait) -> tuple[TriPlane, Portrait]:
    """An analytic head and its portrait with no pixel finer than the tri-plane's own 256 texels.

    The head's colours are a render from the front; torso and mouth are brought to the same resolution, the
    background is plain grey. Both results are on the CPU and belong to each other.
    """
    from ..portrait.filters import push_pull

    triplane, portrait = triplane.to("cpu"), portrait.to("cpu")
    still = replace(triplane, motion=None, adapter=None)
    rendered = HeadRender(still, Camera.front(), RenderSettings(resolution=PLANE_SIZE)).frames(0, 1)
    alpha = rendered.alpha[0, 0].clamp(0, 1)
    colour = ((rendered.rgb[0] + 1) / 2 / alpha.clamp(min=1e-3)).clamp(0, 1).permute(1, 2, 0)
    seen = (alpha > 0.9).float()
    filled = np.asarray(push_pull(colour.numpy(), seen.numpy()), np.float32)
    foreground = _enlarged(torch.from_numpy(filled))
    torso = _coarse(portrait.torso)
    ground = torch.full_like(portrait.background, GROUND)
    head, body = portrait.head[..., None], torso[..., 3:]
    image = ground + (torso[..., :3] - ground) * body
    image = image + (foreground - image) * head
    coarse = replace(
        portrait,
        image=image,
        photo=(image * 255).round().to(torch.uint8),
        crop_to_photo=torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
        foreground=foreground,
        torso=torso,
        background=ground,
        findings=(*(one for one in portrait.findings if one != TOLD), TOLD),
    )
    avatar: AnalyticAvatar = triplane.avatar
    inner = _coarse(avatar.inner[0])
    avatar = replace(
        avatar,
        colours=softened(foreground),
        inner=inner[None],
        inside=softened(inner),
        photo_key=portrait_key(coarse),
    )
    return replace(still, avatar=avatar), coarse


def _coarse(picture: Tensor) -> Tensor:
    """[512, 512, C] with the detail of 256 x 256."""
    shape = (PLANE_SIZE, _FACTOR, PLANE_SIZE, _FACTOR, picture.shape[-1])
    return _enlarged(picture.reshape(shape).mean((1, 3)))


def _enlarged(picture: Tensor) -> Tensor:
    return enlarge(picture[None], _FACTOR)[0].clamp(0, 1)
