"""Render Triplane: TRIPLANE, CAMERA -> HEAD."""

from __future__ import annotations

from typing import Any

from ..real3d_core.wires import Camera, HeadRender, RenderSettings, TriPlane
from . import wire_types
from .host import io, schema

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
            ],
            outputs=[
                wire_types.Head.Output(
                    "head",
                    tooltip="The head as seen by the camera, frame by frame, for HTB-SR and Render Passes.",
                )
            ],
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
    ) -> Any:
        from ..real3d_core.render_triplane.cameras import checked_camera

        seed = None if jitter_seed == NO_JITTER else jitter_seed
        settings = RenderSettings(resolution, coarse_samples, fine_samples, sampler, seed)
        track = Camera.front() if camera is None else checked_camera(camera)
        return io.NodeOutput(HeadRender(triplane, track, settings))
