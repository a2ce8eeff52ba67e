"""The pictures that a head is painted from, prepared once per portrait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..image_to_plane.avatar import AnalyticAvatar
from ..ops import remap
from ..portrait.filters import blur
from ..wires import PORTRAIT_SIZE, Portrait, _Movable
from .photo_detail import PhotoDetail

RIM = 6  # pixels of the silhouette that hold some background or were softened
MIRROR = 12.0  # pixels: width of the band inside the rim that other views see mirrored
EVEN = 4.0  # pixels over which mirrored places are evened out


@dataclass(frozen=True)
class HeadPictures(_Movable):
    """What the head is painted from, all [1, size, size, C]; the weight is [1, 512, 512, 1].

    skin            foreground RGB + person matte
    side            the same for other views: the rim mirrored from within
    weight          head weight
    inner           inner layer RGB + share made up
    lip             [3]
    iris_u          (right, left) address across of the irises
    """

    skin: Tensor
    side: Tensor
    weight: Tensor
    inner: Tensor
    lip: Tensor
    iris_u: tuple[float, float]

    @property
    def size(self) -> int:
        return self.skin.shape[1]


def build_head(portrait: Portrait, avatar: AnalyticAvatar, detail: PhotoDetail) -> HeadPictures:
    """Prepares the pictures of a portrait, at the size of `detail`."""
    skin = detail.added_to(torch.cat([portrait.foreground, portrait.person[..., None]], -1))
    return HeadPictures(
        skin=skin[None].contiguous(),
        side=mirrored_rim(skin)[None].contiguous(),
        weight=portrait.head_weight[None, ..., None].contiguous(),
        inner=detail.added_to(avatar.inner[0])[None],
        lip=avatar.lip,
        iris_u=(float(avatar.iris[0, 0]), float(avatar.iris[1, 0])),
    )


def mirrored_rim(skin: Tensor) -> Tensor:
    """The picture [size, size, 4] with the person's outermost pixels and what lies beyond mirrored from
    within.

    A turned head spreads the last pixels of the silhouette, half background and softened, over a broad band.
    """
    from scipy.ndimage import distance_transform_edt

    person = skin[..., 3].numpy()
    size, scale = len(person), len(person) / PORTRAIT_SIZE
    core = distance_transform_edt(person > 0.5) >= RIM * scale
    if not core.any():
        return skin
    away, (rows, cols) = distance_transform_edt(~core, return_indices=True)
    i, j = np.mgrid[0:size, 0:size]
    # To and fro within a narrow band: farther in, the face or the collar would appear beside the hair.
    band = MIRROR * scale
    depth = band - np.abs(band - away % (2 * band))
    share = depth / np.maximum(away, 1e-6)
    # Where the silhouette turns sharply, below an ear, neighbours mirror places far apart: evened out, or
    # that would be a seam.
    y, x = (
        blur(((at - here) * (1 + share)).astype(np.float32), EVEN * scale) + here
        for at, here in ((rows, i), (cols, j))
    )
    at = (torch.from_numpy(one.astype(np.float32))[None] for one in (x, y))
    mirror = remap(skin[None, ..., :3].contiguous(), *at)[0]
    inner = torch.from_numpy(core)[..., None]
    return torch.cat([torch.where(inner, skin[..., :3], mirror), skin[..., 3:]], -1)
