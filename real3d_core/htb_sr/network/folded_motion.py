"""The motion field of clips: the numbers of motion_field.py with all that is constant taken out of the frame.

Sampling positions and what is sampled stay float32 whatever the type of the weights: bfloat16 knows a
position among 64 texels to a quarter of a texel only. See docs/model.md, "Savings in HTB-SR".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...wires import _Movable
from .appearance import DEPTH
from .blocks import Baked, BakedResidual, baked, baked_up
from .motion_field import COMPRESSED, MOTIONS, SIZE, MotionFieldEstimator, grid, heat

STILL = 1 + COMPRESSED  # channels of the motion that stays: its heat, which is none, and the volume as it is
TAPS = 7  # of the wide volume convolutions
ENDS = TAPS // 2  # depths at either end of the volume where some of the taps fall outside


@dataclass(frozen=True)
class StillVolume(_Movable):
    """What of the motion field a portrait fixes.

    compressed  [1, 64, 64, 64] float32, 4 channels x 16 depths
    down        [1, 64, 16, 64, 64] the part of the unmoved volume in the first convolution, with its bias
    fuser       [1, 32, 16, 64, 64] the same for the convolution that joins all
    """

    compressed: Tensor
    down: Tensor
    fuser: Tensor


@dataclass(frozen=True)
class FoldedField:
    """positions [n, 16, 64, 64, 2] float32 where to look in each depth of the volume, x and y (depth does not
    change); torso [n, 1, 64, 64] 0..1 a first guess at where the torso is.
    """

    positions: Tensor
    torso: Tensor


def depth_cases(weight: Tensor) -> Tensor:
    """Weight [out, in, 7, h, w] of a convolution over volumes -> [7 * out, in, h, w] over pictures.

    On a volume that is the same at every depth, taps of different depths see the same value and can be
    summed. Near the ends some taps fall outside: three cases at either end and one between.
    """
    near = [weight[:, :, ENDS - i :].sum(2) for i in range(ENDS + 1)]
    far = [weight[:, :, : TAPS - 1 - i].sum(2) for i in range(ENDS)]
    return torch.cat([*near, *far])


def halved(volume: Tensor) -> Tensor:
    """The mean of 2 x 2 at each depth. torch has no mean over volumes of bfloat16 on a CPU."""
    return F.avg_pool2d(volume.flatten(1, 2), 2).unflatten(1, volume.shape[1:3])


def case_of_depth() -> Tensor:
    """[16] which case applies at each depth."""
    ends = range(ENDS)
    return torch.tensor([*ends, *[ENDS] * (DEPTH - 2 * ENDS), *(ENDS + 1 + i for i in ends)])


class FoldedMotionField(nn.Module):
    """MotionFieldEstimator with norms baked in, split into what a portrait fixes and what a frame adds."""

    def __init__(self, raw: MotionFieldEstimator) -> None:
        super().__init__()
        self.compress = Baked(raw.compress.weight, raw.compress.bias)
        first, fuser = baked(raw.down[0].layers[0]), raw.tgt_head_fuser
        moving = MOTIONS * (1 + COMPRESSED)
        head = moving + raw.up[-1].layers[1].layers[0].weight.shape[0]
        self.down_still = Baked(first.weight[:, 1:STILL].contiguous(), first.bias)
        self.down_moving = Baked(first.weight[:, STILL:].contiguous(), None)
        self.fuser_still = Baked(fuser.weight[:, 1:STILL].contiguous(), fuser.bias)
        self.fuser_moving = Baked(fuser.weight[:, STILL:head].contiguous(), None)
        self.fuser_head = Baked(depth_cases(fuser.weight[:, head:]), None)
        self.down = nn.ModuleList(baked(block.layers[0]) for block in list(raw.down)[1:])
        self.up = nn.Sequential(*(baked_up(block) for block in raw.up))
        first, *others = raw.tgt_head_encoder
        self.head = nn.Sequential(baked(first), *(BakedResidual(block) for block in others))
        self.choice = Baked(raw.mask_conv.weight, raw.mask_conv.bias)
        self.torso = Baked(raw.occlusion_conv2.weight, raw.occlusion_conv2.bias)
        self.register_buffer("cases", case_of_depth().to(fuser.weight.device), persistent=False)

    def still(self, volume: Tensor, classes: Tensor) -> StillVolume:
        """Of a masked volume [1, 32, 16, 64, 64] and the torso's classes [1, 2, 64, 64]."""
        through = classes[:, :, None].expand(-1, -1, DEPTH, -1, -1)
        compressed = self.compress(torch.cat([volume, through], 1))
        return StillVolume(
            compressed=compressed.flatten(1, 2).float(),
            down=self.down_still(compressed),
            fuser=self.fuser_still(compressed),
        )

    def forward(self, still: StillVolume, source: Tensor, driven: Tensor, head: Tensor) -> FoldedField:
        """source [1, 4, 3] and driven [n, 4, 3] key points, float32; head [n, 4, 128, 128] the rendered
        colour and alpha.
        """
        plane = grid(driven)[0, ..., :2]
        shift = (source - driven)[..., :2]
        moving = self._moving(still.compressed, plane + shift[:, :, None, None], heat(driven) - heat(source))
        moving = moving.to(head.dtype)
        x = halved(self.down_moving(moving).add_(still.down).relu_())
        for convolve in self.down:
            x = halved(convolve(x))
        x = self.fuser_moving(torch.cat([moving, self.up(x)], 1)).add_(still.fuser)
        seen = self.fuser_head(F.avg_pool2d(self.head(head), 2)).unflatten(1, (TAPS, -1))
        x = x.add_(seen.index_select(1, self.cases).transpose(1, 2))
        choice = self.choice(x).float().softmax(1)[:, 1:]
        return FoldedField(
            positions=torch.einsum("nkdhw,nkc->ndhwc", choice, shift) + plane,
            torso=self.torso(x.flatten(1, 2)).float().sigmoid(),
        )

    def _moving(self, compressed: Tensor, positions: Tensor, warm: Tensor) -> Tensor:
        """[n, 20, 16, 64, 64]: of each key point its heat and the compressed volume as if all of it followed.

        compressed [1, 64, 64, 64]; positions [n, 4, 64, 64, 2]; warm [n, 4, 16, 64, 64].
        """
        count, points = warm.shape[:2]
        moved = F.grid_sample(
            compressed.expand(count * points, -1, -1, -1), positions.flatten(0, 1), align_corners=True
        )
        moved = moved.reshape(count, points, COMPRESSED, DEPTH, SIZE, SIZE)
        return torch.cat([warm[:, :, None], moved], 2).flatten(1, 2)
