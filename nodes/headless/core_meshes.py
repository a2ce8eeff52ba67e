"""Core's nodes for meshes: Save 3D Model and Preview 3D."""

from __future__ import annotations

import json

from .. import host
from ..paths import numbered_output
from . import io
from .core_node import CoreNode
from .mesh import Mesh


class SaveGLB(CoreNode):
    title = "Save 3D Model"
    inputs = (io.Mesh.Input("mesh"), io.String.Input("filename_prefix", default="3d/ComfyUI"))
    saves = True

    @classmethod
    def execute(cls, mesh: Mesh, filename_prefix: str) -> io.NodeOutput:
        from ...real3d_core.head_mesh.glb import save_glb
        from ..mesh_values import meshes_from

        extras = {name: json.dumps(value) for name, value in host.workflow_metadata(cls).items()}
        results = []
        for one in meshes_from(mesh):
            file = numbered_output(filename_prefix, ".glb", 0, 0, is_result=False)
            save_glb(one, file.path, extras)
            entry = {"filename": file.name, "subfolder": file.subfolder, "type": io.FolderType.output.value}
            results.append(entry)
        return io.NodeOutput(ui={"3d": results})


class Preview3D(CoreNode):
    """There is nothing to show it in."""

    title = "Preview 3D & Animation"
    inputs = (io.String.Input("model_file", default=""),)
    saves = True

    @classmethod
    def execute(cls, model_file: str) -> io.NodeOutput:
        return io.NodeOutput()


MESH_NODES: tuple[type[CoreNode], ...] = (SaveGLB, Preview3D)
