"""Streams pictures and sound into an mp4 file (H.264 + AAC) that plays everywhere.

Convention
    Frame i is shown from i / fps on; sample 0 of the sound is heard at time 0.
    Pictures are sRGB; the file is tagged BT.709 primaries and matrix, sRGB transfer, limited range, and the
    conversion to YCbCr 4:2:0 uses the same BT.709 matrix, so that players show the colours of the pictures.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..errors import OutputError, RenderError
from ..part_files import whole_file
from ..sound import check_audio
from ..streaming import no_check
from ..timing import stage
from ..wires import Audio
from .mp4_writer import Mp4Writer, VideoSettings

CRF = 18  # visually lossless for a face at 512
PRESET = "veryfast"  # 3.5 ms a 512x512 frame where medium takes 8, and a file no larger
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
MOST_FPS = 1000


def encode_mp4(
    path: str | os.PathLike[str],
    frames: Iterable[Tensor | np.ndarray],
    fps: Fraction | float,
    audio: Audio | None = None,
    *,
    crf: float = CRF,
    preset: str = PRESET,
    metadata: Mapping[str, Any] | None = None,
    check: Callable[[], None] = no_check,
    on_frame: Callable[[int], None] | None = None,
) -> int:
    """Writes frames and sound to `path` and returns the number of frames.

    frames      [h, w, 3] pictures, uint8 or float 0..1, all of one size; an odd width or height is padded
                by repeating the last column or row. Taken one at a time, never kept.
    audio       1 to 8 channels at any rate, mixed down to stereo where there are more. It ends with the
                pictures: cut off, or continued with silence (an empty sound is all silence).
    crf         x264's quality, 0 to 51, smaller is better; preset is x264's too (PRESETS).
    metadata    tags of the file, as ComfyUI writes "prompt" and "workflow"; all but a str becomes JSON.
    check       called before each frame is asked for; on_frame(frames written) after each.

    The file is written beside `path` under a temporary name and moved there when it is whole; whatever goes
    wrong, nothing is left behind. Raises RenderError (no frames, unequal sizes, bad settings), AudioError
    (unusable sound), OutputError (the file cannot be written).
    """
    path = Path(path)
    rate = frame_rate(fps)
    _check_settings(path, crf, preset)
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
        settings = VideoSettings(rate, (first.shape[1], first.shape[0]), crf, preset)
        with whole_file(path) as part:
            writer = Mp4Writer(part, path, settings, audio, metadata or {})
            try:
                count = _write_all(writer, first, pictures, on_frame)
                writer.finish()
            finally:
                writer.close()
        return count
    finally:
        # A generator that renders lets its workers go now, not when the traceback is forgotten.
        getattr(source, "close", no_check)()


def frame_rate(fps: Fraction | float) -> Fraction:
    """The exact rate of a float, such as 30000/1001 of 29.97002997; RenderError if it cannot be used."""
    if not (math.isfinite(fps) and 0 < fps <= MOST_FPS):
        raise RenderError(f"{fps} frames per second were asked for; give a rate above 0, at most {MOST_FPS}.")
    return fps if isinstance(fps, Fraction) else max(Fraction(fps).limit_denominator(1001), Fraction(1, 1001))


def picture_array(frame: Tensor | np.ndarray) -> np.ndarray:
    """[h, w, 3] uint8 of a picture that is uint8 or float 0..1 (clamped, rounded); RenderError otherwise.

    In numpy, on one thread: between busy frame workers torch's thread pool takes ten times as long for this.
    """
    if isinstance(frame, Tensor):
        # numpy has no bfloat16
        frame = (frame.float() if frame.is_floating_point() else frame).detach().cpu().numpy()
    picture = np.asarray(frame)
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise RenderError(f"A frame has the shape {list(picture.shape)} where [height, width, 3] is needed.")
    if np.issubdtype(picture.dtype, np.floating):
        scaled = picture * np.float32(255)
        scaled += np.float32(0.5)
        with np.errstate(invalid="ignore"):  # NaN becomes 0
            picture = np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise RenderError(f"A frame holds {picture.dtype} values where uint8 or float 0..1 is needed.")
    return np.ascontiguousarray(picture)


def _check_settings(path: Path, crf: float, preset: str) -> None:
    if path.is_dir():
        raise OutputError(
            f"The video cannot be written to {path}, which is a folder; give the name of a file."
        )
    if not 0 <= crf <= 51:
        raise RenderError(f"A crf of {crf} was asked for; x264 takes 0 (best) to 51.")
    if preset not in PRESETS:
        raise RenderError(f'There is no x264 preset "{preset}"; choose one of {", ".join(PRESETS)}.')


def _pictures(frames: Iterator[Tensor | np.ndarray], check: Callable[[], None]) -> Iterator[np.ndarray]:
    while True:
        check()
        frame = next(frames, None)
        if frame is None:
            return
        yield picture_array(frame)


def _write_all(
    writer: Mp4Writer,
    first: np.ndarray,
    rest: Iterator[np.ndarray],
    on_frame: Callable[[int], None] | None,
) -> int:
    shape, count = first.shape, 0
    picture: np.ndarray | None = first
    while picture is not None:
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
