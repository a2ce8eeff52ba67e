"""The mp4 file while it is being written: one H.264 track, and an AAC track kept in step with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OutputError
from ..wires import Audio

if TYPE_CHECKING:
    from av.audio import AudioStream
    from av.container import OutputContainer
    from av.video import VideoStream

AAC_RATES = (44_100, 48_000)  # everything else is resampled to 48 kHz, which every player takes
AAC_BITS = {"mono": 128_000, "stereo": 192_000}
LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")  # ffmpeg's names of 1 to 8 channels
BT709, SRGB_TRANSFER, LIMITED_RANGE = 1, 13, 1  # code points of ITU-T H.273; the last is ffmpeg's


@dataclass(frozen=True)
class VideoSettings:
    """fps exact; size (width, height) of the pictures; crf and preset as x264 takes them."""

    fps: Fraction
    size: tuple[int, int]
    crf: float
    preset: str


class Mp4Writer:
    """Encodes picture by picture, and the sound up to the end of each picture.

    Every method raises OutputError if the file cannot be written. The file is whole after `finish`;
    `close` without it leaves a fragment.
    """

    def __init__(
        self, path: Path, shown: Path, settings: VideoSettings, audio: Audio | None, tags: Mapping[str, Any]
    ) -> None:
        """Opens `path`; messages name `shown`, the file that the user asked for."""
        import av
        from av.video.reformatter import VideoReformatter

        self._shown = shown
        self._fps = settings.fps
        self._size = settings.size
        self._count = 0
        self._reformatter = VideoReformatter()  # one for all frames: each new one costs a scaler's set-up
        with output_errors(shown):
            # faststart moves the index to the front, so that browsers can play before they have it all.
            options = {"movflags": "use_metadata_tags+faststart"}
            self._file: OutputContainer = av.open(os.fspath(path), "w", format="mp4", options=options)
        try:
            with output_errors(shown):
                for key, value in tags.items():
                    self._file.metadata[key] = value if isinstance(value, str) else json.dumps(value)
                self._video = _video_track(self._file, settings)
                self._audio = None if audio is None else _AudioTrack(self._file, audio)
        except BaseException:
            self.close()
            raise

    def write(self, picture: np.ndarray) -> None:
        """Adds one [h, w, 3] uint8 picture of the size in the settings."""
        import av

        width, height = self._size
        if width % 2 or height % 2:  # 4:2:0 has one colour sample for 2x2 pixels
            picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(picture, format="rgb24"), format="yuv420p", dst_colorspace="ITU709"
        )
        frame.pts, frame.time_base = self._count, 1 / self._fps
        self._count += 1
        with output_errors(self._shown):
            self._file.mux(self._video.encode(frame))
            if self._audio is not None:
                self._audio.encode_until(self._count / self._fps)

    def finish(self) -> None:
        """Writes what the encoders still hold, and the index of the file."""
        with output_errors(self._shown):
            self._file.mux(self._video.encode(None))
            if self._audio is not None:
                self._audio.flush()
            self._file.close()

    def close(self) -> None:
        """Lets go of the file, whatever state it is in."""
        with suppress(Exception):
            self._file.close()


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turns the system's and ffmpeg's errors into an OutputError that names `path`."""
    import av

    try:
        yield
    except (OSError, av.error.FFmpegError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"The video {path} cannot be written ({reason}); check that the folder exists, is writable and"
            " has free space, and that no other program holds the file."
        ) from error


def _video_track(file: OutputContainer, settings: VideoSettings) -> VideoStream:
    options = {"crf": f"{settings.crf:g}", "preset": settings.preset}
    track = file.add_stream("libx264", rate=settings.fps, options=options)
    width, height = settings.size
    track.width, track.height = width + width % 2, height + height % 2
    track.pix_fmt = "yuv420p"
    codec = track.codec_context
    codec.color_primaries = codec.colorspace = BT709
    codec.color_trc, codec.color_range = SRGB_TRANSFER, LIMITED_RANGE
    return track


class _AudioTrack:
    """Sound handed to the encoder in step with the pictures."""

    def __init__(self, file: OutputContainer, audio: Audio) -> None:
        channels = audio.waveform.shape[0]
        layout = LAYOUTS[min(channels, 2) - 1]
        rate = audio.sample_rate if audio.sample_rate in AAC_RATES else AAC_RATES[-1]
        self._file = file
        self._sound = audio
        self._layout = LAYOUTS[channels - 1]
        self._done = 0
        self._track: AudioStream = file.add_stream("aac", rate=rate, layout=layout)
        self._track.bit_rate = AAC_BITS[layout]

    def encode_until(self, seconds: Fraction) -> None:
        """Encodes the samples up to a time; silence where the sound has ended."""
        import av

        rate, stop = self._sound.sample_rate, round(seconds * self._sound.sample_rate)
        samples = self._sound.waveform[:, self._done : stop].detach().float().clamp(-1, 1).cpu().numpy()
        samples = np.pad(samples, ((0, 0), (0, stop - self._done - samples.shape[1])))
        if samples.shape[1] == 0:
            return
        # Interleaved, because PyAV's planar frames end at seven channels.
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, self._done, Fraction(1, rate)
        self._done = stop
        self._file.mux(self._track.encode(frame))

    def flush(self) -> None:
        self._file.mux(self._track.encode(None))
