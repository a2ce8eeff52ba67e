"""Camera Path: a movement, keyframes and offsets -> CAMERA."""

from __future__ import annotations

from typing import Any

from ..real3d_core.camera_path import Offset, PathSettings, camera_path
from ..real3d_core.camera_path.easing import EASINGS
from ..real3d_core.camera_path.presets import ORBIT, PRESETS, Move
from ..real3d_core.wires import Camera, Motion
from . import wire_types
from .camera_shown import camera_shown
from .host import io, schema

LIMIT_TOOLTIP = (
    "Keep the view within 30 degrees of yaw and 20 of pitch, softly from 25 and 15 on, where pictures stop"
    " being good. Off: as far as you say. Either way the node warns."
)


def _number(name: str, default: float, low: float, high: float, step: float, tooltip: str) -> Any:
    return io.Float.Input(name, default=default, min=low, max=high, step=step, tooltip=tooltip)


class CameraPath(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_CameraPath",
            display_name="Camera Path",
            category=wire_types.CATEGORY,
            description="Moves the camera around the head: a ready movement, keyframes of your own, a hand"
            " that holds it, and an offset, on top of each other. The node shows the curves.",
            search_aliases=["orbit", "turntable", "dolly", "zoom", "camera shake", "keyframes", "pan"],
            inputs=[
                io.Combo.Input(
                    "preset",
                    options=list(PRESETS),
                    default=ORBIT,
                    tooltip="orbit swings to and fro around the head, figure-eight also up and down; dolly"
                    " goes nearer and back, push-in only nearer; shake is held by a hand; static stands"
                    " still.",
                ),
                _number(
                    "amount",
                    1.0,
                    -10.0,
                    10.0,
                    0.05,
                    "Size of the movement, negative the other way. 1 is 15 degrees to each side for orbit, 12"
                    " and 5 for figure-eight, a fifth of the distance for dolly and push-in.",
                ),
                _number(
                    "period",
                    0.0,
                    0.0,
                    3600.0,
                    0.1,
                    "Seconds of one round, of the whole push, or of the slowest swing of the shake. 0 is once"
                    " over the clip, so that it loops; for shake 2 seconds.",
                ),
                io.Combo.Input(
                    "easing",
                    options=list(EASINGS),
                    default="smooth",
                    tooltip="How it gathers speed. For keyframes that name none of their own, too.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**32 - 1,
                    control_after_generate=True,
                    tooltip="Chooses the movement of the hand, in shake and handheld.",
                ),
                io.Int.Input(
                    "frames",
                    default=100,
                    min=1,
                    max=100_000,
                    tooltip="Length of the movement. With a motion connected, the motion's length counts.",
                ),
                _number(
                    "fps",
                    25.0,
                    0.1,
                    240.0,
                    0.01,
                    "Frames per second of the clip that the camera is for. A motion connected has its own.",
                ),
                _number(
                    "handheld", 0.0, 0.0, 10.0, 0.05, "Shake of a hand on top of any movement; 1 is light."
                ),
                _number("yaw", 0.0, -180.0, 180.0, 0.5, "Degrees that the camera stands to the right."),
                _number("pitch", 0.0, -90.0, 90.0, 0.5, "Degrees that the camera stands higher."),
                _number("roll", 0.0, -180.0, 180.0, 0.5, "Degrees that the picture is turned clockwise."),
                _number("dolly", 1.0, 0.2, 5.0, 0.01, "Factor on the distance; above 1 is farther away."),
                _number("shift_x", 0.0, -1.0, 1.0, 0.01, "Moves the picture right, as a share of its size."),
                _number("shift_y", 0.0, -1.0, 1.0, 0.01, "Moves the picture down, as a share of its size."),
                _number(
                    "field_of_view",
                    1.0,
                    0.2,
                    5.0,
                    0.01,
                    "Factor on what the lens sees; above 1 is wider, so that the head is smaller.",
                ),
                io.String.Input(
                    "keyframes",
                    default="",
                    multiline=True,
                    tooltip="Added to the preset (choose static for keyframes alone). A line each, such as:"
                    " 1.5: yaw 10, dolly 0.9, linear. Time in seconds, or frames as in 40f; channels yaw,"
                    " pitch, roll, dolly, shift_x, shift_y, field_of_view. Or JSON; see this node's help.",
                ),
                io.Boolean.Input("limit", default=True, tooltip=LIMIT_TOOLTIP),
                wire_types.Camera.Input(
                    "camera",
                    optional=True,
                    tooltip="A camera to start from: angles and shifts add up, factors multiply. The longer"
                    " of both sets the length, unless a motion is connected.",
                ),
                wire_types.Motion.Input(
                    "motion",
                    optional=True,
                    tooltip="The motion that the camera accompanies: as many frames, at its rate.",
                ),
            ],
            outputs=[wire_types.Camera.Output("camera", tooltip="The movement, for Render Triplane.")],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        preset: str,
        amount: float,
        period: float,
        easing: str,
        seed: int,
        frames: int,
        fps: float,
        handheld: float,
        keyframes: str,
        limit: bool,
        camera: Camera | None = None,
        motion: Motion | None = None,
        **offset: float,
    ) -> Any:
        from ..real3d_core.camera_path.tracks import held
        from ..real3d_core.render_triplane.safe_range import camera_angles, limited_camera

        if motion is not None:
            frames, fps = len(motion), motion.fps
        settings = PathSettings(
            Move(preset, amount, period, easing, seed), handheld, keyframes, Offset(**offset)
        )
        path = camera_path(settings, frames, fps, camera)
        if motion is not None:
            path = held(path, frames)
        warning = camera_angles(path).warning(limit)
        path = limited_camera(path) if limit else path
        return io.NodeOutput(path, ui=camera_shown(path, fps, cls, warning))
