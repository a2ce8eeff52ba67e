"""Load Motion: a file -> MOTION."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from ..real3d_core.errors import Real3DError
from . import host, wire_types
from .host import io, schema
from .motion_shown import motion_shown
from .paths import input_file, input_names

ENDINGS = frozenset({".json", ".csv"})
SAVED = "Real3D"  # folder in the output folder where Save Motion puts files unless told otherwise


def motion_names() -> list[str]:
    """Files in the input folder, then what Save Motion has saved, as `Real3D/motion_00001_.json [output]`."""
    names = []
    with suppress(OSError), os.scandir(host.folder("output") / SAVED) as entries:
        names = [entry.name for entry in entries if os.path.splitext(entry.name)[1].lower() in ENDINGS]
    return [*input_names(ENDINGS), *(f"{SAVED}/{name} [output]" for name in sorted(names))]


class LoadMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_LoadMotion",
            display_name="Load Motion",
            category=wire_types.CATEGORY,
            description="Reads a motion from a file: what Save Motion wrote, or a take of Live Link Face"
            " (CSV), recorded with an iPhone.",
            search_aliases=["import", "json", "csv", "live link face", "arkit", "iphone", "mocap"],
            inputs=[
                io.Combo.Input(
                    "file",
                    options=(names := motion_names()),
                    default=names[0] if names else None,
                    tooltip="A .json of Save Motion or a .csv of Live Link Face, in the input folder or"
                    " saved.",
                ),
                io.Float.Input(
                    "csv_fps",
                    default=0.0,
                    min=0.0,
                    max=240.0,
                    step=0.01,
                    tooltip="Frames per second of a csv whose timecode is wrong; 0 takes them from the"
                    " timecode.",
                ),
            ],
            outputs=[wire_types.Motion.Output("motion", tooltip="The motion of the file.")],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls, file: str, csv_fps: float) -> Any:
        from ..real3d_core.motion.files import load_motion

        motion = load_motion(input_file(file), csv_fps)
        return io.NodeOutput(motion, ui=motion_shown(motion, cls))

    @classmethod
    def validate_inputs(cls, file: str | None = "") -> bool | str:
        if not file:  # a list without files gives None
            return "No motion file is chosen; put one into the input folder, or save one with Save Motion."
        try:
            input_file(file)
        except Real3DError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, file: str, **_: Any) -> tuple[int, int]:
        entry = input_file(file).stat()
        return entry.st_mtime_ns, entry.st_size
