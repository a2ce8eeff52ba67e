"""Meshes as .glb files (glTF 2.0, binary): one mesh with normals and texture or colours, shown unlit.

The photo already holds its light, so the material is unlit (KHR_materials_unlit); programs that do not know
the extension show it rough and without gloss. See docs/model.md, "Mesh".
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import OutputError
from ..part_files import whole_file

FLOAT, UNSIGNED_INT = 5126, 5125  # component types of glTF
VERTEX_DATA, INDEX_DATA = 34962, 34963  # kinds of buffer views
LINEAR, MIPMAPPED, CLAMPED = 9729, 9987, 33071  # of a texture's sampler
MOST_BYTES = 2**32 - 1  # of a .glb, whose length is a 32-bit number


@dataclass(frozen=True)
class MeshData:
    """What is written: vertices [V, 3], triangles [F, 3] whole numbers, normals [V, 3], uvs [V, 2] (v down),
    colours [V, 3 or 4] 0..1 (sRGB), texture [h, w, 3 or 4] 0..1. Only the first two must be there.
    """

    vertices: Tensor
    triangles: Tensor
    normals: Tensor | None = None
    uvs: Tensor | None = None
    colours: Tensor | None = None
    texture: Tensor | None = None


def save_glb(mesh: MeshData, path: Path, extras: Mapping[str, Any] | None = None) -> int:
    """Writes a mesh; the file appears whole or not at all. Returns its size in bytes.

    extras      texts that go into the file's own description, such as a workflow.
    Raises OutputError for a mesh that is no mesh, or a file that cannot be written.
    """
    data = glb_bytes(mesh, extras)
    with whole_file(path) as part:
        part.write_bytes(data)
    return len(data)


def glb_bytes(mesh: MeshData, extras: Mapping[str, Any] | None = None) -> bytes:
    """The file's content. Raises OutputError for a mesh that is no mesh."""
    check_mesh(mesh)
    writer = _Writer()
    vertices = _array(mesh.vertices, np.float32)
    attributes = {"POSITION": writer.accessor(vertices, "VEC3", bounds=True)}
    if mesh.normals is not None:
        attributes["NORMAL"] = writer.accessor(_array(mesh.normals, np.float32), "VEC3")
    has_texture = mesh.texture is not None and mesh.uvs is not None
    if mesh.uvs is not None:
        attributes["TEXCOORD_0"] = writer.accessor(_array(mesh.uvs, np.float32), "VEC2")
    if mesh.colours is not None and not has_texture:
        colours = _array(_linear(mesh.colours), np.float32)
        attributes["COLOR_0"] = writer.accessor(colours, f"VEC{colours.shape[1]}")
    triangles = _array(mesh.triangles, np.uint32)
    indices = writer.accessor(triangles.reshape(-1), "SCALAR", INDEX_DATA, UNSIGNED_INT)
    surface = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    document: dict[str, Any] = {}
    if has_texture:
        document = {
            "images": [{"bufferView": writer.view(_png(mesh.texture)), "mimeType": "image/png"}],
            "samplers": [{"magFilter": LINEAR, "minFilter": MIPMAPPED, "wrapS": CLAMPED, "wrapT": CLAMPED}],
            "textures": [{"source": 0, "sampler": 0}],
        }
        surface["baseColorTexture"] = {"index": 0}
    material = {"name": "photo", "pbrMetallicRoughness": surface, "extensions": {"KHR_materials_unlit": {}}}
    asset: dict[str, Any] = {"version": "2.0", "generator": "Real3D-Portrait"}
    if extras:
        asset["extras"] = dict(extras)
    primitive = {"attributes": attributes, "indices": indices, "material": 0}
    document |= {
        "asset": asset,
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "meshes": [{"name": "head", "primitives": [primitive]}],
        "materials": [material],
    }
    return writer.packed(document)


class _Writer:
    """Collects the binary part, and the views and accessors that describe it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []

    def view(self, data: bytes, target: int | None = None) -> int:
        self._data += bytes(-len(self._data) % 4)
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self._data), "byteLength": len(data)}
        self._views.append(view | ({} if target is None else {"target": target}))
        self._data += data
        return len(self._views) - 1

    def accessor(
        self,
        values: np.ndarray,
        kind: str,
        target: int = VERTEX_DATA,
        number: int = FLOAT,
        bounds: bool = False,
    ) -> int:
        accessor: dict[str, Any] = {
            "bufferView": self.view(values.astype(values.dtype.newbyteorder("<")).tobytes(), target),
            "componentType": number,
            "count": len(values),
            "type": kind,
        }
        if bounds:
            accessor |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def packed(self, document: dict[str, Any]) -> bytes:
        """The whole file: header, JSON, binary."""
        document = document | {
            "buffers": [{"byteLength": len(self._data)}],
            "bufferViews": self._views,
            "accessors": self._accessors,
        }
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        binary = bytes(self._data) + bytes(-len(self._data) % 4)
        length = 12 + 8 + len(text) + 8 + len(binary)
        if length > MOST_BYTES:
            raise OutputError("A mesh has more than 4 GB as a .glb file holds; choose a lower resolution.")
        header = struct.pack("<4sII", b"glTF", 2, length)
        first = struct.pack("<I4s", len(text), b"JSON") + text
        return header + first + struct.pack("<I4s", len(binary), b"BIN\0") + binary


def check_mesh(mesh: MeshData) -> None:
    """Raises OutputError for a mesh that is no mesh."""
    if not _fits(mesh):
        raise OutputError(
            "A mesh is empty, or its vertices, triangles, colours and texture do not fit together; check the"
            " node that made it."
        )
    for value in (mesh.vertices, mesh.normals, mesh.uvs, mesh.colours, mesh.texture):
        if value is not None and not bool(torch.isfinite(value).all()):
            raise OutputError("A mesh holds NaN or infinite values; check the node that made it.")


def _fits(mesh: MeshData) -> bool:
    vertices, triangles, texture = mesh.vertices, mesh.triangles, mesh.texture
    if vertices.ndim != 2 or triangles.ndim != 2 or not vertices.shape[1] == triangles.shape[1] == 3:
        return False
    if not len(vertices) or not len(triangles) or triangles.is_floating_point():
        return False
    if int(triangles.min()) < 0 or int(triangles.max()) >= len(vertices):
        return False
    for value, widths in ((mesh.normals, (3,)), (mesh.uvs, (2,)), (mesh.colours, (3, 4))):
        if value is not None and not (value.ndim == 2 and len(value) == len(vertices)):
            return False
        if value is not None and value.shape[1] not in widths:
            return False
    return texture is None or (texture.ndim == 3 and texture.shape[2] in (3, 4) and 0 not in texture.shape)


def _array(values: Tensor, kind: type) -> np.ndarray:
    return np.ascontiguousarray(values.detach().cpu().numpy().astype(kind))


def _linear(colours: Tensor) -> Tensor:
    """Colours of vertices are linear in glTF; alpha is anyway."""
    rgb, rest = colours[:, :3].float().clamp(0, 1), colours[:, 3:]
    rgb = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return torch.cat([rgb, rest], 1)


def _png(texture: Tensor) -> bytes:
    from PIL import Image

    pixels = texture.detach().cpu().float().clamp(0, 1).mul(255).round().byte().numpy()
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=6)
    return out.getvalue()
