"""What stands in for core's MESH."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Mesh:
    """What travels as MESH: the fields of core's own that this pack uses, a batch of meshes."""

    vertices: Tensor
    faces: Tensor
    uvs: Tensor | None = None
    vertex_colors: Tensor | None = None
    texture: Tensor | None = None
    normals: Tensor | None = None
    unlit: bool = False
    vertex_counts: Tensor | None = None
    face_counts: Tensor | None = None
