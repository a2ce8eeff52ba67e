"""Renders frames of a clip: cameras are resolved, the sampler is picked, the wire is filled."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import RenderError
from ..wires import HeadRender, RenderedFrames, RenderSettings
from .cameras import ResolvedCameras, resolve
from .plain import Rendered, render_plain
from .rays import camera_rays


def render_frames(head: HeadRender, start: int, stop: int) -> RenderedFrames:
    """Renders frames start..stop of a clip on the device of the tri-plane.

    Raises RenderError if the range, the settings or the camera cannot be rendered.
    """
    _check(head, start, stop)
    with torch.no_grad():
        cameras = resolve(head.triplane, head.camera, start, stop)
        rendered = [_render_plain(head, cameras, start, i) for i in range(stop - start)]
    return _collect(rendered, cameras, head.settings.resolution)


def _render_plain(head: HeadRender, cameras: ResolvedCameras, start: int, i: int) -> Rendered:
    triplane, settings = head.triplane, head.settings
    frame = min(start + i, len(triplane) - 1)
    rays = camera_rays(cameras.c2w[i], cameras.intrinsics[i], settings.resolution)
    return render_plain(triplane.frames(frame, frame + 1)[0], triplane.decoder, rays, settings)


def _collect(rendered: list[Rendered], cameras: ResolvedCameras, resolution: int) -> RenderedFrames:
    def picture(values: list[Tensor]) -> Tensor:
        return torch.stack(values).reshape(len(values), -1, resolution, resolution)

    return RenderedFrames(
        features=picture([one.colour.T for one in rendered]) * 2 - 1,
        alpha=picture([one.alpha for one in rendered]),
        depth=picture([one.depth for one in rendered]),
        c2w=cameras.c2w,
        view=cameras.view,
        intrinsics=cameras.intrinsics,
    )


def _check(head: HeadRender, start: int, stop: int) -> None:
    settings: RenderSettings = head.settings
    if not 0 <= start < stop <= len(head):
        raise RenderError(
            f"Frames {start} to {stop} were asked of a clip of {len(head)}; ask for frames inside the clip."
        )
    if settings.resolution < 1 or settings.coarse < 4 or settings.fine < 0:
        raise RenderError(
            f"A resolution of {settings.resolution} with {settings.coarse} + {settings.fine} samples cannot"
            " be rendered; use at least 1 ray, 4 coarse and 0 fine samples."
        )
    if settings.sampler not in ("fast", "plain"):
        raise RenderError(f"There is no sampler '{settings.sampler}'; choose 'fast' or 'plain'.")
