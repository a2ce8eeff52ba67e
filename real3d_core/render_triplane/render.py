"""Renders frames of a clip: cameras are resolved, the sampler is picked, the wire is filled."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..errors import RenderError
from ..timing import stage
from ..wires import HeadRender, RenderedFrames, RenderSettings, ResidualPlanes
from .cameras import Pinhole, ResolvedCameras, resolve
from .fast import render_fast
from .plain import Rendered, render_plain
from .rays import camera_rays


def render_frames(head: HeadRender, start: int, stop: int) -> RenderedFrames:
    """Renders frames start..stop of a clip on the device of the tri-plane.

    Raises RenderError if the range, the settings or the camera cannot be rendered.
    """
    _check(head, start, stop)
    with torch.no_grad():
        residual = head.triplane.residual(start, stop)
        with stage("render_triplane"):
            cameras = resolve(head.triplane, head.camera, start, stop)
            render = _plain_frame if head.settings.sampler == "plain" else _fast_frame
            rendered = [
                render(head, Pinhole(c2w, intrinsics), residual, i)
                for i, (c2w, intrinsics) in enumerate(zip(cameras.c2w, cameras.intrinsics, strict=True))
            ]
            return _collect(rendered, cameras, head.settings.resolution)


def _plain_frame(head: HeadRender, camera: Pinhole, residual: ResidualPlanes | None, i: int) -> Rendered:
    triplane, settings = head.triplane, head.settings
    planes = triplane.planes
    if residual is not None:
        planes = replace(residual, values=residual.values[i : i + 1]).added_to(planes)
    rays = camera_rays(camera.c2w, camera.intrinsics, settings.resolution)
    return render_plain(planes[0], triplane.decoder, rays, settings)


def _fast_frame(head: HeadRender, camera: Pinhole, residual: ResidualPlanes | None, i: int) -> Rendered:
    field = head.prepared.frame(residual, i)
    return render_fast(field, head.triplane.decoder, camera, head.settings)


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
