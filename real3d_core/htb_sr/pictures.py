"""The pictures that a head is painted from, prepared once per portrait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..image_to_plane.avatar import AnalyticAvatar
from ..wires import PORTRAIT_SIZE, Portrait, _Movable

RIM = 6  # pixels of the silhouette that hold some background or were softened
MIRROR = 12.0  # pixels: width of the band inside the rim that other views see mirrored


@dataclass(frozen=True)
class HeadPictures(_Movable):
    """What the head is painted from, all [1, 512, 512, C].

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


def build_head(portrait: Portrait, avatar: AnalyticAvatar) -> HeadPictures:
    """Prepares the pictures of a portrait."""
    skin = torch.cat([portrait.foreground, portrait.person[..., None]], -1)
    return HeadPictures(
        skin=skin[None].contiguous(),
        side=_mirrored_rim(skin)[None].contiguous(),
        weight=portrait.head_weight[None, ..., None].contiguous(),
        inner=avatar.inner,
        lip=avatar.lip,
        iris_u=(float(avatar.iris[0, 0]), float(avatar.iris[1, 0])),
    )


def _mirrored_rim(skin: Tensor) -> Tensor:
    """The picture [512, 512, 4] with the person's outermost pixels and what lies beyond mirrored from within.

    A turned head spreads the last pixels of the silhouette, half background and softened, over a broad band.
    """
    from scipy.ndimage import distance_transform_edt

    person = skin[..., 3].numpy()
    core = distance_transform_edt(person > 0.5) >= RIM
    if not core.any():
        return skin
    away, (rows, cols) = distance_transform_edt(~core, return_indices=True)
    i, j = np.mgrid[0:PORTRAIT_SIZE, 0:PORTRAIT_SIZE]
    # To and fro within a narrow band: farther in, the face or the collar would appear beside the hair.
    depth = MIRROR - np.abs(MIRROR - away % (2 * MIRROR))
    share = depth / np.maximum(away, 1e-6)
    y = np.round(rows + (rows - i) * share).clip(0, PORTRAIT_SIZE - 1).astype(np.int64)
    x = np.round(cols + (cols - j) * share).clip(0, PORTRAIT_SIZE - 1).astype(np.int64)
    return torch.cat([skin[torch.from_numpy(y), torch.from_numpy(x), :3], skin[..., 3:]], -1)
