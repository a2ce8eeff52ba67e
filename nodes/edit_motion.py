"""Edit Motion: MOTION -> MOTION."""

from __future__ import annotations

from typing import Any

from ..real3d_core.motion.channels import parse_changes
from ..real3d_core.motion.edit import ALL, EditSettings, edit_motion
from ..real3d_core.motion.groups import GROUPS, GroupAmounts
from ..real3d_core.wires import Motion
from . import wire_types
from .host import io, schema
from .motion_shown import motion_shown

GROUP_TOOLTIPS = {
    "mouth": "Factor of the mouth: lips, jaw, cheeks, nose and the 3DMM expression. 0 is still, 1 as it was.",
    "brows": "Factor of the brows. 0 is still, 1 as it was.",
    "eyes": "Factor of the eyes: blinks, squint and gaze. 0 is still, 1 as it was.",
    "head": "Factor of the head's turning and moving. 0 is the photo's pose, 1 as it was, -1 the other way.",
}


def _number(name: str, default: float, low: float, high: float, tooltip: str, step: float = 0.05) -> Any:
    return io.Float.Input(name, default=default, min=low, max=high, step=step, tooltip=tooltip)


class EditMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_EditMotion",
            display_name="Edit Motion",
            category=wire_types.CATEGORY,
            description="Cuts, repeats, retimes, mirrors, scales, smooths and limits a motion, all of it"
            " or one group: mouth, brows, eyes or head. In the order of the inputs; untouched, it changes"
            " nothing.",
            search_aliases=["motion", "retime", "trim", "loop", "mirror", "smooth", "amplify", "blendshapes"],
            inputs=[
                wire_types.Motion.Input("motion", tooltip="The motion to change."),
                _number("start", 0, 0, 86_400, "Seconds that are cut off at the beginning.", 0.01),
                _number("end", 0, 0, 86_400, "Second at which the motion ends; 0 keeps its end.", 0.01),
                _number("speed", 1, 0.05, 20, "2 is twice as fast and half as long.", 0.01),
                io.Int.Input("loops", default=1, min=1, max=1000, tooltip="How often the motion is played."),
                _number("loop_blend", 0.2, 0, 10, "Seconds in which one round goes over into the next."),
                io.Boolean.Input("mirror", default=False, tooltip="Exchange left and right."),
                *(_number(group, 1, -3, 3, GROUP_TOOLTIPS[group]) for group in GROUPS),
                io.String.Input(
                    "channels",
                    default="",
                    multiline=True,
                    tooltip="Changes of single channels, such as: jawOpen * 1.2, mouthSmile + 0.1, yaw -"
                    " 5. By ARKit name (without Left or Right: both sides); pitch, yaw, roll in degrees;"
                    " x, y, z.",
                ),
                _number("smooth", 0, 0, 5, "Takes out jitter, without delay: seconds of a Gaussian.", 0.01),
                io.Boolean.Input(
                    "limit",
                    default=False,
                    tooltip="Keep weights between lowest and highest, and the head within most_degrees.",
                ),
                _number("lowest", 0, -2, 2, "Lowest weight, where limit is on."),
                _number("highest", 1, -2, 2, "Highest weight, where limit is on."),
                _number(
                    "most_degrees", 15, 0, 90, "Farthest turn of the head about each axis, with limit.", 0.5
                ),
                io.Combo.Input(
                    "group",
                    options=[ALL, *GROUPS],
                    default=ALL,
                    tooltip="What mirror, smooth and limit work on.",
                ),
                _number("fps", 0, 0, 240, "Frames per second of the result; 0 keeps them.", 0.01),
            ],
            outputs=[wire_types.Motion.Output("motion", tooltip="The changed motion.")],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        motion: Motion,
        channels: str,
        mouth: float,
        brows: float,
        eyes: float,
        head: float,
        **settings: Any,
    ) -> Any:
        scale = GroupAmounts(mouth, brows, eyes, head)
        edited = edit_motion(motion, EditSettings(scale=scale, changes=parse_changes(channels), **settings))
        return io.NodeOutput(edited, ui=motion_shown(edited, cls))
