"""Streams pictures and sound into a file, or a folder of pictures, of any kind in `formats/`.

Convention
    Frame i is shown from i / fps on; sample 0 of the sound is heard at time 0.
    Pictures are sRGB; alpha is straight (colours are not multiplied by it). YCbCr files are tagged BT.709
    primaries and matrix, limited range, and the conversion uses the same BT.709 matrix, so that players show
    the colours of the pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from ..errors import OutputError, RenderError
from ..part_files import whole_file, whole_folder
from ..sound import check_audio
from ..streaming import no_check
from ..timing import stage
from ..wires import MOST_FPS, Audio
from .container_writer import ContainerWriter, Job, tag_texts
from .format_files import STEREO_LAYOUTS, Format, load_format, transparent_formats
from .palette_writer import PaletteWriter
from .picture_writer import PictureWriter

CRF = 18  # visually lossless for a face at 512
PRESET = "veryfast"  # 3.5 ms a 512x512 frame where medium takes 8, and a file no larger
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


class Writer(Protocol):
    """A file while it is being written. Methods raise OutputError if it cannot be."""

    def write(self, picture: np.ndarray) -> None:
        """Adds one uint8 picture."""

    def finish(self) -> None:
        """Makes the file whole."""

    def close(self) -> None:
        """Lets go of it, whatever state it is in."""


def encode(
    path: str | os.PathLike[str],
    frames: Iterable[Tensor | np.ndarray],
    fps: Fraction | float,
    audio: Audio | None = None,
    *,
    kind: Format,
    quality: float = 80,
    metadata: Mapping[str, Any] | None = None,
    stereo: str = "",
    check: Callable[[], None] = no_check,
    on_frame: Callable[[int], None] | None = None,
) -> int:
    """Writes frames and sound to `path` and returns the number of frames.

    frames      [h, w, 3] or, with straight alpha, [h, w, 4] pictures, uint8 or float 0..1, all of one size;
                where colours are stored at half the size, an odd width or height is padded by repeating the
                last column or row. Taken one at a time, never kept.
    audio       1 to 8 channels at any rate, mixed down to stereo where there are more. It ends with the
                pictures: cut off, or continued with silence (an empty sound is all silence). A format
                without sound leaves it out.
    kind        of file; with the writer "pictures" `path` becomes a folder.
    quality     0 to 100, as the format translates it.
    metadata    tags of the file, as ComfyUI writes "prompt" and "workflow"; all but a str becomes JSON.
    stereo      one of STEREO_LAYOUTS if a frame holds the pictures of two eyes; players are told where the
                format can.
    check       called before each frame is asked for; on_frame(frames written) after each.

    All is written beside `path` under a temporary name and moved there when it is whole; whatever goes
    wrong, nothing is left behind. Raises RenderError (no frames, unequal sizes, bad settings, transparency
    in a format without), AudioError (unusable sound), OutputError (the file cannot be written).
    """
    path, rate = Path(path), frame_rate(fps)
    _check_target(path, kind)
    if not 0 <= quality <= 100:
        raise RenderError(f"A quality of {quality} was asked for; it goes from 0 to 100 (best).")
    if stereo and stereo not in STEREO_LAYOUTS:
        raise RenderError(f"There is no stereo layout {stereo[:40]!r}; use one of {STEREO_LAYOUTS}.")
    if audio is not None:
        check_audio(audio, may_be_empty=True)
    source = iter(frames)
    try:
        pictures = _pictures(source, check)
        first = next(pictures, None)
        if first is None:
            raise RenderError(
                "The clip has no frames; give a sound or a motion that lasts at least one frame."
            )
        size, alpha = (first.shape[1], first.shape[0]), first.shape[2] == 4
        if alpha:
            check_transparent(kind)
        job = Job(path, kind, quality, rate, size, alpha, audio, tag_texts(metadata or {}), check, stereo)
        with (whole_folder if kind.is_folder else whole_file)(path) as part:
            writer = _WRITERS[kind.writer](part, job)
            try:
                count = _write_all(writer, first, pictures, on_frame)
                writer.finish()
            finally:
                writer.close()
        return count
    finally:
        # A generator that renders lets its workers go now, not when the traceback is forgotten.
        getattr(source, "close", no_check)()


def encode_mp4(
    path: str | os.PathLike[str],
    frames: Iterable[Tensor | np.ndarray],
    fps: Fraction | float,
    audio: Audio | None = None,
    *,
    crf: float = CRF,
    preset: str = PRESET,
    metadata: Mapping[str, Any] | None = None,
    stereo: str = "",
    check: Callable[[], None] = no_check,
    on_frame: Callable[[int], None] | None = None,
) -> int:
    """`encode` to an mp4 file (H.264 + AAC) with x264's own crf, 0 (best) to 51, and preset (PRESETS)."""
    if not 0 <= crf <= 51:
        raise RenderError(f"A crf of {crf} was asked for; x264 takes 0 (best) to 51.")
    if preset not in PRESETS:
        raise RenderError(f'There is no x264 preset "{preset}"; choose one of {", ".join(PRESETS)}.')
    kind = load_format("mp4").with_options(crf=crf, preset=preset)
    shared = {"metadata": metadata, "stereo": stereo, "check": check, "on_frame": on_frame}
    return encode(path, frames, fps, audio, kind=kind, **shared)


def check_transparent(kind: Format) -> None:
    """Raises RenderError if a format cannot hold transparency."""
    if kind.alpha is None:
        raise RenderError(
            f"The format {kind.name} cannot be transparent; choose {', '.join(transparent_formats())}, or"
            " take the alpha away."
        )


def frame_rate(fps: Fraction | float) -> Fraction:
    """The exact rate of a float, such as 30000/1001 of 29.97002997; RenderError if it cannot be used."""
    if not 0 < fps <= MOST_FPS:  # NaN is refused too
        raise RenderError(
            f"{float(fps):.6g} frames per second were asked for; give a rate above 0, at most {MOST_FPS}."
        )
    return fps if isinstance(fps, Fraction) else max(Fraction(fps).limit_denominator(1001), Fraction(1, 1001))


def picture_array(frame: Tensor | np.ndarray, channels: tuple[int, ...] = (3,)) -> np.ndarray:
    """[h, w, 3] uint8 of a picture that is uint8 or float 0..1 (clamped, rounded); RenderError otherwise.

    channels    the numbers of channels that are allowed, 3 alone unless said otherwise.

    In numpy, on one thread: between busy frame workers torch's thread pool takes ten times as long for this.
    """
    if isinstance(frame, Tensor):
        # numpy has no bfloat16
        frame = (frame.float() if frame.is_floating_point() else frame).detach().cpu().numpy()
    picture = np.asarray(frame)
    if picture.ndim != 3 or picture.shape[2] not in channels or 0 in picture.shape:
        raise RenderError(f"A frame has the shape {list(picture.shape)} where [height, width, 3] is needed.")
    if np.issubdtype(picture.dtype, np.floating):
        scaled = picture * np.float32(255)
        scaled += np.float32(0.5)
        with np.errstate(invalid="ignore"):  # NaN becomes 0
            picture = np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise RenderError(f"A frame holds {picture.dtype} values where uint8 or float 0..1 is needed.")
    return np.ascontiguousarray(picture)


def _check_target(path: Path, kind: Format) -> None:
    if os.path.isdir(path):  # Path.is_dir raises for a name that is too long
        what = "a new folder" if kind.is_folder else "a file"
        raise OutputError(
            f"The video cannot be written to {path}, which is a folder already; give the name of {what}."
        )


def _pictures(frames: Iterator[Tensor | np.ndarray], check: Callable[[], None]) -> Iterator[np.ndarray]:
    while True:
        check()
        frame = next(frames, None)
        if frame is None:
            return
        yield picture_array(frame, (3, 4))


def _write_all(
    writer: Writer,
    first: np.ndarray,
    rest: Iterator[np.ndarray],
    on_frame: Callable[[int], None] | None,
) -> int:
    shape, count = first.shape, 0
    picture: np.ndarray | None = first
    while picture is not None:
        if picture.shape[2] != shape[2]:
            raise RenderError(
                f"Frame {count} has {picture.shape[2]} channels and the frames before it have {shape[2]};"
                " make all frames transparent or none."
            )
        if picture.shape != shape:
            raise RenderError(
                f"Frame {count} is {picture.shape[1]}x{picture.shape[0]} and the frames before it are"
                f" {shape[1]}x{shape[0]}; bring all frames to one size."
            )
        with stage("video"):
            writer.write(picture)
        count += 1
        if on_frame is not None:
            on_frame(count)
        picture = next(rest, None)
    return count


_WRITERS: Mapping[str, Callable[[Path, Job], Writer]] = {
    "container": ContainerWriter,
    "palette": PaletteWriter,
    "pictures": PictureWriter,
}
