"""The pictures that the viewer looks addresses up in: those of HTB-SR, at the size of the crop."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..htb_sr.photo_detail import photo_detail
from ..htb_sr.pictures import build_head
from ..htb_sr.torso_layer import NECK_DEPTH, build_torso
from ..image_to_plane.avatar import AnalyticAvatar
from ..wires import PORTRAIT_SIZE, Portrait

Pixels = NDArray[np.uint8]
QUALITY = 92


@dataclass(frozen=True)
class LookUps:
    """[512, 512, 3] uint8 each.

    skin        the photo, continued outwards; side: the same for other views (docs/model.md, "HTB-SR").
    inner       what lies beneath the skin.
    masks       person's matte, head's weight, share of `inner` that is made up.
    torso       neck and shoulders; ground: the background. None without a portrait.
    torso_masks the torso's alpha, its depth as a share of `torso_depth`, and 0.
    lip, iris_u as in HeadPictures.
    """

    skin: Pixels
    side: Pixels
    inner: Pixels
    masks: Pixels
    torso: Pixels | None
    torso_masks: Pixels | None
    ground: Pixels | None
    lip: tuple[float, float, float]
    iris_u: tuple[float, float]
    torso_depth: float = NECK_DEPTH

    def encoded(self) -> dict[str, bytes]:
        """The pictures as files of the browser's formats, masks without any loss."""
        names = ("skin", "side", "inner", "masks", "torso", "torso_masks", "ground")
        pictures = {name: getattr(self, name) for name in names}
        return {
            name: encoded(picture, "masks" in name)
            for name, picture in pictures.items()
            if picture is not None
        }


def look_ups(avatar: AnalyticAvatar, portrait: Portrait | None) -> LookUps:
    """The pictures of an avatar; without its portrait they are the softened ones that the avatar carries."""
    avatar = avatar.to("cpu")
    made_up = avatar.inner[0, ..., 3:]
    lip = tuple(avatar.lip.tolist())
    iris_u = (float(avatar.iris[0, 0]), float(avatar.iris[1, 0]))
    if portrait is None:
        skin, one = _pixels(avatar.colours[0]), torch.ones_like(made_up)
        masks = _pixels(torch.cat([one, one, made_up], -1))
        return LookUps(skin, skin, _pixels(avatar.inner[0, ..., :3]), masks, None, None, None, lip, iris_u)
    portrait = portrait.to("cpu")
    detail = photo_detail(portrait, PORTRAIT_SIZE)
    head = build_head(portrait, avatar, detail)
    torso = build_torso(portrait, avatar, detail)
    step = PORTRAIT_SIZE // torso.surface.shape[0]
    depth = torch.nn.functional.interpolate(
        torso.surface[None, None, ..., 2], scale_factor=step, mode="bilinear", align_corners=False
    )[0, 0, ..., None]
    torso_masks = torch.cat([torso.picture[0, ..., 3:], depth / NECK_DEPTH, torch.zeros_like(depth)], -1)
    return LookUps(
        skin=_pixels(head.skin[0, ..., :3]),
        side=_pixels(head.side[0, ..., :3]),
        inner=_pixels(head.inner[0, ..., :3]),
        masks=_pixels(torch.cat([head.skin[0, ..., 3:], head.weight[0], made_up], -1)),
        torso=_pixels(torso.picture[0, ..., :3]),
        torso_masks=_pixels(torso_masks),
        ground=_pixels(portrait.background),
        lip=lip,
        iris_u=iris_u,
    )


def _pixels(picture: Tensor) -> Pixels:
    return picture.clamp(0, 1).mul(255).round().byte().cpu().numpy()


def encoded(picture: Pixels, exact: bool = False) -> bytes:
    """A picture [h, w, 3] as a WebP file, as a PNG where it must be exact or WebP is not to be had."""
    from PIL import Image, features

    file = io.BytesIO()
    if exact or not features.check("webp"):
        Image.fromarray(picture).save(file, "PNG", optimize=False, compress_level=9)
    else:
        Image.fromarray(picture).save(file, "WEBP", quality=QUALITY, method=4)
    return file.getvalue()
