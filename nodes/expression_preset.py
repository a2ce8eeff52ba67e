"""Expression Preset: -> MOTION."""

from __future__ import annotations

from typing import Any

from ..real3d_core.motion.presets import EXPRESSIONS, PresetSettings, preset_motion
from . import wire_types
from .host import io, schema
from .motion_shown import motion_shown


def _seconds(name: str, default: float, low: float, tooltip: str) -> Any:
    return io.Float.Input(name, default=default, min=low, max=600.0, step=0.05, tooltip=tooltip)


class ExpressionPreset(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_ExpressionPreset",
            display_name="Expression Preset",
            category=wire_types.CATEGORY,
            description="An expression as a motion that comes, stays and goes: smile, surprise, anger,"
            " sad, wink, or the photo's own face. Put several after each other, or on top of speech, with"
            " Blend Motion.",
            search_aliases=["emotion", "smile", "wink", "surprise", "angry", "sad", "neutral", "face"],
            inputs=[
                io.Combo.Input(
                    "expression",
                    options=list(EXPRESSIONS),
                    default="smile",
                    tooltip="The expression; neutral is the photo's own. Wink closes the person's left eye.",
                ),
                io.Float.Input(
                    "amount",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="How strong: 0 is the photo's own face, 1 is natural, 2 is twice as strong.",
                ),
                _seconds("seconds", 3.0, 0.05, "Length of the motion in seconds."),
                _seconds("ease_in", 0.5, 0.0, "Seconds in which the expression comes; 0: there at once."),
                _seconds("ease_out", 0.5, 0.0, "Seconds in which it goes; 0: it stays to the end."),
                io.Float.Input(
                    "fps", default=25.0, min=1.0, max=120.0, step=0.01, tooltip="Frames per second."
                ),
            ],
            outputs=[
                wire_types.Motion.Output("motion", tooltip="The expression as 52 ARKit weights, and a pose.")
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls, expression: str, amount: float, seconds: float, ease_in: float, ease_out: float, fps: float
    ) -> Any:
        motion = preset_motion(PresetSettings(expression, amount, seconds, ease_in, ease_out, fps))
        return io.NodeOutput(motion, ui=motion_shown(motion, cls))
