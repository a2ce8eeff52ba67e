"""A film of a face, for trying what a driver moves: the portrait itself, moved by a known motion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def write_driver(photo: npt.NDArray[np.uint8], nets: Any, path: Path, frames: int) -> None:
    """Writes an mp4 of the face in `photo` that opens its mouth, raises its brows and turns, at 25 fps."""
    from real3d_core.htb_sr import htb_sr
    from real3d_core.image_to_plane import image_to_plane
    from real3d_core.model import Model
    from real3d_core.motion_adapter import motion_adapter
    from real3d_core.portrait.prepare import prepare_portrait
    from real3d_core.streaming import iterate_frames
    from real3d_core.video.encoder import encode_mp4
    from real3d_core.wires import Camera, HeadRender, RenderSettings

    portrait = prepare_portrait(photo, nets)
    moved = motion_adapter(image_to_plane(portrait, Model.built_in()), portrait, known_motion(frames))
    clip = htb_sr(HeadRender(moved, Camera.front(), RenderSettings()), portrait)
    encode_mp4(path, (frame for chunk in iterate_frames(clip) for frame in chunk), 25)


def known_motion(frames: int) -> Any:
    """The motion of that film."""
    import torch

    from real3d_core.wires import ARKIT_INDEX, Motion

    motion, time = Motion.still(frames), torch.arange(frames) / 25
    for name, rate, most in (
        ("jawOpen", 1.5, 0.8),
        ("browInnerUp", 0.7, 1.0),
        ("browOuterUpLeft", 0.7, 1.0),
        ("browOuterUpRight", 0.7, 1.0),
    ):
        motion.blendshapes[:, ARKIT_INDEX[name]] = most * (1 - torch.cos(2 * torch.pi * rate * time)) / 2
    motion.euler[:, 1] = 0.25 * torch.sin(2 * torch.pi * 0.4 * time)
    return motion
