"""A VIDEO that is rendered when somebody wants it, once.

The first consumer renders the clip frame by frame into a near-lossless master file in temp/; all consumers
are served from that file by the host's own video class, which knows every container, codec and keyword.
Memory does not grow with the clip, and a second consumer renders nothing. The master goes with the object.

See docs/model.md, "Frames on demand".
"""

from __future__ import annotations

import math
import os
import re
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from torch import Tensor

from ..real3d_core.errors import OutputError, Real3DError, RenderError
from ..real3d_core.part_files import SETTLED, hold, release, sweep, whole_file
from ..real3d_core.streaming import frames_to_tensor, iterate_frames
from ..real3d_core.wires import Audio, FrameSource
from . import host
from .paths import temp_file
from .values import audio_value
from .watch import FrameListener

MASTER_CRF = 17  # of H.264; no difference to the rendered frames can be seen
MASTER = re.compile(r"real3d_master_[0-9a-f]{16}\.mp4")


@dataclass(frozen=True)
class CutOut:
    """The frames of a video once more, transparent where nobody is.

    source      frames [n, h, w, 4] with straight alpha.
    mask        the MASK that stands for the alpha of all frames in a graph: who is given the video and this
                very tensor means each frame's own alpha. (A mask for each frame would need memory for each.)
    """

    source: FrameSource
    mask: Tensor


class LazyVideo(host.Input.Video):
    """Frames start..start + count of a source, with the part of `audio` that belongs to them.

    `title` names the node in error messages, because it is another node that makes this one work; `stereo` is
    how two eyes' pictures lie in a frame (encoder.encode), "" for one.
    """

    def __init__(
        self,
        source: FrameSource,
        audio: Audio | None,
        title: str,
        start: int = 0,
        count: int | None = None,
        cut_out: CutOut | None = None,
        stereo: str = "",
    ) -> None:
        self._source, self._audio, self._title, self._cut_out = source, audio, title, cut_out
        self.stereo = stereo
        self._start, self._count = start, len(source) - start if count is None else count
        self._master: str | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Never raises: loggers and error reports print half-built objects too."""
        title = getattr(self, "_title", type(self).__name__)
        try:
            width, height = self.get_dimensions()
            return f"<{title}: {self._count} frames of {width}x{height} at {self.get_frame_rate()} a second>"
        except Exception:
            return f"<{title}: not ready>"

    def get_dimensions(self) -> tuple[int, int]:
        return self._source.width, self._source.height

    def get_frame_count(self) -> int:
        return self._count

    def get_frame_rate(self) -> Fraction:
        from ..real3d_core.video.encoder import frame_rate

        return frame_rate(self._source.fps)

    def get_duration(self) -> float:
        return float(self._count / self.get_frame_rate())

    def get_container_format(self) -> str:
        return "mp4"

    def get_color_space(self) -> str:
        return "sRGB"

    def as_trimmed(
        self, start_time: float | None = None, duration: float | None = None, strict_duration: bool = False
    ) -> LazyVideo | None:
        """Only the frames of the part are ever rendered; a negative start counts from the end.

        Raises RenderError for times that are no numbers of seconds.
        """
        if not (math.isfinite(start_time or 0.0) and math.isfinite(duration or 0.0)):
            raise RenderError(
                f"{self._title}: a part from {start_time or 0.0} s on, {duration or 0.0} s long, was asked"
                " for; give numbers of seconds."
            )
        fps, total, start = self.get_frame_rate(), self.get_duration(), start_time or 0.0
        start = max(0.0, total + start) if start < 0 else start
        if strict_duration and duration and start + duration > total + 1e-6:
            return None
        first = round(start * fps)
        rest = self._count - first
        count = min(rest, round(duration * fps)) if duration else rest
        return (
            LazyVideo(
                self._source, self._audio, self._title, self._start + first, count, self._cut_out, self.stereo
            )
            if count > 0
            else None
        )

    def get_components(self) -> Any:
        with self._naming_errors():
            images = frames_to_tensor(
                self._source,
                self._start,
                self._start + self._count,
                check=host.check,
                on_frame=FrameListener(self._count),
            )
        return host.Types.VideoComponents(
            images=images, audio=audio_value(self.sound()), frame_rate=self.get_frame_rate()
        )

    def get_stream_source(self) -> str:
        with self._lock:
            if self._master is None or not os.path.exists(self._master):
                sweep(host.folder("temp"), MASTER, unchanged_for=SETTLED)
                path = os.fspath(temp_file("real3d_master", ".mp4"))
                self._render(path)
                self._master = path
                weakref.finalize(self, _drop, path, hold(path))
            return self._master

    def save_to(
        self,
        path: Any,
        format: Any = "auto",
        codec: Any = "auto",
        metadata: dict[str, Any] | None = None,
        **keywords: Any,
    ) -> None:
        """As the host's own videos do; a file appears under its name only when it is whole."""
        from ..real3d_core.video.container_writer import output_errors
        from ..real3d_core.video.stereo_box import add_stereo_box

        try:
            kind = {"format": host.Types.VideoContainer(format), "codec": host.Types.VideoCodec(codec)}
        except ValueError as error:
            raise OutputError(
                f"{self._title}: a video cannot be saved as {str(format)!r} with {str(codec)!r}; choose mp4"
                " and h264, or auto."
            ) from error
        master = host.InputImpl.VideoFromFile(self.get_stream_source())
        given = {name: value for name, value in keywords.items() if value is not None}
        if not isinstance(path, (str, os.PathLike)):
            master.save_to(path, **kind, metadata=metadata, **given)
            return
        with whole_file(Path(path)) as part, output_errors(Path(path)):
            master.save_to(os.fspath(part), **kind, metadata=metadata, **given)
            if self.stereo:
                add_stereo_box(part, self.stereo)  # which servers do not carry over

    def frame(self, index: int) -> Tensor:
        """[h, w, 3] one frame, rendered and not kept; may be asked from several threads."""
        with self._naming_errors():
            number = self._start + index
            return self._source.frames(number, number + 1)[0]

    def cut_out_frames(self, mask: Tensor) -> Iterator[Tensor] | None:
        """[h, w, 4] pictures with straight alpha, rendered as they are asked for and not kept.

        None unless `mask` is the one that stands for the alpha of all frames (`CutOut`).
        """
        own = self._cut_out
        if own is None or (mask.shape, mask.data_ptr()) != (own.mask.shape, own.mask.data_ptr()):
            return None

        def named() -> Iterator[Tensor]:
            with self._naming_errors():
                yield from self._rendered(own.source)

        return named()

    def _rendered(self, source: FrameSource) -> Iterator[Tensor]:
        chunks = iterate_frames(source, self._start, self._start + self._count, check=host.check)
        return (frame for chunk in chunks for frame in chunk)

    def _frames(self) -> Iterator[Tensor]:
        return FrameListener(self._count).passing(self._rendered(self._source))

    def _render(self, path: str) -> None:
        from ..real3d_core.video.encoder import encode_mp4

        with self._naming_errors():
            encode_mp4(
                path,
                self._frames(),
                self.get_frame_rate(),
                self.sound(),
                crf=MASTER_CRF,
                stereo=self.stereo,
                check=host.check,
            )

    def sound(self) -> Audio | None:
        """The part of the sound that belongs to the frames, as it was given; None without sound."""
        if self._audio is None:
            return None
        rate, fps = self._audio.sample_rate, self.get_frame_rate()
        first, last = (round(frame * rate / fps) for frame in (self._start, self._start + self._count))
        return Audio(self._audio.waveform[:, first:last], rate)

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except Real3DError as error:
            raise type(error)(f"{self._title}: {error}") from error


def _drop(path: str, held: int | None) -> None:
    release(held)
    with suppress(OSError):
        os.remove(path)
