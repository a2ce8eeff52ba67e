"""One view of what Video Combine takes: IMAGE or VIDEO as frames, rate and sound, never all in memory."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..real3d_core.errors import RenderError
from ..real3d_core.wires import Audio
from . import host
from .paths import temp_file
from .values import audio_from, pictures


@dataclass(frozen=True)
class Clip:
    """Frames of one size, and their sound.

    frames          [h, w, 3] float 0..1 or uint8, one at a time.
    count           how many there are, for the progress bar (a file may be wrong about itself).
    fps             frames per second.
    width, height   in pixels.
    audio           None without sound.
    """

    frames: Iterable[Tensor | np.ndarray]
    count: int
    fps: Fraction
    width: int
    height: int
    audio: Audio | None


def clip_of(images: Any, fps: float, audio: Audio | None) -> Clip:
    """The clip of an IMAGE at `fps`, or of a VIDEO at its own rate; `audio` takes the place of its own sound.

    Raises RenderError if it is neither, or has no frames.
    """
    from ..real3d_core.video.encoder import frame_rate

    if isinstance(images, Tensor):
        return _clip_of_pictures(images, frame_rate(fps), audio)
    if isinstance(images, host.InputImpl.VideoFromComponents):  # has no file, all its frames are in memory
        parts = images.get_components()
        return _clip_of_pictures(parts.images, parts.frame_rate, audio or audio_from(parts.audio))
    if isinstance(images, host.Input.Video):
        return _clip_of_file(images, audio)
    raise RenderError(f"Images or a video are needed, not {type(images).__name__}; connect one of them.")


def _clip_of_pictures(images: Tensor, fps: Fraction, audio: Audio | None) -> Clip:
    if images.shape[0] == 0:
        raise RenderError("There are no frames to save; check the node that the images come from.")
    frames = pictures(images)
    return Clip(frames, len(frames), fps, frames.shape[2], frames.shape[1], audio)


def _clip_of_file(video: Any, audio: Audio | None) -> Clip:
    from ..real3d_core.video.decoder import read_video

    opened = read_video(_file_of(video))
    # Servers before trimmed videos give a file that is meant whole.
    window = getattr(video, "get_active_trim_window", lambda: (0.0, 0.0))
    start, duration = window()
    first = round(start * opened.fps)
    count = max(1, round((duration or opened.seconds - start) * opened.fps))
    if audio is None and (sound := opened.audio()) is not None:
        audio = Audio(sound.waveform[:, round(start * sound.sample_rate) :], sound.sample_rate)
    frames = opened.frames(first, first + count if duration else None)
    return Clip(frames, count, opened.fps, opened.width, opened.height, audio)


def _file_of(video: Any) -> Path:
    source = video.get_stream_source()
    if isinstance(source, str):
        return Path(source)
    path = temp_file("video", ".mp4")  # a video in memory, as nodes of online services give it
    path.write_bytes(source.read())
    weakref.finalize(video, path.unlink, missing_ok=True)
    return path
