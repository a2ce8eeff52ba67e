"""Motion Adapter: TRIPLANE, PORTRAIT, MOTION -> TRIPLANE (a clip)."""

from __future__ import annotations

from typing import Any

from ..real3d_core.wires import Motion, Portrait, TriPlane
from . import wire_types
from .host import io, schema


class MotionAdapter(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_MotionAdapter",
            display_name="Motion Adapter",
            category=wire_types.CATEGORY,
            description="Gives the head a motion: what each expression changes in the tri-plane, made on"
            " demand.",
            search_aliases=["ma", "animate", "drive", "expression", "blendshapes"],
            inputs=[
                wire_types.TriPlane.Input("triplane", tooltip="The head to move."),
                wire_types.Portrait.Input("portrait", tooltip="The portrait that the head was made from."),
                wire_types.Motion.Input(
                    "motion",
                    tooltip="Expressions and poses. A head that already moves keeps its motion and gets this"
                    " one on top, brought to its frame rate; the shorter one holds its last frame.",
                ),
            ],
            outputs=[
                wire_types.TriPlane.Output(
                    "triplane", tooltip="The head as a clip, one frame for each frame of the motion."
                )
            ],
        )

    @classmethod
    def execute(cls, triplane: TriPlane, portrait: Portrait, motion: Motion) -> Any:
        from ..real3d_core.motion_adapter import motion_adapter

        device = triplane.planes.device
        return io.NodeOutput(motion_adapter(triplane, portrait.to(device), motion.to(device)))
