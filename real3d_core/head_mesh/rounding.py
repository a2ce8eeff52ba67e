"""Rounds the sides, the back and the neck of a head, and leaves its face alone. See docs/model.md, "Mesh"."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .bust import Bust
from .solid import HeadSolid, Sampled
from .surface_nets import Solid

BLUR = 0.03  # box sides: standard deviation
REACH = 0.03  # box sides that a distance counts; a tri-plane knows its outline no farther


@dataclass(frozen=True)
class RoundedHead:
    """sharp       the head as it is
    bust        says what its face is
    blurred     [1, 1, n2, n1, n0] its depths on a grid, blurred; on the CPU, as Metal reads no such grids
    origin      [3] the grid's first point; its points are `cell` apart
    """

    sharp: HeadSolid
    bust: Bust
    blurred: Tensor
    origin: Tensor
    cell: float

    @property
    def device(self) -> torch.device:
        return self.sharp.device

    def depth(self, points: Tensor) -> Tensor:
        """points [n, 3] world -> [n] box sides, positive inside."""
        counts = torch.tensor(self.blurred.shape[:1:-1])
        place = (2 * ((points - self.origin) / self.cell).cpu() + 1) / counts - 1
        blurred = F.grid_sample(
            self.blurred, place[None, None, None], padding_mode="border", align_corners=False
        )
        return torch.lerp(
            blurred.flatten().to(points.device), self.sharp.depth(points), self.bust.face(points)
        )


def rounded(sharp: HeadSolid, bust: Bust, grid: Sampled) -> tuple[RoundedHead, Sampled]:
    """The rounded head and its grid, from those of the sharp one."""
    from scipy.ndimage import gaussian_filter

    reach = REACH / grid.cell
    blurred = gaussian_filter(grid.solid.clip(-reach, reach), BLUR / grid.cell, mode="nearest", truncate=3.0)
    origin = torch.from_numpy(grid.origin).float().to(sharp.device)
    stored = torch.from_numpy(blurred * np.float32(grid.cell)).permute(2, 1, 0)[None, None]
    head = RoundedHead(sharp, bust, stored.contiguous(), origin, grid.cell)
    for index, layer in enumerate(blurred):
        layer += (grid.solid[index] - layer) * _face(head, index, layer.shape)
    return head, replace(grid, solid=_closed(blurred))


def _face(head: RoundedHead, index: int, counts: tuple[int, ...]) -> np.ndarray:
    """[n1, n2] the face's share of one layer of the grid."""
    axes = [
        torch.arange(start, start + count, device=head.device) * head.cell + head.origin[axis]
        for axis, (start, count) in enumerate(((index, 1), (0, counts[0]), (0, counts[1])))
    ]
    return head.bust.face(torch.cartesian_prod(*axes)).reshape(counts).cpu().numpy()


def _closed(solid: Solid) -> Solid:
    """The blur may reach the grid's outermost layer, which has to be outside."""
    return np.pad(solid[1:-1, 1:-1, 1:-1], 1, constant_values=np.float32(-1))
