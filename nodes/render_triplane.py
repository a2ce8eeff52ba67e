"""Render Triplane: TRIPLANE, CAMERA -> HEAD."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..real3d_core.wires import Camera, HeadRender, RenderSettings, TriPlane
from . import wire_types
from .camera_shown import picture_shown
from .host import io, schema

if TYPE_CHECKING:
    from ..real3d_core.render_triplane.safe_range import ViewAngles

NO_JITTER = -1
"""The jitter seed of samples at fixed places."""

MOST_SEED = 2**31 - 1


class RenderTriplane(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_RenderTriplane",
            display_name="Render Triplane",
            category=wire_types.CATEGORY,
            description="Says how the head is seen: camera, rays and samples. Frames are rendered when a"
            " later node asks for them.",
            search_aliases=["volume renderer", "nerf", "raymarch", "3d render"],
            inputs=[
                wire_types.TriPlane.Input("triplane", tooltip="The head, still or as a clip."),
                io.Int.Input(
                    "resolution",
                    default=128,
                    min=32,
                    max=512,
                    step=16,
                    tooltip="Rays per side; HTB-SR is made for 128. Twice the rays take four times as long.",
                ),
                io.Int.Input(
                    "coarse_samples",
                    default=48,
                    min=8,
                    max=256,
                    step=4,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="Samples of the first pass along each ray. Fewer are faster and may miss thin"
                    " parts.",
                ),
                io.Int.Input(
                    "fine_samples",
                    default=48,
                    min=0,
                    max=256,
                    step=4,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="Samples of the second pass, placed where the first found something; 0 leaves it"
                    " out.",
                ),
                io.Combo.Input(
                    "sampler",
                    options=["fast", "plain"],
                    default="fast",
                    extra_dict=wire_types.ADVANCED,
                    tooltip="fast samples only where the head is; plain takes every sample of every ray,"
                    " which is many times slower, for comparison. A trained model is always sampled plainly,"
                    " as it was trained.",
                ),
                wire_types.Camera.Input(
                    "camera",
                    optional=True,
                    tooltip="How the camera moves around the head; unconnected is the photo's own view.",
                ),
                io.Int.Input(
                    "jitter_seed",
                    optional=True,
                    default=NO_JITTER,
                    min=NO_JITTER,
                    max=MOST_SEED,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="-1 takes samples at fixed places, so that the picture does not flicker. A number"
                    " from 0 on draws them at random in every frame, as the original model does; the same"
                    " number gives the same clip. Samples plainly.",
                ),
                io.Boolean.Input(
                    "limit",
                    default=True,
                    optional=True,
                    tooltip="Keep the head from being seen from farther aside than looks good: camera and"
                    " head pose together stay within 30 degrees of yaw and 20 of pitch, softly from 25 and 15"
                    " on, up to where nothing is changed. Off: as they are. Either way the node warns.",
                ),
            ],
            outputs=[
                wire_types.Head.Output(
                    "head",
                    tooltip="The head as seen by the camera, frame by frame, for HTB-SR and Render Passes.",
                )
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        triplane: TriPlane,
        resolution: int,
        coarse_samples: int,
        fine_samples: int,
        sampler: str,
        camera: Camera | None = None,
        jitter_seed: int = NO_JITTER,
        limit: bool = True,
    ) -> Any:
        from ..real3d_core.render_triplane.cameras import checked_camera
        from ..real3d_core.render_triplane.safe_range import limited_view

        seed = None if jitter_seed == NO_JITTER else jitter_seed
        settings = RenderSettings(resolution, coarse_samples, fine_samples, sampler, seed)
        track = Camera.front() if camera is None else checked_camera(camera)
        view = limited_view(triplane, track)
        if limit:
            triplane, track = view.triplane, view.camera
        head = HeadRender(triplane, track, settings)
        return io.NodeOutput(head, ui=_warned(view.asked, head, limit, cls))


def _warned(asked: ViewAngles, head: HeadRender, limit: bool, node: type[io.ComfyNode]) -> Any:
    """What the node shows: nothing within the good range, else the angles over time and a warning."""
    warning = asked.warning(limit)
    if warning is None:
        return None
    from ..real3d_core.camera_path.picture import angles_picture
    from ..real3d_core.render_triplane.safe_range import view_angles

    given = view_angles(head.triplane, head.camera)
    return picture_shown(angles_picture(asked, given, head.fps, (warning,)), node, warning)
