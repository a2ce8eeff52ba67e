"""Blend Motion: two MOTIONs -> MOTION."""

from __future__ import annotations

from typing import Any

from ..real3d_core.motion.blend import FIRST, LENGTHS, MIX, MODES, BlendSettings, blend_motions
from ..real3d_core.motion.groups import GROUPS, GroupAmounts
from ..real3d_core.wires import Motion
from . import wire_types
from .host import io, schema
from .motion_shown import motion_shown


class BlendMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_BlendMotion",
            display_name="Blend Motion",
            category=wire_types.CATEGORY,
            description="Makes one motion of two: the mouth of one with the brows of the other, an"
            " expression on top of speech, or one after the other.",
            search_aliases=["motion", "mix", "combine", "crossfade", "concatenate", "layer", "blendshapes"],
            inputs=[
                wire_types.Motion.Input("first", tooltip="The motion that is there with all amounts at 0."),
                wire_types.Motion.Input(
                    "second", tooltip="The other motion; it is brought to the frame rate of the first."
                ),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default=MIX,
                    tooltip="mix: from the first (amount 0) to the second (1). add: the second on top of"
                    " the first, times the amount. one after the other: the second begins where the first"
                    " ends.",
                ),
                *(
                    io.Float.Input(
                        group,
                        default=1.0,
                        min=0.0,
                        max=2.0,
                        step=0.05,
                        tooltip=f"How much of the second in the {group}: 0 none, 1 all of it.",
                    )
                    for group in GROUPS
                ),
                io.Float.Input(
                    "start",
                    default=0.0,
                    min=0.0,
                    max=86_400.0,
                    step=0.01,
                    tooltip="Second at which the second motion begins (mix and add).",
                ),
                io.Float.Input(
                    "crossfade",
                    default=0.3,
                    min=0.0,
                    max=60.0,
                    step=0.05,
                    tooltip="Seconds in which the second motion comes in and goes out, or in which both"
                    " play when one follows the other. Nothing fades at the very beginning and end.",
                ),
                io.Combo.Input(
                    "length",
                    options=list(LENGTHS),
                    default=FIRST,
                    tooltip="How long the result is (mix and add): as the first, to the end of the"
                    " second, or the longest or shortest of these. A motion that is over holds its last"
                    " frame.",
                ),
            ],
            outputs=[wire_types.Motion.Output("motion", tooltip="Both motions in one.")],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        first: Motion,
        second: Motion,
        mode: str,
        mouth: float,
        brows: float,
        eyes: float,
        head: float,
        start: float,
        crossfade: float,
        length: str,
    ) -> Any:
        amounts = GroupAmounts(mouth, brows, eyes, head)
        blended = blend_motions(first, second, BlendSettings(mode, amounts, start, crossfade, length))
        return io.NodeOutput(blended, ui=motion_shown(blended, cls))
