"""Pictures of a mesh from all sides, to see what was made: a turntable.

See docs/model.md, "Mesh".
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..face_model.rasterizer import rasterise
from . import HeadMesh

FOCAL = 2.9  # picture widths, as long as the portrait's camera
FILLED = 0.86  # of the picture's height or width by the mesh
FINER = 2  # pixels a side that are averaged to one
GROUND = 0.16  # grey behind the mesh


def turned(mesh: HeadMesh, yaw: float, size: int, ground: float = GROUND) -> Tensor:
    """[size, size, 3] the mesh, unlit; yaw in radians turns the face to the picture's right."""
    low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
    middle = (low + high) / 2
    points = mesh.vertices - middle
    radius = float(torch.linalg.vector_norm(points[:, [0, 2]], dim=1).max())
    half = max(radius, float(high[1] - low[1]) / 2)
    distance = half * (2 * FOCAL / FILLED + 1)
    x = points[:, 0] * math.cos(yaw) + points[:, 2] * math.sin(yaw)
    z = points[:, 2] * math.cos(yaw) - points[:, 0] * math.sin(yaw)
    inverse = 1 / (distance - z)
    fine = size * FINER
    pixels = torch.stack([FOCAL * x * inverse + 0.5, 0.5 - FOCAL * points[:, 1] * inverse], 1) * fine
    return _averaged(drawn(mesh, pixels, inverse, fine, ground))


def drawn(mesh: HeadMesh, pixels: Tensor, inverse_depth: Tensor, size: int, ground: float) -> Tensor:
    """[size, size, 3] the mesh with its texture or colours before grey; pixels [V, 2], inverse_depth [V]."""
    values = mesh.colours if mesh.uvs is None or mesh.texture is None else mesh.uvs
    raster = rasterise(pixels[None], inverse_depth[None], mesh.triangles, values, size)
    picture = raster.colours[0].movedim(0, -1)
    if values is mesh.uvs:
        texture = mesh.texture[..., :3].movedim(-1, 0)[None]
        picture = F.grid_sample(texture, (picture * 2 - 1)[None], align_corners=False, padding_mode="border")[
            0
        ].movedim(0, -1)
    return torch.where(raster.triangle[0, ..., None] >= 0, picture, ground)


def _averaged(picture: Tensor) -> Tensor:
    return F.avg_pool2d(picture.movedim(-1, 0)[None], FINER)[0].movedim(0, -1)
