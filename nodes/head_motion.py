"""Head Motion: MOTION, AUDIO -> MOTION with the small movements of a living face."""

from __future__ import annotations

from typing import Any

from ..real3d_core.wires import Motion
from . import host, wire_types
from .host import io, schema
from .values import audio_from


def _amount(name: str, tooltip: str) -> Any:
    return io.Float.Input(name, default=1.0, min=0.0, max=2.0, step=0.05, tooltip=tooltip)


class HeadMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_HeadMotion",
            display_name="Head Motion",
            category=wire_types.CATEGORY,
            description="Adds what a living face does by itself: a gentle sway and breathing, nods and raised"
            " brows on stressed syllables, blinks, and eyes that look away and back.",
            search_aliases=["hm", "idle", "sway", "blink", "nod", "gaze", "eyebrows", "alive"],
            inputs=[
                wire_types.Motion.Input("motion", tooltip="What the face does already; it is kept."),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**32 - 1,
                    control_after_generate=True,
                    tooltip="Chooses all movements; the same seed gives the same ones.",
                ),
                _amount("sway", "Size of the head's slow turns: 0 none, 1 within some 10 degrees."),
                _amount("breathing", "How far breathing lifts the head: 0 not at all, 1 is natural."),
                _amount("nod", "Size of the nods on stressed syllables: 0 none; they need the sound."),
                _amount("brow", "How far brows rise on stressed syllables: 0 not at all; needs the sound."),
                _amount("blink", "How often the eyes blink: 0 never, 1 about 16 times a minute."),
                _amount("gaze", "How far the eyes look away from the viewer: 0 keeps them still."),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="The speech that the motion was made from; unconnected, the face listens.",
                ),
            ],
            outputs=[
                wire_types.Motion.Output("motion", tooltip="The motion with the movements, as many frames.")
            ],
        )

    @classmethod
    def execute(
        cls,
        motion: Motion,
        seed: int,
        sway: float,
        breathing: float,
        nod: float,
        brow: float,
        blink: float,
        gaze: float,
        audio: Any = None,
    ) -> Any:
        from ..real3d_core.head_motion import HeadMotionSettings, head_motion

        settings = HeadMotionSettings(sway, breathing, nod, brow, blink, gaze, seed)
        return io.NodeOutput(head_motion(motion, settings, audio_from(audio), host.check))
