"""The moved torso as a picture. See docs/model.md, "Torso"."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .appearance import CHANNELS, DEPTH, AppearanceExtractor
from .blocks import ConvNorm, Residual, Up, conv
from .motion_field import MotionFieldEstimator

SLOPE = 0.2


@dataclass(frozen=True)
class TorsoPicture:
    """features [n, 64, 256, 256]; rgb [n, 3, 256, 256] nominally -1..1; cover [n, 1, 256, 256] 0..1 where the
    torso is.
    """

    features: Tensor
    rgb: Tensor
    cover: Tensor


class TorsoGenerator(nn.Module):
    """Volume, moved and flattened [n, 512, 64, 64] -> features [n, 64, 256, 256], of which `out_conv` makes
    the colour.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_conv = ConvNorm(2, CHANNELS * DEPTH, 256, spectral=True, slope=SLOPE)
        self.mid_conv = conv(2, 256, 256, 1)
        self.res = nn.Sequential(*(Residual(2, 256, spectral=True) for _ in range(6)))
        self.up = nn.Sequential(Up(2, 256, 128, spectral=True), Up(2, 128, 64, spectral=True))
        self.out_conv = conv(2, 64, 3, 7)

    def forward(self, flat: Tensor) -> Tensor:
        return self.up(self.res(self.mid_conv(self.in_conv(flat))))


def mask_predictor(inputs: int) -> nn.Sequential:
    """Three 3 x 3 convolutions that give one channel."""
    return nn.Sequential(
        conv(2, inputs, 32), nn.ReLU(), conv(2, 32, 32), nn.ReLU(), conv(2, 32, 1), nn.Sigmoid()
    )


class TorsoModel(nn.Module):
    """The torso's parts, named as in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.appearance_extractor = AppearanceExtractor()
        self.motion_field_estimator = MotionFieldEstimator()
        self.deform_based_generator = TorsoGenerator()
        self.occlusion_2_predictor = mask_predictor(64 + 1)

    def picture(self, flat: Tensor, guess: Tensor) -> TorsoPicture:
        """Of the moved volume [n, 512, 64, 64] and the first guess at where the torso is [n, 1, 64, 64]."""
        features = self.deform_based_generator(flat)
        guess = F.interpolate(guess, scale_factor=4, mode="bilinear")
        return TorsoPicture(
            features=features,
            rgb=self.deform_based_generator.out_conv(features),
            cover=self.occlusion_2_predictor(torch.cat([features, guess], 1)),
        )
