"""The released HTB-SR network as its checkpoint stores it. See docs/model.md, "HTB-SR network".

`SuperResolution` has the checkpoint's entries and computes to the letter; `SuperResolution.folded()` gives
the network that makes clips: the same numbers for two thirds of the work.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import BackendError
from .appearance import appearance_input, torso_classes, torso_mask
from .blocks import conv
from .generator import TorsoModel, TorsoPicture, mask_predictor
from .motion_field import SIZE, key_points, sample
from .synthesis import SynthesisBlock

if TYPE_CHECKING:
    from .folded import FoldedSuperResolution

MIDDLE = 256  # pixels a side of everything between the renderer and the last block
THRESHOLD = 0.9
FUSE_MODE = "v2"
SLOPE = 0.01  # of the fusing convolutions


@dataclass(frozen=True)
class HTBSRFrames:
    """image   [n, 3, 512, 512] float32 -1..1
    person  [n, 1, 256, 256] float32 0..1: how much of the person was blended over the background
    """

    image: Tensor
    person: Tensor


@dataclass(frozen=True)
class PortraitPictures:
    """What the network takes of a portrait.

    torso           [1, 3, 512, 512] -1..1, the torso alone, the rest -1
    background      [1, 3, 512, 512] -1..1, filled
    segmentation    [1, 6, 512, 512] one-hot: ground, hair, body skin, face skin, clothes, others
    landmarks       [1, 68, 3] -1..1 of the picture, in the source pose
    """

    torso: Tensor
    background: Tensor
    segmentation: Tensor
    landmarks: Tensor


def resized(picture: Tensor, size: int = MIDDLE) -> Tensor:
    """[n, C, size, size], filtered where it becomes smaller."""
    return F.interpolate(picture, size=(size, size), mode="bilinear", antialias=True)


def solid(alpha: Tensor, threshold: float) -> Tensor:
    """Alpha, with what is above the threshold made fully opaque."""
    return torch.where(alpha > threshold, 1.0, alpha)


def _convs(*widths: int) -> nn.Sequential:
    """3 x 3 convolutions with leaky ReLUs between them; the first is 1 x 1 where it narrows to 64."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [conv(2, a, b, 1 if a > b == 64 else 3), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1])


class SuperResolution(nn.Module):
    """Entries `superresolution.*` of the released checkpoint.

    Raises BackendError for any `fuse_mode` but "v2", which is the released one.
    """

    def __init__(self, fuse_mode: str = FUSE_MODE) -> None:
        super().__init__()
        if fuse_mode != FUSE_MODE:
            raise BackendError(
                f'The model joins head and torso in the way "{fuse_mode}", of which only "{FUSE_MODE}" is'
                " supported; choose a model of the released recipe."
            )
        self.block0 = SynthesisBlock(32, 256, MIDDLE)
        self.block1 = SynthesisBlock(256, 128, 2 * MIDDLE)
        self.torso_model = TorsoModel()
        self.torso_encoder = nn.Sequential(conv(2, 64, 256, 1))
        self.bg_encoder = _convs(3, 64, 256, 256)
        self.head_torso_alpha_predictor = mask_predictor(7)  # of another fuse mode: never used
        self.fuse_head_torso_convs = _convs(512, 256, 256)
        self.head_torso_block = SynthesisBlock(256, 256, MIDDLE, doubles=False)
        self.fuse_fg_bg_convs = _convs(512, 64, 256, 256)

    @torch.no_grad()
    def folded(self) -> FoldedSuperResolution:
        """The network for clips. It needs nothing of this one, which may be dropped."""
        from .folded import FoldedSuperResolution

        return FoldedSuperResolution(self)

    def forward(
        self,
        features: Tensor,
        alpha: Tensor,
        driven: Tensor,
        portrait: PortraitPictures,
        threshold: float = THRESHOLD,
    ) -> HTBSRFrames:
        """features [n, 32, 128, 128] -1..1 and alpha [n, 1, 128, 128] of the renderer; driven [n, 68, 3]
        landmarks -1..1.
        """
        rgb, w = features[:, :3], resized(alpha)
        head = torch.cat([resized(rgb), w], 1)
        made = self.block0(features, rgb)
        torso = self._torso(portrait, driven, head)
        rgb = made.rgb * w + torso.rgb * (1 - w)
        x = torch.cat([made.features * w, self.torso_encoder(torso.features) * (1 - w)], 1)
        made = self.head_torso_block(self.fuse_head_torso_convs(x), rgb)
        person = (torso.cover + solid(w, threshold)).clamp(0, 1)
        background = resized(portrait.background)
        rgb = made.rgb * person + background * (1 - person)
        x = torch.cat([made.features * person, self.bg_encoder(background) * (1 - person)], 1)
        made = self.block1(self.fuse_fg_bg_convs(x), rgb)
        return HTBSRFrames(image=made.rgb.clamp(-1, 1), person=person)

    def _torso(self, portrait: PortraitPictures, driven: Tensor, head: Tensor) -> TorsoPicture:
        model, count = self.torso_model, driven.shape[0]
        seen = appearance_input(resized(portrait.torso), portrait.segmentation)
        classes = torso_classes(portrait.segmentation, SIZE)
        volume = model.appearance_extractor(seen) * torso_mask(classes)[:, :, None]
        field = model.motion_field_estimator(
            volume, classes, key_points(portrait.landmarks), key_points(driven), head
        )
        moved = sample(volume.expand(count, -1, -1, -1, -1), field.deformation, "border")
        return model.picture(moved.flatten(1, 2), field.torso)
