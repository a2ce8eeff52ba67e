"""Head Mesh: TRIPLANE -> MESH, one frame of it as triangles with the photo as texture."""

from __future__ import annotations

import math
from typing import Any

import torch

from ..real3d_core.errors import RenderError
from ..real3d_core.streaming import check_fits
from ..real3d_core.wires import Portrait, TriPlane
from . import host, wire_types
from .host import io, schema
from .mesh_values import mesh_value

TEXTURES = ("1024", "768", "512")
HEAD, _ = SHAPES = ("head", "volume")
METRES, _ = UNITS = ("metres", "box sides")
VIEW_SIZE = 512
STEPS = 100  # of the progress bar for the surface; one more for each picture
SHORTER = "set turntable to fewer pictures"


class HeadMesh(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_HeadMesh",
            display_name="Head Mesh",
            category=wire_types.CATEGORY,
            description="Turns one frame of a head into a closed mesh of triangles, with the photo as its"
            " texture where there is one; for Save Head GLB, core's Save 3D Model and other programs. Also"
            " gives pictures of it from all sides.",
            search_aliases=[
                "glb",
                "gltf",
                "3d model",
                "export mesh",
                "blender",
                "turntable",
                "isosurface",
            ],
            inputs=[
                wire_types.TriPlane.Input(
                    "triplane",
                    tooltip="The head; behind Motion Adapter with the expression of the chosen frame.",
                ),
                io.Int.Input(
                    "frame",
                    default=0,
                    min=0,
                    max=10_000_000,
                    tooltip="Which frame of the motion becomes a mesh, counted from 0.",
                ),
                io.Int.Input(
                    "resolution",
                    default=192,
                    min=32,
                    max=384,
                    step=16,
                    tooltip="Cells along a side of the tri-plane's box. 192 makes about 110,000 triangles,"
                    " 128 about 50,000, 256 about 195,000.",
                ),
                io.Combo.Input(
                    "texture_size",
                    options=list(TEXTURES),
                    default=TEXTURES[0],
                    tooltip="Size of the portrait that the texture is cut from, in the photo's own pixels;"
                    " the texture holds face and back side by side.",
                ),
                io.Combo.Input(
                    "shape",
                    options=list(SHAPES),
                    default=HEAD,
                    tooltip="head: a head of its own, with a neck and a round back, without collar; needs the"
                    " portrait. volume: what Render Triplane shows, its sides drawn straight back, to where"
                    " it ends below the jaw.",
                ),
                io.Boolean.Input(
                    "head_pose",
                    default=False,
                    tooltip="On: turned and moved as the motion turns the head in this frame. Off: as in the"
                    " photo.",
                ),
                io.Combo.Input(
                    "unit",
                    options=list(UNITS),
                    default=METRES,
                    tooltip="metres: of a natural size, as glTF and Blender expect. box sides: as the camera"
                    " and the motion of this pack count.",
                ),
                io.Int.Input(
                    "turntable",
                    default=4,
                    min=1,
                    max=720,
                    tooltip="How many pictures of the mesh to draw, evenly all round; 4 are front, both sides"
                    " and back. 100 into Video Combine make a video.",
                ),
                wire_types.Portrait.Input(
                    "portrait",
                    optional=True,
                    tooltip="The portrait of the head, whose photo becomes the texture. Without it, and for"
                    " trained models, the volume's own colours are put on the vertices: less sharp, and a"
                    " built-in head then has the face mirrored on its back.",
                ),
                io.Float.Input(
                    "density",
                    default=0.0,
                    min=0.0,
                    max=1000.0,
                    step=0.5,
                    optional=True,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="Where the surface of a trained model's volume lies: higher cuts deeper. 0 takes"
                    " 10.",
                ),
            ],
            outputs=[
                io.Mesh.Output("mesh", tooltip="The head: y up, the face looking along z."),
                io.Image.Output("turntable", tooltip="Pictures of the mesh from all round, 512 x 512."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        triplane: TriPlane,
        frame: int,
        resolution: int,
        texture_size: str,
        shape: str,
        head_pose: bool,
        unit: str,
        turntable: int,
        portrait: Portrait | None = None,
        density: float = 0.0,
    ) -> Any:
        from ..real3d_core.head_mesh import MeshSettings, head_mesh
        from ..real3d_core.head_mesh.views import turned

        settings = MeshSettings(
            frame=frame,
            resolution=resolution,
            texture=int(_chosen("texture_size", texture_size, TEXTURES)),
            is_head=_chosen("shape", shape, SHAPES) == HEAD,
            pose=head_pose,
            metres=_chosen("unit", unit, UNITS) == METRES,
            density=density,
        )
        if turntable < 1:
            raise RenderError(f"A turntable of {turntable} pictures was asked for; choose 1 or more.")
        check_fits(turntable, VIEW_SIZE, VIEW_SIZE, SHORTER)
        bar = host.Progress(STEPS + turntable)
        mesh = head_mesh(
            triplane, portrait, settings, host.check, lambda share: bar.update(int(share * STEPS))
        )
        pictures = torch.empty(turntable, VIEW_SIZE, VIEW_SIZE, 3)
        for index in range(turntable):
            host.check()
            pictures[index] = turned(mesh, 2 * math.pi * index / turntable, VIEW_SIZE)
            bar.update(STEPS + index + 1, pictures[index])
        told = f"{len(mesh.triangles):,} triangles, {len(mesh.vertices):,} vertices"
        told += ", colours on the vertices" if mesh.texture is None else f", {_size_of(mesh.texture)}"
        shown = host.ui.PreviewImage(_strip(pictures), cls=cls).as_dict() | {"text": (f"{told}.",)}
        return io.NodeOutput(mesh_value(mesh), pictures, ui=shown)


def _chosen(name: str, value: object, choices: tuple[str, ...]) -> str:
    if str(value) not in choices:
        raise RenderError(f"{str(value)[:20]!r} was chosen for {name}; choose {' or '.join(choices)}.")
    return str(value)


def _size_of(texture: torch.Tensor) -> str:
    height, width = texture.shape[:2]
    return f"texture of {width} x {height} pixels"


def _strip(pictures: torch.Tensor) -> torch.Tensor:
    """[1, h, w, 3]: up to four of the pictures side by side, for the node."""
    count = min(len(pictures), 4)
    some = [pictures[len(pictures) * i // count] for i in range(count)]
    return torch.cat(some, 1)[None, ::2, ::2]
