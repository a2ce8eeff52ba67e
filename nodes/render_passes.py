"""Render Passes: HEAD -> pictures of what the renderer sees, for compositing and for control networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..real3d_core.errors import RenderError
from ..real3d_core.streaming import check_fits, iterate_frames
from ..real3d_core.wires import HeadRender, Portrait
from . import host, wire_types
from .host import io, schema
from .watch import FrameListener

NEAR, FAR = 2.36, 3.36  # box sides: the built-in camera is 2.861 from the middle of a box of side 1


class RenderPasses(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_RenderPasses",
            display_name="Render Passes",
            category=wire_types.CATEGORY,
            description="Renders the head alone, before HTB-SR: its raw colour, its opacity and its depth.",
            search_aliases=["aov", "depth map", "alpha matte", "controlnet"],
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
                    " memory small: 100 frames of 128 x 128 need 46 MB.",
                ),
                wire_types.Portrait.Input(
                    "portrait",
                    optional=True,
                    tooltip="The portrait of the head. Colour, alpha and depth do not depend on it.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "colour", tooltip="Raw colour of the volume on black, one picture for each frame, 0..1."
                ),
                io.Mask.Output("alpha", tooltip="Opacity of the head, 0..1."),
                io.Image.Output("depth", tooltip="Depth as grey: near is white, far and empty are black."),
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
    ) -> Any:
        stop = start + count if count else len(head)
        if not start < stop <= len(head):
            raise RenderError(
                f"Frames {start} to {stop} were asked of a clip of {len(head)}; choose a range inside it."
            )
        source = PassSource(head, near, far)
        check_fits(stop - start, source.width, source.height)
        told, chunks = FrameListener(stop - start), []
        for chunk in iterate_frames(source, start, stop, check=host.check):
            chunks.append(chunk)
            told(len(chunks), chunk[0, ..., :3])
        layers = torch.cat(chunks)
        return io.NodeOutput(layers[..., :3], layers[..., 3], layers[..., 4:].expand(-1, -1, -1, 3))


@dataclass(frozen=True)
class PassSource:
    """Frames of five channels: colour, alpha, depth."""

    head: HeadRender
    near: float
    far: float

    @property
    def device(self) -> torch.device:
        return self.head.triplane.planes.device

    @property
    def fps(self) -> float:
        return self.head.fps

    @property
    def width(self) -> int:
        return self.head.settings.resolution

    @property
    def height(self) -> int:
        return self.head.settings.resolution

    def __len__(self) -> int:
        return len(self.head)

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, r, r, 5] float32 on the CPU."""
        from ..real3d_core.render_triplane.passes import alpha_pass, colour_pass, depth_pass

        rendered = self.head.frames(start, stop)
        parts = [colour_pass(rendered), alpha_pass(rendered), depth_pass(rendered, self.near, self.far)]
        return torch.cat(parts, dim=1).movedim(1, -1).float().cpu()
