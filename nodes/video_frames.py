"""IMAGE and VIDEO as frames that can be asked for by number, never all in memory unless they are already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..real3d_core.errors import RenderError
from ..real3d_core.wires import Audio
from . import host
from .clip import opened_part
from .lazy_video import LazyVideo
from .values import audio_from, check_image, pictures


@dataclass(frozen=True)
class VideoFrames:
    """A clip; a FrameSource.

    frame           (number, loop) -> [h, w, 3] float 0..1; beyond the end the last one holds, or the clip
                    starts again
    count           how many there are, as far as a file knows
    fps, width, height
    sound           None without
    """

    frame: Callable[[int, bool], Tensor]
    count: int
    fps: float
    width: int
    height: int
    sound: Audio | None = None

    def __len__(self) -> int:
        return self.count

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, h, w, 3]"""
        return torch.stack([self.frame(index, False) for index in range(start, stop)])


def video_frames(
    images: Any, fps: float = 25.0, shrink: Callable[[np.ndarray], np.ndarray] | None = None
) -> VideoFrames:
    """The frames of an IMAGE at `fps`, or of a VIDEO. `shrink` makes a file's uint8 pictures smaller as they
    are decoded.

    Raises RenderError if it is neither, or has no frames.
    """
    if isinstance(images, Tensor):
        return _of_pictures(images, fps, None)
    if isinstance(images, host.InputImpl.VideoFromComponents):
        parts = images.get_components()
        return _of_pictures(parts.images, float(parts.frame_rate), audio_from(parts.audio))
    if isinstance(images, LazyVideo):
        width, height = images.get_dimensions()
        count = images.get_frame_count()

        def rendered(index: int, loop: bool) -> Tensor:
            return images.frame(index % count if loop else min(index, count - 1))

        return VideoFrames(rendered, count, float(images.get_frame_rate()), width, height, images.sound())
    if isinstance(images, host.Input.Video):
        from ..real3d_core.video.indexed import IndexedFrames

        part = opened_part(images)
        decoded = IndexedFrames(part.from_number, shrink)
        size = part.opened.width, part.opened.height
        return VideoFrames(decoded.frame, part.count, float(part.opened.fps), *size, part.sound())
    raise RenderError(f"Images or a video are needed, not {type(images).__name__}; connect one of them.")


def _of_pictures(images: Tensor, fps: float, sound: Audio | None) -> VideoFrames:
    check_image(images)
    frames = pictures(images)
    count = len(frames)

    def given(index: int, loop: bool) -> Tensor:
        return frames[index % count if loop else min(index, count - 1)]

    return VideoFrames(given, count, fps, frames.shape[2], frames.shape[1], sound)
