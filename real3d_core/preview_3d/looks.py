"""Pictures of the head made in Python: the still one, and the turntable for browsers without WebGL2."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..camera_path.tracks import track
from ..htb_sr import htb_sr
from ..image_to_plane.avatar import AnalyticAvatar
from ..image_to_plane.layout import PATCH_CHANNELS
from ..motion_adapter.analytic import AnalyticAdapter
from ..streaming import iterate_frames, no_check
from ..wires import PORTRAIT_SIZE, Camera, FrameSource, HeadRender, Motion, Portrait, RenderSettings, TriPlane
from .pictures import Pixels

GROUND = (0.13, 0.13, 0.15)
"""What lies behind a head without a portrait, here and in the viewer."""

YAWS, PITCHES = tuple(range(-40, 41, 10)), (-20, 0, 20)
"""Degrees of the turntable's views."""

TILE = 160
"""Pixels a side of a view of the turntable."""

STILL = RenderSettings(128, 48, 48)
TURNTABLE = RenderSettings(64, 24, 24)
NETWORK_TURNTABLE = RenderSettings(32, 24, 12)
"""Networks are sampled plainly, which takes a hundred times as long."""


@dataclass(frozen=True)
class RawFrames:
    """A FrameSource: the volume's own colours before GROUND, enlarged."""

    head: HeadRender
    size: int

    @property
    def fps(self) -> float:
        return self.head.fps

    @property
    def width(self) -> int:
        return self.size

    @property
    def height(self) -> int:
        return self.size

    @property
    def device(self) -> torch.device:
        """Where the frames are computed."""
        return self.head.triplane.planes.device

    def __len__(self) -> int:
        return len(self.head)

    def frames(self, start: int, stop: int) -> Tensor:
        seen = self.head.frames(start, stop)
        ground = torch.tensor(GROUND, device=self.device)[:, None, None]
        colour = (seen.rgb + 1) / 2 + ground * (1 - seen.alpha.clamp(0, 1))
        shape = (self.size, self.size)
        colour = functional.interpolate(colour, shape, mode="bicubic", align_corners=False)
        return colour.clamp(0, 1).permute(0, 2, 3, 1).cpu()


@dataclass(frozen=True)
class Turntable:
    """The head from many sides.

    picture         [rows * TILE, columns * TILE, 3] uint8: a row for each pitch, a column for each yaw.
    yaws, pitches   degrees.
    """

    picture: Pixels
    yaws: tuple[int, ...] = YAWS
    pitches: tuple[int, ...] = PITCHES


def at_rest(triplane: TriPlane) -> TriPlane:
    """The head without the motion that it may have."""
    return replace(triplane, motion=None, adapter=None)


def moved(triplane: TriPlane, motion: Motion) -> TriPlane:
    """The head at rest with a motion; as it is where its backend has no blendshapes of its own."""
    triplane = at_rest(triplane)
    avatar = triplane.avatar
    if not isinstance(avatar, AnalyticAvatar):
        return triplane
    r0, r1, c0, c1 = avatar.fields.box
    base = triplane.planes[0, 0, : len(PATCH_CHANNELS), r0:r1, c0:c1]
    return replace(triplane, motion=motion.to(triplane.planes.device), adapter=AnalyticAdapter(avatar, base))


def seen(
    triplane: TriPlane, portrait: Portrait | None, camera: Camera, settings: RenderSettings, size: int
) -> FrameSource:
    """HTB-SR's pictures where the portrait is there, the volume's colours else."""
    head = HeadRender(triplane, camera, settings)
    if portrait is None or not isinstance(triplane.avatar, AnalyticAvatar):
        return RawFrames(head, size)
    return htb_sr(head, portrait)


def still_picture(triplane: TriPlane, portrait: Portrait | None, camera: Camera, motion: Motion) -> Tensor:
    """[512, 512, 3] 0..1 the first frame of what the viewer shows."""
    source = seen(moved(triplane, motion[:1]), portrait, camera, STILL, PORTRAIT_SIZE)
    return source.frames(0, 1)[0, ..., :3]


def turntable(
    triplane: TriPlane, portrait: Portrait | None, check: Callable[[], None] = no_check
) -> Turntable:
    """The head at rest from YAWS and PITCHES."""
    views = [(yaw, pitch) for pitch in PITCHES for yaw in YAWS]
    yaw, pitch = (torch.tensor([math.radians(view[k]) for view in views]) for k in (0, 1))
    settings = NETWORK_TURNTABLE if triplane.model.kind == "network" else TURNTABLE
    source = seen(at_rest(triplane), portrait, track(len(views), yaw=yaw, pitch=pitch), settings, TILE)
    tiles = [_tile(frame) for frames in iterate_frames(source, check=check) for frame in frames]
    rows = [np.concatenate(tiles[i : i + len(YAWS)], 1) for i in range(0, len(tiles), len(YAWS))]
    return Turntable(np.concatenate(rows))


def _tile(frame: Tensor) -> Pixels:
    import cv2

    small = cv2.resize(frame.numpy(), (TILE, TILE), interpolation=cv2.INTER_AREA)
    return (small * 255).round().clip(0, 255).astype(np.uint8)
