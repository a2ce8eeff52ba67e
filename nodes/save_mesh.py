"""Save Head GLB: MESH -> a .glb file with its texture."""

from __future__ import annotations

import json
from typing import Any

from . import host, wire_types
from .host import io, schema
from .mesh_values import meshes_from
from .paths import numbered_output


class SaveMesh(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_SaveMesh",
            display_name="Save Head GLB",
            category=wire_types.CATEGORY,
            description="Writes a mesh with its texture into a .glb file (glTF 2.0) in the output folder, to"
            " be shown as the photo is lit. On ComfyUI 0.8 it is the one that keeps the texture; on new ones"
            " core's Save 3D Model does too, and adds a light of its own.",
            search_aliases=["export", "gltf", "save mesh", "save 3d", "blender", "unity"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Mesh.Input("mesh", tooltip="The mesh, of Head Mesh or any other node."),
                io.String.Input(
                    "filename_prefix",
                    default="Real3D/head",
                    tooltip="Start of the file's name in the output folder, a number follows; may hold"
                    " subfolders and %year%, %month%, %day%, %hour%, %minute%, %second%.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "model_file",
                    tooltip="The file's name in the output folder, for Preview 3D; of several meshes the"
                    " first.",
                ),
            ],
        )

    @classmethod
    def execute(cls, mesh: Any, filename_prefix: str) -> Any:
        from ..real3d_core.head_mesh.glb import check_mesh, save_glb

        meshes = meshes_from(mesh)
        for one in meshes:
            check_mesh(one)
        extras = {name: json.dumps(value) for name, value in host.workflow_metadata(cls).items()}
        saved, told = [], []
        for one in meshes:
            host.check()
            file = numbered_output(filename_prefix.strip() or "head", ".glb", 0, 0, is_result=False)
            size = save_glb(one, file.path, extras)
            name = f"{file.subfolder}/{file.name}" if file.subfolder else file.name
            saved.append({"filename": file.name, "subfolder": file.subfolder, "type": "output"})
            told.append(f"{name}: {size / 1e6:.1f} MB, {len(one.triangles):,} triangles.")
        first = saved[0]
        path = f"{first['subfolder']}/{first['filename']}" if first["subfolder"] else first["filename"]
        return io.NodeOutput(path, ui={"3d": saved, "text": tuple(told)})
