"""Reads video and sound files of any kind that ffmpeg knows, streaming the pictures.

Convention
    Time 0 is the first picture of a video (the first sample of a sound file). Pictures come at a constant
    rate: frame i of a file with a varying rate is the picture shown at i / fps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..errors import AudioError, ImageError, Real3DError, RenderError
from ..wires import Audio

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.stream import Stream

BT709, UNSPECIFIED = 1, 2  # matrix code points of ITU-T H.273
FULL_RANGE = 2  # ffmpeg's code for luma of 0 to 255 instead of 16 to 235
HD_HEIGHT = 720  # untagged pictures of this height or more are BT.709 by custom, smaller ones BT.601
FALLBACK_FPS = Fraction(25)  # for files that name no rate (still pictures, some animations)


@dataclass(frozen=True)
class VideoClip:
    """A video file that can be read frame by frame, as often as wanted.

    path        the file.
    width       of the pictures as shown, in pixels (a phone's rotation is applied).
    height      likewise.
    fps         average rate of the file.
    seconds     length of the picture track as the file states it; 0 where it does not.
    has_audio   whether there is a sound track.
    """

    path: Path
    width: int
    height: int
    fps: Fraction
    seconds: float
    has_audio: bool

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """Yields [h, w, 3] uint8 sRGB pictures start..stop (to the end with None); ImageError if damaged."""
        if start < 0 or (stop is not None and stop < start):
            raise RenderError(f"Frames {start} to {stop} were asked for; choose a range from 0 upwards.")
        with _opened(self.path, ImageError) as file:
            for index, frame in enumerate(_constant_rate(file, self.fps)):
                if stop is not None and index >= stop:
                    return
                if index >= start:
                    yield _shown(frame)

    def audio(self) -> Audio | None:
        """The sound from the time of the first picture on; None without a sound track."""
        return read_audio(self.path) if self.has_audio else None


def read_video(path: str | os.PathLike[str]) -> VideoClip:
    """Opens a video and reads what it says about itself; ImageError if there is no readable picture."""
    path = Path(path)
    with _opened(path, ImageError) as file:
        if not file.streams.video:
            raise ImageError(f"{path} has no pictures; give a video file.")
        track = file.streams.video[0]
        first = next(_decoded(file, track), None)
        if first is None:
            raise ImageError(f"{path} has no readable picture; export it again, for example as mp4.")
        height, width = _shown(first).shape[:2]
        fps = track.average_rate or track.guessed_rate or FALLBACK_FPS
        length = (
            track.duration * track.time_base if track.duration else Fraction(file.duration or 0, 1_000_000)
        )
        return VideoClip(path, width, height, Fraction(fps), float(length), bool(file.streams.audio))


def read_audio(path: str | os.PathLike[str]) -> Audio:
    """The first sound track of a sound or video file, at its own rate and channels.

    Sample 0 is at time 0 of the pictures where there are any. Raises AudioError if the file is missing or
    damaged or holds no sound.
    """
    path = Path(path)
    with _opened(path, AudioError) as file:
        if not file.streams.audio:
            raise AudioError(f"{path} has no sound; give a sound file or a video with a sound track.")
        sound, start = _whole_track(file)
        if sound is None:
            raise AudioError(f"{path} holds no readable samples; record or export it again.")
        if file.streams.video:
            sound = _from_first_picture(sound, start - _start(file.streams.video[0]))
        if sound.waveform.shape[1] == 0:
            raise AudioError(f"The sound of {path} ends before its first picture; export it again.")
        return sound


@contextmanager
def _opened(path: Path, kind: type[Real3DError]) -> Iterator[InputContainer]:
    """The opened file; trouble with the file becomes an error of this kind."""
    import av

    if not os.path.isfile(path):  # Path.is_file raises for a name that is too long
        raise kind(f"There is no file {path}; check the name.")
    try:
        with av.open(os.fspath(path), metadata_errors="replace") as file:
            yield file
    except av.error.FFmpegError as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise kind(f"{path} cannot be read ({reason}); it may be damaged or of an unknown kind.") from error


def _decoded(file: InputContainer, track: Stream) -> Iterator[Any]:
    """The frames of a track; a damaged packet is left out, as players do."""
    import av

    for packet in file.demux(track):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from frames


def _whole_track(file: InputContainer) -> tuple[Audio | None, float]:
    """All samples of the first sound track, and the time of the first of them; None if there are none."""
    import av

    blocks: list[np.ndarray] = []
    first, resampler = None, None
    for frame in _decoded(file, file.streams.audio[0]):
        if first is None:
            first = frame
            # One format, layout and rate even if the file changes them half-way.
            resampler = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate)
        blocks += [
            out.to_ndarray().reshape(-1, first.layout.nb_channels) for out in resampler.resample(frame)
        ]
    if first is None:
        return None, 0.0
    blocks += [out.to_ndarray().reshape(-1, first.layout.nb_channels) for out in resampler.resample(None)]
    waveform = torch.from_numpy(np.ascontiguousarray(np.concatenate(blocks).T))
    return Audio(waveform, first.sample_rate), first.time or 0.0


def _start(track: Stream) -> float:
    return float((track.start_time or 0) * track.time_base)


def _from_first_picture(sound: Audio, late: float) -> Audio:
    """The sound with `late` seconds of silence before it, or with so much cut off where that is negative."""
    shift = round(late * sound.sample_rate)
    waveform = (
        sound.waveform[:, -shift:] if shift < 0 else torch.nn.functional.pad(sound.waveform, (shift, 0))
    )
    return Audio(waveform, sound.sample_rate)


def _constant_rate(file: InputContainer, fps: Fraction) -> Iterator[VideoFrame]:
    """The picture that is shown at each i / fps, for i = 0, 1, ..."""
    track, start, due = file.streams.video[0], None, 0
    shown: VideoFrame | None = None
    for frame in _decoded(file, track):
        if frame.time is None:  # raw streams carry no times
            yield frame
            continue
        start = frame.time if start is None else start
        number = round((frame.time - start) * fps)  # rounded: a steady file gives 0, 1, 2, ... exactly
        while shown is not None and due < number:
            yield shown
            due += 1
        shown = frame
    if shown is not None:
        yield shown


def _shown(frame: VideoFrame) -> np.ndarray:
    """[h, w, 3] uint8 as a player shows it: right matrix and range, rotated as the file says."""
    quarter_turns = round(getattr(frame, "rotation", 0) / 90)  # counter-clockwise; absent in old PyAV
    return np.ascontiguousarray(np.rot90(_rgb(frame), quarter_turns))


def _rgb(frame: VideoFrame) -> np.ndarray:
    if frame.format.is_rgb or frame.format.name.startswith(("gray", "pal", "mono")):
        return frame.to_ndarray(format="rgb24")
    matrix = frame.colorspace
    if matrix == UNSPECIFIED and frame.height >= HD_HEIGHT:
        matrix = BT709
    full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    # Both ranges are named, because older PyAV ignores the matrix where they are not.
    return frame.to_ndarray(
        format="rgb24",
        src_colorspace=matrix,
        src_color_range="JPEG" if full else "MPEG",
        dst_color_range="JPEG",
    )
