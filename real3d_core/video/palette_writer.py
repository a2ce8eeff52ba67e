"""A gif while it is being written: 256 colours, chosen for the whole clip.

The colours are known only when all pictures have been seen, and keeping them would take memory without end:
so they wait in a lossless file beside the target, and the gif is made from that at the end. A palette of its
own for each picture would need no such file, but flickers where nothing moves.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..part_files import scratch_file
from .container_writer import Job, opened, output_errors

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import OutputContainer
    from av.filter import Graph
    from av.filter.context import FilterContext

LOSSLESS, CONTAINER, PIXELS = "ffv1", "matroska", "bgra"  # of the waiting file
KEPT_BITS = np.uint8(0b11111100)  # of red, green and blue
SEEN = 128  # alpha from which a pixel is opaque; a gif knows nothing between
TICK = Fraction(1, 100)  # of a gif's clock, in seconds
COMMENT = b"\x21\xfe"  # begins a comment
BLOCK = 255  # bytes of a comment that follow one another


class PaletteWriter:
    """Counts colours as pictures come; writes the file in `finish`."""

    def __init__(self, path: Path, job: Job) -> None:
        self._path, self._job, self._count = path, job, 0
        self._colours = _PaletteOfClip(job)
        self._scratch = ExitStack()
        try:
            self._waiting = self._scratch.enter_context(scratch_file(path))
            self._file = opened(self._waiting, CONTAINER, job.shown)
            self._scratch.callback(_close, self._file)
            with output_errors(job.shown):
                self._track = self._file.add_stream(LOSSLESS, rate=job.fps)
                self._track.width, self._track.height = job.size
                self._track.pix_fmt = PIXELS
        except BaseException:
            self.close()
            raise

    def write(self, picture: np.ndarray) -> None:
        """Adds one [h, w, 3 or 4] uint8 picture."""
        import av

        frame = av.VideoFrame.from_ndarray(_coarse(picture), format=PIXELS)
        frame.pts, frame.time_base = self._count, 1 / self._job.fps
        self._colours.count(frame)
        self._count += 1
        with output_errors(self._job.shown):
            self._file.mux(self._track.encode(frame))

    def finish(self) -> None:
        """Chooses the colours and writes the gif."""
        bare = self._scratch.enter_context(scratch_file(self._path))
        with output_errors(self._job.shown):
            self._file.mux(self._track.encode(None))
            self._file.close()
            self._write_pictures(bare, self._colours.palette())
            _with_comment(bare, self._path, self._job.tags)

    def close(self) -> None:
        """Lets go of the files, whatever state they are in."""
        self._scratch.close()

    def _write_pictures(self, path: Path, palette: VideoFrame) -> None:
        import av

        kind = self._job.kind
        with (
            opened(path, kind.container, self._job.shown, kind.container_options) as file,
            av.open(os.fspath(self._waiting)) as waiting,
        ):
            track = file.add_stream(kind.video.codec, rate=self._job.fps)
            track.width, track.height = self._job.size
            track.pix_fmt = self._job.pixels()
            painted = _painted(waiting.decode(video=0), palette, self._job)
            for index, frame in enumerate(painted):
                self._job.check()
                frame.pts, frame.time_base = index, 1 / self._job.fps
                file.mux(track.encode(frame))
            file.mux(track.encode(None))


def _coarse(picture: np.ndarray) -> np.ndarray:
    """[h, w, 4] blue, green, red, alpha of an [h, w, 3 or 4] picture, in 2^18 colours.

    More would not be seen among 256, and ffmpeg's filters remember every colour that they meet.
    """
    coarse = np.empty((*picture.shape[:2], 4), np.uint8)
    coarse[..., :3] = picture[..., 2::-1] & KEPT_BITS
    coarse[..., :3] |= coarse[..., :3] >> 6  # so that white stays white
    coarse[..., 3] = 255
    if picture.shape[2] == 4:
        coarse[picture[..., 3] < SEEN] = 0
    return coarse


class _PaletteOfClip:
    """ffmpeg's palettegen, fed picture by picture."""

    def __init__(self, job: Job) -> None:
        from av.filter import Graph

        most = round(job.kind.options(job.quality).get("max_colors", 256))
        graph = Graph()
        self._source = _source(graph, *job.size, job.fps)
        transparent = f"reserve_transparent={int(job.alpha)}"
        chosen = graph.add("palettegen", f"max_colors={min(max(most, 4), 256)}:{transparent}")
        self._palette = graph.add("buffersink")
        self._source.link_to(chosen)
        chosen.link_to(self._palette)
        graph.configure()
        self._graph = graph

    def count(self, picture: VideoFrame) -> None:
        """Counts the colours of a picture."""
        self._source.push(picture)
        for _ in _ready(self._palette):  # there is nothing yet, but asking makes the graph take the picture
            pass

    def palette(self) -> VideoFrame:
        """The colours, 16 x 16."""
        self._source.push(None)
        return self._palette.pull()


def _painted(frames: Iterator[VideoFrame], palette: VideoFrame, job: Job) -> Iterator[VideoFrame]:
    """The same frames in the colours of the palette."""
    from av.filter import Graph

    graph = Graph()
    pictures, colours = _source(graph, *job.size, job.fps), _source(graph, 16, 16, job.fps)
    options = [f"{name}={value}" for name, value in job.kind.video.options.items()]
    painter, sink = graph.add("paletteuse", ":".join(options)), graph.add("buffersink")
    pictures.link_to(painter, 0, 0)
    colours.link_to(painter, 0, 1)
    painter.link_to(sink)
    graph.configure()
    palette.pts, palette.time_base = 0, 1 / job.fps
    colours.push(palette)
    colours.push(None)
    for index, frame in enumerate(frames):
        frame.pts, frame.time_base = index, 1 / job.fps
        pictures.push(frame)
        yield from _ready(sink)
    pictures.push(None)
    yield from _ready(sink)


def _source(graph: Graph, width: int, height: int, fps: Fraction) -> FilterContext:
    import av

    kind = av.VideoFormat(PIXELS, width, height)
    return graph.add_buffer(width=width, height=height, format=kind, time_base=1 / fps)


def _ready(sink: FilterContext) -> Iterator[VideoFrame]:
    """What a filter graph has finished."""
    import av

    while True:
        try:
            yield sink.pull()
        except (BlockingIOError, av.error.EOFError):
            return


def _with_comment(bare: Path, path: Path, tags: dict[str, str]) -> None:
    """Copies a gif with the tags, as JSON, in a comment before the first picture, where programs look."""
    text = json.dumps(tags).encode("ascii") if tags else b""
    blocks = [text[i : i + BLOCK] for i in range(0, len(text), BLOCK)]
    comment = COMMENT + b"".join(bytes([len(one)]) + one for one in blocks) + b"\0" if blocks else b""
    with open(bare, "rb") as source, open(path, "wb") as target:
        head = source.read(13)  # signature and screen; the last but two tells of the colours that follow
        colours = source.read(3 * 2 ** ((head[10] & 7) + 1)) if head[10] & 0x80 else b""
        target.write(head + colours + comment)
        shutil.copyfileobj(source, target)


def _close(file: OutputContainer) -> None:
    with suppress(Exception):
        file.close()
