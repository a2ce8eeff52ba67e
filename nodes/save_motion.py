"""Save Motion: MOTION -> a file."""

from __future__ import annotations

from typing import Any

from ..real3d_core.wires import Motion
from . import wire_types
from .host import io, schema
from .motion_shown import motion_shown
from .paths import numbered_output

ENDINGS = {"json": ".json", "Live Link Face csv": ".csv"}


class SaveMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_SaveMotion",
            display_name="Save Motion",
            category=wire_types.CATEGORY,
            description="Writes a motion to a file in the output folder: JSON, which holds all of it"
            " exactly, or the CSV of Live Link Face, which other programs read.",
            search_aliases=["export", "json", "csv", "live link face", "arkit", "mocap", "blendshapes"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],  # as servers add to every output node
            inputs=[
                wire_types.Motion.Input("motion", tooltip="The motion to save."),
                io.String.Input(
                    "filename_prefix",
                    default="Real3D/motion",
                    tooltip="Start of the file's name in the output folder, a number follows; may hold"
                    " subfolders and %year%, %month%, %day%, %hour%, %minute%, %second%.",
                ),
                io.Combo.Input(
                    "format",
                    options=list(ENDINGS),
                    default="json",
                    tooltip="json holds all of the motion, bit for bit. Live Link Face csv holds weights,"
                    " head rotation and eyes, but no movement from place to place and no 3DMM expression.",
                ),
            ],
            outputs=[
                wire_types.Motion.Output("motion", tooltip="The same motion, for nodes that go on with it.")
            ],
        )

    @classmethod
    def execute(cls, motion: Motion, filename_prefix: str, format: str) -> Any:
        from ..real3d_core.motion.files import save_motion

        file = numbered_output(filename_prefix.strip() or "motion", ENDINGS[format], 0, 0, is_result=False)
        save_motion(motion, file.path)
        name = f"{file.subfolder}/{file.name}" if file.subfolder else file.name
        return io.NodeOutput(motion, ui=motion_shown(motion, cls, name))
