"""Render Passes: HEAD, PORTRAIT -> what the renderer sees, for compositing and control networks."""

from __future__ import annotations

from typing import Any

import torch

from ..real3d_core.errors import RenderError
from ..real3d_core.streaming import check_fits, iterate_frames
from ..real3d_core.wires import HeadRender, Portrait
from . import host, wire_types
from .host import io, schema
from .values import SIZES, side_of
from .watch import FrameListener

RAYS = "rays"
NEAR_FAR, NORMALISED, METRIC = DEPTH_MODES = ("near and far", "normalised", "metric")
CHANNELS = 15  # of a frame: colour, alpha, depth, normals, seven masks
SHORTER = "set count to render fewer frames at a time, or choose a smaller size"
NEAR, FAR = 2.36, 3.36  # box sides: the built-in camera is 2.861 from the middle of a box of side 1


class RenderPasses(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_RenderPasses",
            display_name="Render Passes",
            category=wire_types.CATEGORY,
            description="Renders what compositing and control networks want of a clip: colour, opacity, depth"
            " and normals of the head, and masks of its parts, of torso and background, and of what the photo"
            " did not show. All are made, whichever are linked.",
            search_aliases=[
                "aov",
                "depth map",
                "normal map",
                "alpha matte",
                "controlnet",
                "face mask",
                "mouth mask",
                "inpaint mask",
                "segmentation",
            ],
            inputs=[
                wire_types.Head.Input("head", tooltip="The head and the camera that sees it."),
                io.Float.Input(
                    "near",
                    default=NEAR,
                    min=0.0,
                    max=100.0,
                    step=0.01,
                    tooltip="Distance from the camera that is white in the depth picture, in sides of the"
                    " tri-plane's box. The photo's camera is 2.86 from the middle of the box.",
                ),
                io.Float.Input(
                    "far",
                    default=FAR,
                    min=0.01,
                    max=100.0,
                    step=0.01,
                    tooltip="Distance that is black in the depth picture, like everything without a head;"
                    " greater than near.",
                ),
                io.Int.Input(
                    "start",
                    default=0,
                    min=0,
                    max=10_000_000,
                    tooltip="First frame to render, counted from 0.",
                ),
                io.Int.Input(
                    "count",
                    default=0,
                    min=0,
                    max=10_000_000,
                    tooltip="How many frames to render; 0 goes on to the end of the clip. A range keeps the"
                    " memory small: 100 frames of 128 x 128 need 98 MB.",
                ),
                wire_types.Portrait.Input(
                    "portrait",
                    optional=True,
                    tooltip="The portrait of the head. The masks torso and background need it: without it"
                    " torso is empty and background is all that is no head. Colour, alpha, depth and normals"
                    " do not depend on it.",
                ),
                io.Combo.Input(
                    "depth_mode",
                    options=list(DEPTH_MODES),
                    default=NEAR_FAR,
                    optional=True,
                    tooltip="What depth holds. near and far: grey between these two distances. normalised:"
                    " near and far are found for the whole clip, so that a part of it looks the same; for"
                    " ControlNet. metric: the distance itself in sides of the head's box, about 2.6, 0 where"
                    " there is no head; for nodes that calculate.",
                ),
                io.Combo.Input(
                    "size",
                    options=[RAYS, *(str(size) for size in SIZES)],
                    default=RAYS,
                    optional=True,
                    tooltip="Pixels a side. rays: Render Triplane's resolution. 512, 768, 1024: laid exactly"
                    " over HTB-SR's pictures of that size, for inpainting; 100 frames of 512 x 512 need"
                    " 1.6 GB.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "colour", tooltip="Raw colour of the volume on black, one picture for each frame, 0..1."
                ),
                io.Mask.Output("alpha", tooltip="Opacity of the head, 0..1."),
                io.Image.Output(
                    "depth", tooltip="Depth as depth_mode says: near is white, far and empty are black."
                ),
                io.Image.Output(
                    "normals",
                    tooltip="Directions of the surface as the camera sees them, in the usual colours: red to"
                    " the right, green up, blue to the viewer.",
                ),
                io.Mask.Output(
                    "head",
                    tooltip="What HTB-SR shows of the head; head, torso and background add up to 1.",
                ),
                io.Mask.Output("face", tooltip="The face, a part of the head; follows expression and pose."),
                io.Mask.Output("mouth", tooltip="Lips and what lies between them, a part of the head."),
                io.Mask.Output("eyes", tooltip="Both eyes with their lids, a part of the head."),
                io.Mask.Output(
                    "torso",
                    tooltip="Neck, shoulders and clothes where the head does not hide them; needs the"
                    " portrait. Networks run HTB-SR for it, which takes its time.",
                ),
                io.Mask.Output("background", tooltip="All that is neither head nor torso."),
                io.Mask.Output(
                    "unseen",
                    tooltip="Surface of the head that the photo did not show: a made-up inside of the mouth,"
                    " the far side, hair that was mirrored. Empty for networks, which do not tell.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        head: HeadRender,
        near: float,
        far: float,
        start: int,
        count: int,
        portrait: Portrait | None = None,
        depth_mode: str = NEAR_FAR,
        size: str = RAYS,
    ) -> Any:
        from ..real3d_core.render_passes import PassSettings, pass_source

        stop = start + count if count else len(head)
        if not start < stop <= len(head):
            raise RenderError(
                f"Frames {start} to {stop} were asked of a clip of {len(head)}; choose a range inside it."
            )
        side = 0 if size == RAYS else side_of(size)
        pixels = side or head.settings.resolution
        check_fits(stop - start, pixels, pixels, SHORTER, CHANNELS)
        source = pass_source(head, PassSettings(near, far, depth_mode, side), portrait)
        told, layers = FrameListener(stop - start), torch.empty(stop - start, pixels, pixels, CHANNELS)
        chunks = iterate_frames(source, start, stop, check=host.check)
        for index, frame in enumerate(frame for chunk in chunks for frame in chunk):
            layers[index] = frame
            told(index + 1, frame[..., :3])
        depth = layers[..., 4:5].expand(-1, -1, -1, 3)
        masks = (layers[..., channel] for channel in range(8, CHANNELS))
        return io.NodeOutput(layers[..., :3], layers[..., 3], depth, layers[..., 5:8], *masks)
