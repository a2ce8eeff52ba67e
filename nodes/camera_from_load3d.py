"""Camera from Load3D: LOAD3D_CAMERA -> CAMERA."""

from __future__ import annotations

from typing import Any

from ..real3d_core.wires import Camera
from . import wire_types
from .camera_path import LIMIT_TOOLTIP
from .camera_shown import camera_shown
from .host import io, schema

FPS = 25.0  # of the picture alone: the camera stands still


class CameraFromLoad3D(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_CameraFromLoad3D",
            display_name="Camera from Load3D",
            category=wire_types.CATEGORY,
            description="Takes the camera that you set by hand in ComfyUI's 3D viewer (Load 3D, Preview 3D,"
            " Create Camera Info) to the head.",
            search_aliases=["camera info", "3d viewer", "orbit controls", "viewport", "load 3d"],
            inputs=[
                wire_types.Load3DCamera.Input(
                    "camera_info",
                    tooltip="The viewer's camera. Straight in front of its target is the photo's own view,"
                    " unless front says otherwise.",
                ),
                io.Float.Input(
                    "distance",
                    default=0.0,
                    min=0.0,
                    max=100_000.0,
                    step=0.1,
                    tooltip="How far the viewer's camera is from its target, in the viewer's units, where the"
                    " head is to be as large as in the photo. 0: the distance does not count, only angles and"
                    " zoom. With front connected, front's distance counts.",
                ),
                io.Boolean.Input("limit", default=True, tooltip=LIMIT_TOOLTIP),
                wire_types.Load3DCamera.Input(
                    "front",
                    optional=True,
                    tooltip="The viewer's camera that stands for the photo's own view; its target is the"
                    " head. Distance, lens and a moved target then count too.",
                ),
                wire_types.Camera.Input(
                    "camera",
                    optional=True,
                    tooltip="A camera to add to: angles and shifts add up, factors multiply.",
                ),
            ],
            outputs=[
                wire_types.Camera.Output(
                    "camera", tooltip="A camera that stands still, for Render Triplane or Camera Path."
                )
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls, camera_info: Any, distance: float, limit: bool, front: Any = None, camera: Camera | None = None
    ) -> Any:
        from ..real3d_core.camera_from_load3d import camera_from_load3d
        from ..real3d_core.camera_path.tracks import together
        from ..real3d_core.render_triplane.safe_range import camera_angles, limited_camera

        made = camera_from_load3d(camera_info, front, distance)
        made = made if camera is None else together(made, camera)
        warning = camera_angles(made).warning(limit)
        made = limited_camera(made) if limit else made
        return io.NodeOutput(made, ui=camera_shown(made, FPS, cls, warning))
