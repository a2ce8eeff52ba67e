"""Renders frames of a clip: cameras are resolved, the sampler is picked, the wire is filled."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..errors import RenderError
from ..streaming import frames_at_once
from ..timing import stage
from ..wires import HeadRender, RenderedFrames, RenderSettings, ResidualPlanes
from .cameras import Pinhole, ResolvedCameras, resolve
from .fast import render_fast
from .plain import Rendered, render_plain
from .rays import Rays, camera_rays
from .sampling import Jitter

FRAMES_AT_ONCE = 8
"""Frames whose rays an accelerator renders together: 200 MB of planes. A CPU takes one at a time."""


def render_frames(head: HeadRender, start: int, stop: int) -> RenderedFrames:
    """Renders frames start..stop of a clip on the device of the tri-plane.

    Raises RenderError if the range, the settings or the camera cannot be rendered.
    """
    _check(head, start, stop)
    with torch.no_grad():
        residual = head.triplane.residual(start, stop)
        with stage("render_triplane"):
            cameras = resolve(head.triplane, head.camera, start, stop)
            render = _fast_frames if is_fast(head) else _plain_frames
            return _collect(render(head, cameras, residual, start), cameras, head.settings.resolution)


def is_fast(head: HeadRender) -> bool:
    """Whether the fast sampler renders a clip; else the plain one does.

    The fast sampler is made for a solid head in empty space. The planes of a network may hold fog, of which
    its picture differs from the one that the network was trained with (docs/model.md, "Which sampler"). It
    does not place its samples at random either.
    """
    settings = head.settings
    return (
        settings.sampler == "fast" and settings.jitter_seed is None and head.triplane.model.kind != "network"
    )


def _plain_frames(
    head: HeadRender, cameras: ResolvedCameras, residual: ResidualPlanes | None, start: int
) -> list[Rendered]:
    at_once, rendered = frames_at_once(head.triplane.planes.device, FRAMES_AT_ONCE), []
    for first in range(0, len(cameras.c2w), at_once):
        some = slice(first, first + at_once)
        rays = [
            camera_rays(c2w, intrinsics, head.settings.resolution)
            for c2w, intrinsics in zip(cameras.c2w[some], cameras.intrinsics[some], strict=True)
        ]
        planes = head.triplane.planes.expand(len(rays), -1, -1, -1, -1)
        if residual is not None:
            planes = replace(residual, values=residual.values[some]).added_to(head.triplane.planes)
        jitter = _jitter(head.settings, start + first, rays)
        rendered += render_plain(planes, head.triplane.decoder, rays, head.settings, jitter)
    return rendered


def _jitter(settings: RenderSettings, first: int, rays: list[Rays]) -> list[Jitter] | None:
    """Random numbers of the frames from `first` on, one for each of `rays`; None if none are wanted."""
    seed = settings.jitter_seed
    if seed is None:
        return None
    return [
        Jitter.of_frame(seed, first + i, len(one), settings).to(one.near.device) for i, one in enumerate(rays)
    ]


def _fast_frames(
    head: HeadRender, cameras: ResolvedCameras, residual: ResidualPlanes | None, start: int
) -> list[Rendered]:
    rendered = []
    for i, (c2w, intrinsics) in enumerate(zip(cameras.c2w, cameras.intrinsics, strict=True)):
        field = head.prepared.frame(residual, i)
        camera = Pinhole(c2w, intrinsics)
        rendered.append(render_fast(field, head.triplane.decoder, camera, head.settings))
    return rendered


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
    if settings.jitter_seed is not None and settings.jitter_seed < 0:
        raise RenderError(f"The jitter seed {settings.jitter_seed} is negative; use 0 or more, or none.")
