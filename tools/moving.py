"""A portrait in motion as pictures, for the tools that look at what the built-in backend makes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from real3d_core.htb_sr import htb_sr
from real3d_core.motion_adapter import motion_adapter
from real3d_core.streaming import iterate_frames
from real3d_core.wires import Camera, HeadRender, Motion, Portrait, RenderSettings, TriPlane


def moving_pictures(triplane: TriPlane, portrait: Portrait, motion: Motion) -> Iterator[np.ndarray]:
    """uint8 [512, 512, 3] for each frame of the motion, seen from the front."""
    head = HeadRender(motion_adapter(triplane, portrait, motion), Camera.front(), RenderSettings())
    for frames in iterate_frames(htb_sr(head, portrait)):
        yield from (frames * 255 + 0.5).byte().numpy()
