"""The Motion Adapter network's eye: a small SegFormer (MiT-B0), which reads a picture at four scales.

Names of parameters are those of the released weights. See docs/model.md, "Motion Adapter network".
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from ..image_to_plane.transformer import Block, Grid, PatchEmbed, as_picture

BLOCK_EPS = 1e-6  # of the layer norms in and after the blocks; the others have 1e-5
FUSED = 256  # channels in which the four scales meet


@dataclass(frozen=True)
class Stage:
    """One scale: channels, attention heads, how many tokens a side are merged into one key."""

    channels: int
    heads: int
    reduction: int


STAGES = (Stage(32, 1, 8), Stage(64, 2, 4), Stage(160, 5, 2), Stage(256, 8, 1))


class MixVit(nn.Module):
    """Four stages of two attention blocks, at 1/4, 1/8, 1/16 and 1/32 of the picture."""

    def __init__(self) -> None:
        super().__init__()
        inputs = 3
        for number, stage in enumerate(STAGES, 1):
            size, stride = (7, 4) if number == 1 else (3, 2)
            embed = PatchEmbed(inputs, stage.channels, size, stride)
            blocks = (Block(stage.channels, stage.heads, 4, stage.reduction, BLOCK_EPS) for _ in range(2))
            self.add_module(f"patch_embed{number}", embed)
            self.add_module(f"block{number}", nn.ModuleList(blocks))
            self.add_module(f"norm{number}", nn.LayerNorm(stage.channels, eps=BLOCK_EPS))
            inputs = stage.channels

    def forward(self, picture: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> the four maps, finest first: [B, 32, H / 4, W / 4] ... [B, 256, H / 32, W / 32]."""
        return self.from_patches(self.patch_embed1.proj(picture))

    def from_patches(self, patches: Tensor) -> list[Tensor]:
        """The same from [B, 32, H / 4, W / 4], the first stage's projected patches."""
        maps: list[Tensor] = []
        for number in range(1, len(STAGES) + 1):
            embed = self.get_submodule(f"patch_embed{number}")
            if maps:
                patches = embed.proj(maps[-1])
            grid, tokens = Grid(*patches.shape[2:]), embed.tokens(patches)
            for block in self.get_submodule(f"block{number}"):
                tokens = block(tokens, grid)
            maps.append(as_picture(self.get_submodule(f"norm{number}")(tokens), grid))
        return maps


class LevelProjection(nn.Module):
    """A linear layer over the channels of one scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, FUSED)


class LevelFusion(nn.Module):
    """1 x 1 convolution of the joined scales, and batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(len(STAGES) * FUSED, FUSED, 1, bias=False)
        self.bn = nn.BatchNorm2d(FUSED)


class FuseHead(nn.Module):
    """Joins the four scales at the finest one's resolution.

    The released network brings every scale to 256 channels, enlarges it, and mixes the 1024 channels by a
    1 x 1 convolution. Enlarging is the same for every channel, so both linear maps are applied as one before
    it, where the coarse scales are small: 9 of the frame's 102 GFLOP and 64 MiB less, the same numbers up to
    rounding.
    """

    def __init__(self) -> None:
        super().__init__()
        self.linear_c4, self.linear_c3, self.linear_c2, self.linear_c1 = (
            LevelProjection(stage.channels) for stage in reversed(STAGES)
        )
        self.linear_fuse = LevelFusion()

    def forward(self, maps: list[Tensor]) -> Tensor:
        """The four maps of `MixVit` -> [B, 256, H / 4, W / 4]."""
        c1, c2, c3, c4 = maps
        levels = ((c4, self.linear_c4), (c3, self.linear_c3), (c2, self.linear_c2), (c1, self.linear_c1))
        mixing = self.linear_fuse.conv.weight.flatten(1).chunk(len(STAGES), 1)
        bias = sum(mix @ level.proj.bias for mix, (_, level) in zip(mixing, levels, strict=True))
        fused = None
        for mix, (features, level) in zip(mixing, levels, strict=True):
            weight = (mix @ level.proj.weight)[:, :, None, None]
            if features is c1:
                part = F.conv2d(features, weight, bias)
            else:
                part = F.interpolate(F.conv2d(features, weight), c1.shape[2:], mode="bilinear")
            fused = part if fused is None else fused + part
        return F.relu(self.linear_fuse.bn(fused))
