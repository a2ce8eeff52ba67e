"""3D Preview: TRIPLANE -> a head to turn in the browser; what was turned -> CAMERA, MOTION."""

from __future__ import annotations

from typing import Any

from ..real3d_core.preview_3d import check_portrait, preview_file
from ..real3d_core.preview_3d.view import SLIDERS, camera_of, motion_of, on_top
from ..real3d_core.wires import Motion, Portrait, TriPlane
from . import host, wire_types
from .host import io, schema

SHOWN = "r3dp_preview"
"""Under this name the browser is told of the file; web/js/preview_3d.js reads it."""

SUBFOLDER = "real3d_preview"

SLIDER_TOOLTIPS = {
    "jaw": "How far the jaw is open: 0 as in the photo, 1 wide.",
    "blink": "How far both eyes are closed: 0 as in the photo, 1 shut.",
    "smile": "How much the mouth smiles: 0 as in the photo, 1 broadly.",
    "brow": "Brows: up to 1 they are raised, down to -1 they are drawn together.",
}


def _slider(name: str) -> Any:
    low, high = SLIDERS[name]
    return io.Float.Input(
        name,
        default=0.0,
        min=low,
        max=high,
        step=0.01,
        display_mode=io.NumberDisplay.slider,
        tooltip=SLIDER_TOOLTIPS[name],
    )


class Preview3D(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_Preview3D",
            display_name="3D Preview",
            category=wire_types.CATEGORY,
            description="Shows the head in the node, to be turned by the mouse and moved by four sliders."
            " Where you leave it goes out as CAMERA, the sliders as MOTION, and the view as a picture.",
            search_aliases=["viewer", "orbit", "3d view", "webgl", "turntable", "camera", "expression"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],  # as servers add to every output node
            inputs=[
                wire_types.TriPlane.Input(
                    "triplane", tooltip="The head to show; shown at rest, the sliders move it."
                ),
                io.String.Input(
                    "camera",
                    default="",
                    extra_dict=wire_types.ADVANCED,
                    tooltip="Where the camera stands, as the viewer writes it (JSON): yaw and pitch in"
                    " degrees to the right and up of the photo's view, dolly as a factor on the distance."
                    " Empty: the photo's view.",
                ),
                *(_slider(name) for name in SLIDERS),
                io.Int.Input(
                    "frames",
                    default=1,
                    min=1,
                    max=100_000,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="Length of the motion that goes out, which stands still. With a motion connected,"
                    " its length counts.",
                ),
                io.Float.Input(
                    "fps",
                    default=25.0,
                    min=1.0,
                    max=120.0,
                    step=0.01,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="Frames per second of the motion that goes out. A motion connected has its own.",
                ),
                wire_types.Portrait.Input(
                    "portrait",
                    optional=True,
                    tooltip="The portrait that the head was made from: the built-in model then shows the"
                    " photo's own pixels, with torso and background. Without it the head alone, softer.",
                ),
                wire_types.Motion.Input(
                    "motion",
                    optional=True,
                    tooltip="A motion that goes out with the sliders' face on top, such as speech with a"
                    " smile. The viewer shows the sliders alone.",
                ),
            ],
            outputs=[
                wire_types.Camera.Output(
                    "camera", tooltip="A camera that stands where the head was left, for Render Triplane."
                ),
                wire_types.Motion.Output(
                    "motion",
                    tooltip="The face that the sliders make, held still, or on top of the motion that came"
                    " in.",
                ),
                wire_types.TriPlane.Output(
                    "triplane", tooltip="The head as it came in, for nodes that go on with it."
                ),
                io.Image.Output(
                    "image", tooltip="The view with the sliders' face as one picture, 512 x 512 pixels."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        triplane: TriPlane,
        camera: str,
        frames: int,
        fps: float,
        portrait: Portrait | None = None,
        motion: Motion | None = None,
        **sliders: float,
    ) -> Any:
        from ..real3d_core.preview_3d.looks import still_picture

        view, face = camera_of(camera), motion_of(sliders)
        moved = motion_of(sliders, frames, fps) if motion is None else on_top(motion, sliders)
        check_portrait(triplane, portrait)
        file = preview_file(triplane, portrait, host.folder("temp") / SUBFOLDER, host.check)
        picture = still_picture(triplane, portrait, view, face)
        shown = {"filename": file.name, "subfolder": SUBFOLDER, "type": io.FolderType.temp.value}
        return io.NodeOutput(view, moved, triplane, picture[None], ui={SHOWN: (shown,)})
