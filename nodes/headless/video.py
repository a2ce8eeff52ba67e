"""VIDEO values without ComfyUI: the part of `Input.Video` and `InputImpl` that nodes and core nodes use.

Files are mp4 with H.264 only, which is what this pack writes; a server offers more through its own classes.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

MP4_OPTIONS = {"movflags": "use_metadata_tags+faststart"}  # our tags; an index that browsers find at once


class VideoContainer(str, Enum):
    AUTO = "auto"
    MP4 = "mp4"


class VideoCodec(str, Enum):
    AUTO = "auto"
    H264 = "h264"


@dataclass
class VideoComponents:
    """images [B, H, W, 3] 0..1, frame_rate exact, audio an AUDIO or None."""

    images: Tensor
    frame_rate: Fraction
    audio: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


class Video(ABC):
    """What travels as VIDEO."""

    @abstractmethod
    def get_components(self) -> VideoComponents:
        """All frames and the sound, in memory."""

    @abstractmethod
    def save_to(self, path: str, format="auto", codec="auto", metadata=None, **_: Any) -> None:
        """Writes an mp4 file."""

    @abstractmethod
    def as_trimmed(self, start_time=None, duration=None, strict_duration=False) -> Video | None:
        """A part of it, in seconds; duration 0 = to the end; None if there is no such part."""

    @abstractmethod
    def get_stream_source(self) -> str:
        """A file that holds it."""

    @abstractmethod
    def get_dimensions(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @abstractmethod
    def get_frame_count(self) -> int:
        """Number of frames."""

    @abstractmethod
    def get_frame_rate(self) -> Fraction:
        """Frames per second."""

    def get_duration(self) -> float:
        """Seconds."""
        return float(self.get_frame_count() / self.get_frame_rate())

    def get_container_format(self) -> str:
        return "mp4"

    def get_bit_depth(self) -> int:
        return 8

    def get_color_space(self) -> str:
        return "sRGB"

    def get_active_trim_window(self) -> tuple[float, float]:
        """(start, duration) in seconds of the part of the file that is meant; duration 0 = the rest."""
        return 0.0, 0.0


class VideoFromFile(Video):
    """A video file, or a part of one."""

    def __init__(
        self, file: str | os.PathLike[str], *, start_time: float = 0.0, duration: float = 0.0
    ) -> None:
        self._file, self._start, self._duration = Path(file), start_time, duration

    def __repr__(self) -> str:
        return f"VideoFromFile({os.fspath(self._file)!r})"

    @property
    def _clip(self):
        from ...real3d_core.video.decoder import read_video

        return read_video(self._file)

    def _window(self) -> tuple[int, int]:
        """First frame and the frame after the last."""
        clip = self._clip
        total = max(1, round(clip.seconds * clip.fps))
        first = min(round(self._start * clip.fps), total)
        return first, min(total, first + round(self._duration * clip.fps)) if self._duration else total

    def frames(self) -> Iterator[np.ndarray]:
        """[h, w, 3] uint8 pictures, one at a time."""
        return self._clip.frames(*self._window())

    def get_components(self) -> VideoComponents:
        frames = torch.from_numpy(np.stack(list(self.frames())))
        return VideoComponents(frames.float() / 255, self._clip.fps, self._audio())

    def _audio(self) -> dict[str, Any] | None:
        sound = self._clip.audio()
        if sound is None:
            return None
        first, last = (round(frame * sound.sample_rate / self._clip.fps) for frame in self._window())
        return {"waveform": sound.waveform[None, :, first:last], "sample_rate": sound.sample_rate}

    def save_to(self, path: str, format="auto", codec="auto", metadata=None, crf=None, **_: Any) -> None:
        check_kind(format, codec)
        if crf is None and not self._start and not self._duration:
            copy_streams(self._file, Path(path), metadata or {})
        else:
            encode(path, self.frames(), self._clip.fps, self._audio(), metadata, crf)

    def as_trimmed(self, start_time=None, duration=None, strict_duration=False) -> Video | None:
        total, start = self.get_duration(), start_time or 0.0
        start = max(0.0, total + start) if start < 0 else start
        if start >= total or (strict_duration and duration and start + duration > total + 1e-6):
            return None
        rest = total - start if self._duration else 0.0
        return VideoFromFile(self._file, start_time=self._start + start, duration=duration or rest)

    def get_stream_source(self) -> str:
        return os.fspath(self._file)

    def get_active_trim_window(self) -> tuple[float, float]:
        return self._start, self._duration

    def get_dimensions(self) -> tuple[int, int]:
        return self._clip.width, self._clip.height

    def get_frame_count(self) -> int:
        first, last = self._window()
        return last - first

    def get_frame_rate(self) -> Fraction:
        return self._clip.fps


class VideoFromComponents(Video):
    """Frames and sound in memory."""

    def __init__(self, components: VideoComponents) -> None:
        self._parts = components
        self._file: str | None = None

    def get_components(self) -> VideoComponents:
        return self._parts

    def save_to(self, path: str, format="auto", codec="auto", metadata=None, crf=None, **_: Any) -> None:
        check_kind(format, codec)
        parts = self._parts
        encode(path, parts.images, parts.frame_rate, parts.audio, metadata, crf)

    def as_trimmed(self, start_time=None, duration=None, strict_duration=False) -> Video | None:
        parts, total, start = self._parts, self.get_duration(), start_time or 0.0
        start = max(0.0, total + start) if start < 0 else start
        if start >= total or (strict_duration and duration and start + duration > total + 1e-6):
            return None
        first = round(start * parts.frame_rate)
        last = first + round(duration * parts.frame_rate) if duration else None
        audio = parts.audio
        if audio is not None:
            rate = audio["sample_rate"]
            end = None if last is None else round(last * rate / parts.frame_rate)
            audio = audio | {"waveform": audio["waveform"][..., round(first * rate / parts.frame_rate) : end]}
        return VideoFromComponents(VideoComponents(parts.images[first:last], parts.frame_rate, audio))

    def get_stream_source(self) -> str:
        from ..paths import temp_file

        if self._file is None:
            self._file = os.fspath(temp_file("video", ".mp4"))
            self.save_to(self._file)
        return self._file

    def get_dimensions(self) -> tuple[int, int]:
        return self._parts.images.shape[2], self._parts.images.shape[1]

    def get_frame_count(self) -> int:
        return self._parts.images.shape[0]

    def get_frame_rate(self) -> Fraction:
        return self._parts.frame_rate


def check_kind(format: str, codec: str) -> None:
    """Raises OutputError for any file but mp4 with H.264."""
    from ...real3d_core.errors import OutputError

    if getattr(format, "value", format) not in ("auto", "mp4") or getattr(codec, "value", codec) not in (
        "auto",
        "h264",
    ):
        raise OutputError(
            f"Without ComfyUI videos are saved as mp4 with H.264 only, not {format} with {codec}."
        )


def encode(path, frames, fps, audio, metadata, crf) -> None:
    """Writes frames and an AUDIO as mp4."""
    from ...real3d_core.video.encoder import CRF, encode_mp4
    from ..values import audio_from

    encode_mp4(path, frames, fps, audio_from(audio), crf=CRF if crf is None else crf, metadata=metadata)


def copy_streams(source: Path, target: Path, metadata: Mapping[str, Any]) -> None:
    """Copies the packets of an mp4 file as they are, with new tags."""
    import av

    from ...real3d_core.part_files import whole_file
    from ...real3d_core.video.container_writer import output_errors

    with (
        whole_file(target) as part,
        output_errors(target),
        av.open(os.fspath(source)) as old,
        av.open(os.fspath(part), "w", format="mp4", options=MP4_OPTIONS) as new,
    ):
        for name, value in metadata.items():
            new.metadata[name] = value if isinstance(value, str) else json.dumps(value)
        tracks = {
            track.index: new.add_stream_from_template(track, opaque=True)  # no encoder: old PyAV takes one
            for track in (*old.streams.video, *old.streams.audio)
        }
        for packet in old.demux():
            if packet.dts is not None and packet.stream.index in tracks:
                packet.stream = tracks[packet.stream.index]
                new.mux(packet)
