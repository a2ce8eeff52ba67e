"""Load Real3D Model: the backend of the stages."""

from __future__ import annotations

from typing import Any

from ..real3d_core.model import BUILT_IN, Model
from . import wire_types
from .host import io, schema


class LoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_LoadModel",
            display_name="Load Real3D Model",
            category=wire_types.CATEGORY,
            description="Chooses what makes the tri-plane and the motion. Stages with no model connected use"
            " the built-in one, which needs no files.",
            search_aliases=["checkpoint", "real3d portrait", "backend"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[BUILT_IN],
                    default=BUILT_IN,
                    tooltip="built-in: works from the photo alone, without any weights.",
                )
            ],
            outputs=[
                wire_types.Model.Output(
                    "model",
                    tooltip="Connect it to Image-to-Plane and Audio-to-Motion; both must have the same.",
                )
            ],
        )

    @classmethod
    def execute(cls, model: str) -> Any:
        return io.NodeOutput(Model.built_in())
