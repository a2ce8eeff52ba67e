"""How the torso moves: a dense flow of its volume from four key points and the rendered head.

Convention
    Positions in the volume are (x, y, z), -1..1 from the centre of the first texel to that of the last
    (`align_corners=True`). See docs/model.md, "Torso motion".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .appearance import CHANNELS, DEPTH
from .blocks import ConvNorm, Down, Residual, Up, conv

SIZE = 64  # texels of the volume in height and width
KEY_POINTS = (0, 8, 16, 27)  # of the 68: the jaw's ends, the chin, the bridge of the nose
VARIANCE = 0.01  # of the heat round a key point
FAINTEST = 1e-30  # heat below counts as none: numbers too small for float32's normal range slow a CPU down
COMPRESSED = 4
MOTIONS = 1 + len(KEY_POINTS)  # the first one is to stay
WIDTHS = (64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class MotionField:
    """deformation     [n, 16, 64, 64, 3] where in the source volume to look for each texel, x, y, z
    occlusion       [n, 1, 64, 64] 0..1, which nothing uses
    torso           [n, 1, 64, 64] 0..1, a first guess at where the torso is
    """

    deformation: Tensor
    occlusion: Tensor
    torso: Tensor


def grid(like: Tensor) -> Tensor:
    """[16, 64, 64, 3] the position of each texel, float32, on the device of `like`."""
    z, y, x = (torch.linspace(-1, 1, n, device=like.device) for n in (DEPTH, SIZE, SIZE))
    return torch.stack(torch.meshgrid(z, y, x, indexing="ij")[::-1], -1)


def key_points(landmarks: Tensor) -> Tensor:
    """[n, 4, 3] of 68 landmarks [n, 68, 3] -1..1; z is 0 whatever it was."""
    chosen = landmarks[:, list(KEY_POINTS)].float()
    return torch.cat([chosen[..., :2], torch.zeros_like(chosen[..., 2:])], -1)


def heat(points: Tensor) -> Tensor:
    """[n, 4, 16, 64, 64] of key points [n, 4, 3]: 1 at the point, falling off round it."""
    offset = grid(points) - points[:, :, None, None, None]
    warm = torch.exp(offset.square().sum(-1) * (-0.5 / VARIANCE))
    return F.threshold(warm, FAINTEST, 0.0)


def sample(volume: Tensor, positions: Tensor, beyond: str) -> Tensor:
    """Volume [n, C, 16, 64, 64] at positions [n, 16, 64, 64, 3]; `beyond` its border "zeros" or "border"."""
    return F.grid_sample(volume, positions, mode="bilinear", padding_mode=beyond, align_corners=True)


class MotionFieldEstimator(nn.Module):
    """Chooses for each texel of the volume which key point it follows, and tells where the torso is."""

    def __init__(self) -> None:
        super().__init__()
        per_motion = 1 + COMPRESSED
        chain = (MOTIONS * per_motion, *WIDTHS)
        self.compress = conv(3, CHANNELS + 2, COMPRESSED, 1)
        self.down = nn.Sequential(*(Down(3, a, b) for a, b in itertools.pairwise(chain)))
        back = (*WIDTHS[::-1], 32)
        self.up = nn.Sequential(*(Up(3, a, b) for a, b in itertools.pairwise(back)))
        self.tgt_head_encoder = nn.Sequential(ConvNorm(2, 4, 32, 7), *(Residual(2, 32) for _ in range(3)))
        self.tgt_head_fuser = conv(3, chain[0] + 32 + 32, 32, 7)
        self.mask_conv = conv(3, 32, MOTIONS, 7)
        self.occlusion_conv = conv(2, 32 * DEPTH, 1, 7)
        self.occlusion_conv2 = conv(2, 32 * DEPTH, 1, 7)

    def forward(
        self, volume: Tensor, classes: Tensor, source: Tensor, driven: Tensor, head: Tensor
    ) -> MotionField:
        """volume [n, 32, 16, 64, 64] masked; classes [n, 2, 64, 64]; source, driven [n, 4, 3] key points;
        head [n, 4, 256, 256] the rendered colour and alpha.
        """
        count = driven.shape[0]
        through = classes[:, :, None].expand(-1, -1, DEPTH, -1, -1)
        compressed = self.compress(torch.cat([volume, through], 1))
        shift = torch.cat([torch.zeros_like(driven[:, :1]), source - driven], 1)
        motions = grid(volume) + shift[:, :, None, None, None]  # [n, 5, 16, 64, 64, 3]
        warm = heat(driven) - heat(source)
        warm = torch.cat([torch.zeros_like(warm[:, :1]), warm], 1)
        parts = []
        for k in range(MOTIONS):
            moved = sample(compressed.expand(count, -1, -1, -1, -1), motions[:, k], "zeros")
            parts += [warm[:, k : k + 1], moved]
        x = torch.cat(parts, 1)
        seen = self.tgt_head_encoder(F.interpolate(head, scale_factor=0.5, mode="bilinear"))
        seen = F.interpolate(seen, scale_factor=0.5, mode="bilinear")
        seen = seen[:, :, None].expand(-1, -1, DEPTH, -1, -1)
        x = self.tgt_head_fuser(torch.cat([x, self.up(self.down(x)), seen], 1))
        choice = self.mask_conv(x).softmax(1)
        flat = x.flatten(1, 2)
        return MotionField(
            deformation=torch.einsum("nkdhw,nkdhwc->ndhwc", choice, motions),
            occlusion=self.occlusion_conv(flat).sigmoid(),
            torso=self.occlusion_conv2(flat).sigmoid(),
        )
