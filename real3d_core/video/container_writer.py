"""A video file while it is being written: one picture track, and a sound track kept in step with it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OutputError
from ..wires import Audio
from .format_files import TRANSFERS, Format, SoundCodec
from .stereo_box import CONTAINERS, add_stereo_box

if TYPE_CHECKING:
    from av import Packet
    from av.audio import AudioStream
    from av.container import OutputContainer
    from av.video import VideoStream

LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")  # ffmpeg's names of 1 to 8 channels
BT709, LIMITED_RANGE = 1, 1  # code points of ITU-T H.273; the last is ffmpeg's


@dataclass(frozen=True)
class Job:
    """What a writer is to write.

    shown       the file that the user asked for, for messages; the writer's own is a temporary one.
    kind        the format.
    quality     0 to 100.
    fps         exact.
    size        (width, height) of the pictures.
    alpha       whether the pictures are [h, w, 4] instead of [h, w, 3].
    audio       None without sound; a format without sound leaves it out.
    tags        of the file: "prompt", "workflow" and the like, as texts.
    stereo      how two eyes' pictures lie in a frame (STEREO_LAYOUTS), "" if there is one; told to players
                where the format can.
    check       to be called for each frame of a pass over all of them; may raise to cancel.
    """

    shown: Path
    kind: Format
    quality: float
    fps: Fraction
    size: tuple[int, int]
    alpha: bool
    audio: Audio | None
    tags: Mapping[str, str]
    check: Callable[[], None]
    stereo: str = ""

    def pixels(self) -> str:
        """The pixel format of the file."""
        alpha = self.kind.alpha if self.alpha else None
        return self.kind.video.pixels if alpha is None else alpha.pixels


def tag_texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Metadata as ComfyUI writes it: all but a str becomes JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}


class ContainerWriter:
    """Encodes picture by picture, and the sound up to the end of each picture.

    Every method raises OutputError if the file cannot be written. The file is whole after `finish`;
    `close` without it leaves a fragment.
    """

    def __init__(self, path: Path, job: Job) -> None:
        from av.video.reformatter import VideoReformatter

        self._job, self._path = job, path
        self._count = 0
        self._reformatter = VideoReformatter()  # one for all frames: each new one costs a scaler's set-up
        kind = job.kind
        self._file = opened(path, kind.container, job.shown, kind.container_options)
        try:
            with output_errors(job.shown):
                for key, value in job.tags.items():
                    self._file.metadata[key] = value
                self._padding, self._is_rgb = _padding(job.pixels(), job.size)
                self._video = _video_track(self._file, job, self._padding, self._is_rgb)
                sound = None if kind.sound is None or job.audio is None else kind.sound
                self._audio = None if sound is None else SoundTrack(self._file, job.audio, sound)
            _open_encoder(self._video, kind)
        except BaseException:
            self.close()
            raise

    def write(self, picture: np.ndarray) -> None:
        """Adds one [h, w, 3 or 4] uint8 picture, as the job says."""
        import av

        right, below = self._padding
        if right or below:
            picture = np.pad(picture, ((0, below), (0, right), (0, 0)), mode="edge")
        source = av.VideoFrame.from_ndarray(picture, format="rgba" if self._job.alpha else "rgb24")
        matrix = {} if self._is_rgb else {"dst_colorspace": "ITU709"}
        frame = self._reformatter.reformat(source, format=self._job.pixels(), **matrix)
        frame.pts, frame.time_base = self._count, 1 / self._job.fps
        self._count += 1
        with output_errors(self._job.shown):
            self._file.mux(self._video.encode(frame))
            if self._audio is not None:
                self._audio.encode_until(self._count / self._job.fps)

    def finish(self) -> None:
        """Writes what the encoders still hold, and the index of the file."""
        with output_errors(self._job.shown):
            self._file.mux(self._video.encode(None))
            if self._audio is not None:
                self._audio.flush()
            self._file.close()
            if self._job.stereo and self._job.kind.container in CONTAINERS:
                add_stereo_box(self._path, self._job.stereo)

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


def opened(
    path: Path, container: str, shown: Path, options: Mapping[str, Any] | None = None
) -> OutputContainer:
    """A new file of a kind that ffmpeg knows."""
    import av

    texts = {name: str(value) for name, value in (options or {}).items()}
    with output_errors(shown), _known(f"the file kind {container}"):
        return av.open(os.fspath(path), "w", format=container, options=texts)


@contextmanager
def _known(what: str) -> Iterator[None]:
    """Says what this computer's ffmpeg lacks."""
    import av

    try:
        yield
    except ValueError as error:  # PyAV's for unknown names; some of ffmpeg's own are ValueErrors too
        if isinstance(error, av.error.FFmpegError):
            raise
        raise OutputError(
            f"The ffmpeg inside this PyAV does not know {what} ({error}); choose another format or update av."
        ) from error


def _padding(pixels: str, size: tuple[int, int]) -> tuple[tuple[int, int], bool]:
    """Columns and rows that a picture lacks to whole colour samples; and whether pixels are RGB."""
    import av

    with _known(f"the pixel format {pixels}"):
        kind = av.VideoFormat(pixels, *size)
    across, down = 2 if kind.chroma_width(8) == 4 else 1, 2 if kind.chroma_height(8) == 4 else 1
    return (-size[0] % across, -size[1] % down), kind.is_rgb


def _video_track(file: OutputContainer, job: Job, padding: tuple[int, int], is_rgb: bool) -> VideoStream:
    kind, alpha = job.kind, job.kind.alpha if job.alpha else None
    options = kind.options(job.quality) | ({} if alpha is None else alpha.options)
    mark = kind.stereo if job.stereo else None
    if mark is not None and mark.option:
        # x264 takes all its own parameters in one option.
        given = [str(options[mark.option])] if mark.option in options else []
        options = options | {mark.option: ":".join([*given, mark.value(job.stereo)])}
    texts = {
        name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in options.items()
    }
    with _known(f"the encoder {kind.video.codec}"):
        track = file.add_stream(kind.video.codec, rate=job.fps, options=texts)
    track.width, track.height = (length + more for length, more in zip(job.size, padding, strict=True))
    track.pix_fmt = job.pixels()
    for name, value in ({} if alpha is None else alpha.tags).items():
        track.metadata[name] = str(value)
    if mark is not None and mark.tag:
        track.metadata[mark.tag] = mark.value(job.stereo)
    if not is_rgb:
        codec = track.codec_context
        codec.color_primaries = codec.colorspace = BT709
        codec.color_trc, codec.color_range = TRANSFERS[kind.video.transfer], LIMITED_RANGE
    return track


def _open_encoder(track: VideoStream, kind: Format) -> None:
    import av

    try:
        track.codec_context.open(strict=False)
    except av.error.FFmpegError as error:
        raise OutputError(
            f"The encoder {kind.video.codec} refuses the settings of the format {kind.name}"
            f" ({error.strerror}); choose another format, or correct its file."
        ) from error


class SoundTrack:
    """Sound handed to the encoder in step with the pictures."""

    def __init__(self, file: OutputContainer, audio: Audio, codec: SoundCodec) -> None:
        channels = audio.waveform.shape[0]
        kept = min(channels, 2)
        fits = not codec.rates or audio.sample_rate in codec.rates
        rate = audio.sample_rate if fits else codec.rates[-1]
        self._file = file
        self._sound = audio
        self._layout = LAYOUTS[channels - 1]
        self._done = 0
        with _known(f"the encoder {codec.codec}"):
            self._track: AudioStream = file.add_stream(codec.codec, rate=rate, layout=LAYOUTS[kept - 1])
        if codec.bits:
            self._track.bit_rate = codec.bits[kept - 1]

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
        self._mux(self._track.encode(frame))

    def flush(self) -> None:
        self._mux(self._track.encode(None))

    def _mux(self, packets: list[Packet]) -> None:
        self._file.mux(packets)
