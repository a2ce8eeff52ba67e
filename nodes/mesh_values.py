"""Between ComfyUI's MESH and the meshes of real3d_core.

Convention
    MESH    vertices [B, V, 3], faces [B, F, 3], and where they are known uvs [B, V, 2] (v down),
            vertex_colors [B, V, 3 or 4], normals [B, V, 3], texture [B, H, W, 3], vertex_counts and
            face_counts [B] of meshes that were filled up to one length. Old servers know vertices and faces
            alone; the rest lies on the value all the same, where Save Head GLB finds it.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..real3d_core.errors import OutputError
from . import host

if TYPE_CHECKING:
    from ..real3d_core.head_mesh import HeadMesh
    from ..real3d_core.head_mesh.glb import MeshData


def mesh_value(mesh: HeadMesh) -> Any:
    """A MESH of one mesh."""
    parts: dict[str, Tensor | None] = {
        "vertices": mesh.vertices,
        "faces": mesh.triangles,
        "uvs": mesh.uvs,
        "vertex_colors": mesh.colours,
        "texture": mesh.texture,
        "normals": mesh.normals,
    }
    batched = {name: None if value is None else value[None] for name, value in parts.items()}
    extra = {"unlit": mesh.texture is None}  # core lights what has a texture, whatever this says
    known = inspect.signature(host.Types.MESH.__init__).parameters
    value = host.Types.MESH(**{name: part for name, part in (batched | extra).items() if name in known})
    for name, part in (batched | extra).items():
        if name not in known:
            setattr(value, name, part)
    return value


def meshes_from(value: Any) -> list[MeshData]:
    """The meshes of a MESH. Raises OutputError if it is none."""
    from ..real3d_core.head_mesh.glb import MeshData

    vertices, faces = getattr(value, "vertices", None), getattr(value, "faces", None)
    if not all(isinstance(one, Tensor) and one.ndim == 3 for one in (vertices, faces)):
        raise OutputError(
            "The mesh is not made as ComfyUI's MESH is; connect Head Mesh or another mesh node."
        )
    if len(vertices) != len(faces) or not len(vertices):
        raise OutputError("The mesh has no shapes, or not as many vertices as faces; check what made it.")

    def part(name: str, index: int, length: int | None = None) -> Tensor | None:
        many = getattr(value, name, None)
        if not isinstance(many, Tensor) or len(many) == 0:
            return None
        one = many[min(index, len(many) - 1)]
        return one if length is None else one[:length]

    def length(name: str, index: int, most: int) -> int:
        counts = getattr(value, name, None)
        return most if counts is None else min(int(counts[index]), most)

    meshes = []
    for index in range(len(vertices)):
        points = length("vertex_counts", index, vertices.shape[1])
        meshes.append(
            MeshData(
                vertices=vertices[index, :points],
                triangles=faces[index, : length("face_counts", index, faces.shape[1])],
                normals=part("normals", index, points),
                uvs=part("uvs", index, points),
                colours=part("vertex_colors", index, points),
                texture=part("texture", index),
            )
        )
    return meshes
