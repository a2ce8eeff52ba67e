"""The HTB-SR network that makes clips: the numbers of super_resolution.py for two thirds of the work.

What a portrait fixes is computed once (`portrait`), what a background fixes once for each background
(`background`), and what the checkpoint fixes is baked into the weights. See docs/model.md, "Savings in
HTB-SR".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...wires import _Movable
from .appearance import CHANNELS, DEPTH, AppearanceExtractor, appearance_input, torso_classes, torso_mask
from .blocks import Baked, BakedResidual, baked, baked_up
from .folded_motion import FoldedMotionField, StillVolume
from .folded_synthesis import FoldedSynthesis
from .generator import TorsoGenerator, TorsoPicture
from .motion_field import SIZE, key_points
from .super_resolution import (
    SLOPE,
    THRESHOLD,
    HTBSRFrames,
    PortraitPictures,
    SuperResolution,
    resized,
    solid,
)
from .synthesis import Synthesised

VALUES_PER_FRAME = 115_000_000
"""Activations alive at once (measured: 431 MiB of float32 for one frame, 854 MiB for two)."""


@dataclass(frozen=True)
class BackgroundFeatures(_Movable):
    """One background for all frames, or one for each (m = 1 or n).

    picture     [m, 3, 256, 256] float32 -1..1
    hidden      [m, 64, 256, 256] its part in the first convolution that joins person and background
    """

    picture: Tensor
    hidden: Tensor


@dataclass(frozen=True)
class PortraitFeatures(_Movable):
    """What HTB-SR computes once for a portrait; belongs to the network (and type of weights) that made it.

    volume      [16, 32, 64, 64] float32: the torso's features, depth first
    still       see StillVolume
    landmarks   [1, 4, 3] float32: the key points in the source pose
    background  of the portrait itself
    """

    volume: Tensor
    still: StillVolume
    landmarks: Tensor
    background: BackgroundFeatures


def plain(layer: nn.Module, slope: float = 1.0) -> Baked:
    return Baked(layer.weight, layer.bias, slope)


def chain(layers: nn.Sequential, slope: float, last: float = 1.0) -> nn.Sequential:
    """The convolutions of a Sequential with the same activation after each, and another after the last."""
    convs = [layer for layer in layers if hasattr(layer, "weight")]
    return nn.Sequential(*(plain(layer, slope) for layer in convs[:-1]), plain(convs[-1], last))


class FoldedAppearance(nn.Module):
    """AppearanceExtractor with norms baked in."""

    def __init__(self, raw: AppearanceExtractor) -> None:
        super().__init__()
        pool = nn.AvgPool2d(2)
        down = [layer for block in raw.down for layer in (baked(block.layers[0]), pool)]
        self.flat = nn.Sequential(baked(raw.in_conv), *down, plain(raw.mid_conv))
        self.res = nn.Sequential(*(BakedResidual(block) for block in raw.res))

    def forward(self, picture: Tensor) -> Tensor:
        return self.res(self.flat(picture).unflatten(1, (CHANNELS, DEPTH)))


class FoldedGenerator(nn.Module):
    """TorsoGenerator with norms baked in; takes the volume depth first."""

    def __init__(self, raw: TorsoGenerator, occlusion: nn.Sequential) -> None:
        super().__init__()
        first = baked(raw.in_conv)
        by_depth = first.weight.unflatten(1, (CHANNELS, DEPTH)).transpose(1, 2).flatten(1, 2)
        self.layers = nn.Sequential(
            Baked(by_depth, first.bias, first.slope),
            plain(raw.mid_conv),
            *(BakedResidual(block) for block in raw.res),
            *(baked_up(block) for block in raw.up),
        )
        self.rgb = plain(raw.out_conv)
        self.occlusion = chain(occlusion, slope=0.0)

    def forward(self, flat: Tensor, guess: Tensor) -> TorsoPicture:
        """flat [n, 512, 64, 64] = depths x channels; guess [n, 1, 64, 64]. Colour and cover are float32."""
        features = self.layers(flat)
        guess = F.interpolate(guess, scale_factor=4, mode="bilinear").to(features.dtype)
        cover = self.occlusion(torch.cat([features, guess], 1))
        return TorsoPicture(features, self.rgb(features).float(), cover.float().sigmoid())


def fused_encoder(encoder: nn.Module, fuse: nn.Module) -> Baked:
    """The convolution that joins head and torso, with the linear torso encoder before it folded in.

    It takes 256 channels of the head, 64 of the torso times (1 - alpha), and 1 - alpha itself, which carries
    the encoder's bias.
    """
    weight = fuse.weight
    head, torso = weight.chunk(2, 1)
    mixed = torch.einsum("omhw,mi->oihw", torso, encoder.weight[:, :, 0, 0])
    biased = torch.einsum("omhw,m->ohw", torso, encoder.bias)[:, None]
    return Baked(torch.cat([head, mixed, biased], 1), fuse.bias, SLOPE)


class FoldedSuperResolution(nn.Module):
    """HTB-SR for clips. Colours, masks and positions stay float32 whatever the type of the weights."""

    def __init__(self, raw: SuperResolution) -> None:
        super().__init__()
        torso, joined = raw.torso_model, raw.fuse_fg_bg_convs
        self.appearance = FoldedAppearance(torso.appearance_extractor)
        self.motion = FoldedMotionField(torso.motion_field_estimator)
        self.generator = FoldedGenerator(torso.deform_based_generator, torso.occlusion_2_predictor)
        self.block0 = FoldedSynthesis(raw.block0)
        self.fuse_head_torso = nn.Sequential(
            fused_encoder(raw.torso_encoder[0], raw.fuse_head_torso_convs[0]),
            plain(raw.fuse_head_torso_convs[2]),
        )
        self.head_torso_block = FoldedSynthesis(raw.head_torso_block)
        person, background = joined[0].weight.chunk(2, 1)
        self.person_in = Baked(person, joined[0].bias)
        self.background_in = nn.Sequential(*chain(raw.bg_encoder, SLOPE), Baked(background, joined[0].bias))
        self.fuse_background = nn.Sequential(plain(joined[2], SLOPE), plain(joined[4]))
        self.block1 = FoldedSynthesis(raw.block1)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.person_in.weight.dtype

    def activation_bytes(self, frames: int) -> int:
        """What a call needs besides weights, portrait and inputs, less the workspaces of convolutions."""
        return frames * VALUES_PER_FRAME * self.person_in.weight.element_size()

    def background(self, picture: Tensor) -> BackgroundFeatures:
        """Of backgrounds [m, 3, 512, 512] -1..1."""
        small = resized(picture.float())
        return BackgroundFeatures(small, self.background_in(small.to(self.dtype)))

    def portrait(self, pictures: PortraitPictures) -> PortraitFeatures:
        """Once per portrait. The pictures lie on the network's device."""
        classes = torso_classes(pictures.segmentation, SIZE)
        seen = appearance_input(resized(pictures.torso.float()), pictures.segmentation)
        volume = self.appearance(seen.to(self.dtype)) * torso_mask(classes)[:, :, None].to(self.dtype)
        return PortraitFeatures(
            volume=volume[0].transpose(0, 1).float().contiguous(),
            still=self.motion.still(volume, classes.to(self.dtype)),
            landmarks=key_points(pictures.landmarks),
            background=self.background(pictures.background),
        )

    def forward(
        self,
        features: Tensor,
        alpha: Tensor,
        driven: Tensor,
        portrait: PortraitFeatures,
        threshold: float = THRESHOLD,
        background: BackgroundFeatures | None = None,
    ) -> HTBSRFrames:
        """n frames at once.

        features    [n, 32, 128, 128] -1..1 of the renderer
        alpha       [n, 1, 128, 128] of the renderer
        driven      [n, 68, 3] landmarks -1..1 of the picture; only x and y of four of them count
        threshold   above it, alpha counts as 1 where head meets background
        background  instead of the portrait's own
        """
        behind = portrait.background if background is None else background
        rgb = features[:, :3].float()
        seen = F.interpolate(torch.cat([rgb, alpha.float()], 1), scale_factor=2, mode="bilinear")
        w = seen[:, 3:]
        made = self.block0(features.to(self.dtype), rgb)
        torso = self._torso(driven, seen, portrait)
        made = self._joined(made, torso, w)
        person = (torso.cover + solid(w, threshold)).clamp(0, 1)
        rgb = torch.lerp(behind.picture, made.rgb, person)
        x = torch.lerp(behind.hidden, self.person_in(made.features), person.to(self.dtype))
        made = self.block1(self.fuse_background(F.leaky_relu_(x, SLOPE)), rgb)
        return HTBSRFrames(image=made.rgb.clamp(-1, 1), person=person)

    def _torso(self, driven: Tensor, seen: Tensor, portrait: PortraitFeatures) -> TorsoPicture:
        head = F.avg_pool2d(seen, 2).to(self.dtype)
        field = self.motion(portrait.still, portrait.landmarks, key_points(driven), head)
        count = len(driven)
        volume = portrait.volume.expand(count, -1, -1, -1, -1).flatten(0, 1)
        moved = F.grid_sample(
            volume, field.positions.flatten(0, 1), padding_mode="border", align_corners=True
        )
        return self.generator(moved.reshape(count, -1, SIZE, SIZE).to(self.dtype), field.torso)

    def _joined(self, head: Synthesised, torso: TorsoPicture, w: Tensor) -> Synthesised:
        """Head over torso, in colour and in features."""
        alpha = w.to(self.dtype)
        rest = 1 - alpha
        x = torch.cat([head.features * alpha, torso.features * rest, rest], 1)
        return self.head_torso_block(self.fuse_head_torso(x), torch.lerp(torso.rgb, head.rgb, w))
