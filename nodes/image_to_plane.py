"""Image-to-Plane: PORTRAIT -> TRIPLANE."""

from __future__ import annotations

from typing import Any

from ..real3d_core.model import Model
from ..real3d_core.wires import Portrait
from . import host, wire_types
from .face_nets import multiclass_net
from .host import io, schema


class ImageToPlane(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_ImageToPlane",
            display_name="Image-to-Plane",
            category=wire_types.CATEGORY,
            description="Turns the portrait into a 3D head: a tri-plane with the decoder that reads it.",
            search_aliases=["i2p", "3d head", "avatar", "tri-plane", "reconstruct"],
            inputs=[
                wire_types.Portrait.Input("portrait", tooltip="The portrait whose head is made."),
                wire_types.Model.Input(
                    "model",
                    optional=True,
                    tooltip="The backend that makes the head; unconnected is built-in.",
                ),
                io.Float.Input(
                    "min_face_area",
                    default=0.2,
                    min=0.01,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="For trained networks: the face fills at least this share of their picture; a"
                    " smaller face is cropped nearer. The built-in model does not use it.",
                ),
            ],
            outputs=[
                wire_types.TriPlane.Output(
                    "triplane", tooltip="The head with the photo's own face and pose: one still frame."
                )
            ],
        )

    @classmethod
    def execute(cls, portrait: Portrait, model: Model | None = None, min_face_area: float = 0.2) -> Any:
        from ..real3d_core.image_to_plane import ImageToPlaneSettings, image_to_plane

        model = model or Model.built_in()
        multiclass = multiclass_net() if model.kind == "network" else None
        settings = ImageToPlaneSettings(min_face_area, multiclass)
        return io.NodeOutput(image_to_plane(portrait.to(host.device()), model, host.check, settings))
