"""One view of what Video Combine takes: IMAGE or VIDEO as frames, rate and sound, never all in memory."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..real3d_core.errors import RenderError
from ..real3d_core.wires import Audio
from . import host
from .lazy_video import LazyVideo
from .paths import temp_file
from .values import audio_from, check_image, pictures

if TYPE_CHECKING:
    from ..real3d_core.video.decoder import VideoClip

VIDEO, AUDIO, SHORTEST, LONGEST = LENGTHS = ("video", "audio", "shortest", "longest")


@dataclass(frozen=True)
class Clip:
    """Frames of one size, and their sound.

    frames          [h, w, 3] float 0..1 or uint8, one at a time; [h, w, 4] with straight alpha.
    count           how many there are, for the progress bar (a file may be wrong about itself).
    fps             frames per second.
    width, height   in pixels.
    audio           None without sound.
    alpha           [T, H, W] 0..1 of any size, 1 opaque; one for each frame, the last holds. None: opaque,
                    or as the frames say.
    """

    frames: Iterable[Tensor | np.ndarray]
    count: int
    fps: Fraction
    width: int
    height: int
    audio: Audio | None
    alpha: Tensor | None = None


def clip_of(images: Any, fps: float, audio: Audio | None, mask: Tensor | None = None) -> Clip:
    """The clip of an IMAGE at `fps`, or of a VIDEO at its own rate.

    `audio` takes the place of its own sound, the MASK that of its own alpha; a video on demand given with
    the mask that stands for its alpha is rendered cut out, each frame with its own.

    Raises RenderError if it is neither, or has no frames.
    """
    if mask is None:
        return _clip_of(images, fps, audio)
    if isinstance(images, LazyVideo) and (frames := images.cut_out_frames(mask)) is not None:
        rate, sound, size = images.get_frame_rate(), audio or images.sound(), images.get_dimensions()
        return Clip(frames, images.get_frame_count(), rate, *size, sound)
    return replace(_clip_of(images, fps, audio), alpha=mask.reshape(-1, *mask.shape[-2:]))


def _clip_of(images: Any, fps: float, audio: Audio | None) -> Clip:
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
    check_image(images)
    alpha = images[..., 3].detach().float().cpu() if images.shape[3] == 4 else None
    frames = pictures(images)
    return Clip(frames, len(frames), fps, frames.shape[2], frames.shape[1], audio, alpha)


@dataclass(frozen=True)
class OpenedPart:
    """What is meant of a video file: frames first..first + count, to the file's end if not bounded."""

    video: Any
    opened: VideoClip
    first: int
    count: int
    bounded: bool
    start: float

    def from_number(self, number: int) -> Iterator[np.ndarray]:
        """[h, w, 3] uint8 pictures from a frame of the part on."""
        end = self.first + self.count if self.bounded else None
        return self.opened.frames(self.first + number, end) if number < self.count or not end else iter(())

    def sound(self) -> Audio | None:
        """The sound of the part, from its start on."""
        if isinstance(self.video, LazyVideo):
            return self.video.sound()  # as it was before the file was encoded
        if (sound := self.opened.audio()) is None:
            return None
        return Audio(sound.waveform[:, round(self.start * sound.sample_rate) :], sound.sample_rate)


def opened_part(video: Any) -> OpenedPart:
    """Opens what a VIDEO has as a file."""
    from ..real3d_core.video.decoder import read_video

    opened = read_video(_file_of(video))
    # Servers before trimmed videos give a file that is meant whole.
    window = getattr(video, "get_active_trim_window", lambda: (0.0, 0.0))
    start, duration = window()
    first = round(start * opened.fps)
    count = max(1, round((duration or opened.seconds - start) * opened.fps))
    return OpenedPart(video, opened, first, count, bool(duration), start)


def _clip_of_file(video: Any, audio: Audio | None) -> Clip:
    part = opened_part(video)
    opened, sound = part.opened, part.sound() if audio is None else audio
    return Clip(part.from_number(0), part.count, opened.fps, opened.width, opened.height, sound)


def _file_of(video: Any) -> Path:
    source = video.get_stream_source()
    if isinstance(source, str):
        return Path(source)
    path = temp_file("video", ".mp4")  # a video in memory, as nodes of online services give it
    path.write_bytes(source.read())
    weakref.finalize(video, path.unlink, missing_ok=True)
    return path


def with_length(clip: Clip, length: str) -> Clip:
    """The clip as long as its "video", its "audio", or the "shortest" or "longest" of both.

    Frames are cut off, or the last one held; the sound ends with the frames anyway.
    """
    fewest, most = frame_limits(clip.audio, clip.fps, length)
    if not fewest and most is None:
        return clip
    count = max(fewest, clip.count if most is None else min(clip.count, most))
    return replace(clip, frames=_held(clip.frames, fewest, most), count=count)


def frame_limits(audio: Audio | None, fps: Fraction, length: str) -> tuple[int, int | None]:
    """The fewest and the most frames (None: any number) that a sound lets a clip have.

    A sound is as long as the whole number of frames next to it, at least one; no or an empty sound limits
    nothing.
    """
    if audio is None or audio.waveform.shape[1] == 0 or length == VIDEO:
        return 0, None
    frames = max(1, round(Fraction(audio.waveform.shape[1], audio.sample_rate) * fps))
    return frames if length != SHORTEST else 0, frames if length != LONGEST else None


def _held(frames: Iterable[Tensor | np.ndarray], fewest: int, most: int | None) -> Iterator[Any]:
    count, last = 0, None
    for last in islice(frames, most):
        count += 1
        yield last
    while last is not None and count < fewest:
        count += 1
        yield last


def transparent(frames: Iterable[Tensor | np.ndarray], alpha: Tensor) -> Iterator[np.ndarray]:
    """[h, w, 4] uint8 frames with the alpha [T, H, W] of a clip, scaled to their size."""
    from ..real3d_core.video.encoder import picture_array

    row, matte = -1, None
    for index, frame in enumerate(frames):
        picture = picture_array(frame)
        if row != min(index, len(alpha) - 1):
            row = min(index, len(alpha) - 1)
            matte = _matte(alpha[row], *picture.shape[:2])
        yield np.dstack([picture, matte])


def _matte(alpha: Tensor, height: int, width: int) -> np.ndarray:
    """[height, width] uint8 of one [H, W] float 0..1; NaN counts as transparent."""
    one = torch.nan_to_num(alpha.detach().float().cpu()).clamp(0, 1)[None, None]
    if one.shape[2:] != (height, width):
        one = torch.nn.functional.interpolate(one, (height, width), mode="bilinear", antialias=True)
    return one[0, 0].mul(255).round().byte().numpy()
