"""Pulls the frames of a clip in order, made by worker threads, in memory that does not grow with the clip.

On a CPU many small tensor operations gain little from several torch threads, so each worker renders whole
frames with one torch thread. A FrameSource must therefore allow `frames` from several threads at once.
See docs/model.md, "Frames on demand".
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

import torch
from torch import Tensor

from .errors import RenderError
from .wires import FrameSource

MOST_WORKERS = 8  # beyond this, memory bandwidth is the limit
LOOK_AHEAD = 2  # finished chunks that may wait for the consumer besides those being made
SHORTER = (
    'set HTB-SR to deliver "video on demand", which needs no more memory for a longer clip, or use a shorter'
    " sound"
)
MEMORY_SHARE = 0.8  # of the free memory a clip may take; the rest is for the nodes that use it


def no_check() -> None:
    """The `check` of a caller that cannot be cancelled."""


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Small tensor operations gain little from several torch threads, and where other programs keep the
    cores busy, the threads' waiting for each other makes them many times slower.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def frames_at_once(device: torch.device, most: int) -> int:
    """How many frames a network takes together: `most` on an accelerator, one on a CPU.

    On a CPU frames that are computed together take as long as one after the other and more memory, and they
    are rounded otherwise than alone, by which a frame would depend on how its clip is cut into pieces.
    """
    return 1 if device.type == "cpu" else most


def default_workers(source: FrameSource) -> int:
    """How many worker threads suit a source: one per core (at most 8) on a CPU, one on an accelerator.

    A source that renders on an accelerator says so by an attribute `device`.
    """
    return 1 if _on_accelerator(source) else min(os.cpu_count() or 1, MOST_WORKERS)


def iterate_frames(
    source: FrameSource,
    start: int = 0,
    stop: int | None = None,
    *,
    workers: int | None = None,
    chunk: int | None = None,
    check: Callable[[], None] = no_check,
    threads_poll: Callable[[], None] | None = None,
) -> Iterator[Tensor]:
    """Yields [k <= chunk, h, w, 3] float32 pictures 0..1 of frames start..stop, in order.

    check           called in the consumer's thread before each chunk; whatever it raises ends the iteration.
    threads_poll    called in the workers before each chunk; whatever it raises reaches the consumer.
    workers         threads that render; None = `default_workers(source)`.
    chunk           frames that are asked for together; None = what the source says by an attribute `batch`,
                    else 1.

    An exception of a worker is raised here with its own traceback. When the iteration ends in any way (end,
    exception, the generator closed) no chunk is begun any more and all workers are joined: this takes
    as long as the chunks being made, one frame with chunk = 1. At most workers + 2 chunks exist at a time.

    Raises RenderError for a range outside the clip.
    """
    stop = len(source) if stop is None else stop
    if not 0 <= start <= stop <= len(source):
        raise RenderError(
            f"Frames {start} to {stop} were asked of a clip of {len(source)}; choose a range inside it."
        )
    chunk = getattr(source, "batch", 1) if chunk is None else chunk
    if chunk < 1:
        raise RenderError(f"A chunk of {chunk} frames was asked for; it must be 1 or more.")
    spans = deque((first, min(first + chunk, stop)) for first in range(start, stop, chunk))
    count = max(1, min(default_workers(source) if workers is None else workers, len(spans)))
    inference, ended = torch.is_inference_mode_enabled(), threading.Event()

    def render(first: int, last: int) -> Tensor | None:
        if ended.is_set():
            return None
        if threads_poll is not None:
            threads_poll()
        # Grad modes do not reach new threads. The consumer's own mode is taken, because a tensor made
        # in inference mode could not be changed in place by a consumer outside it.
        with torch.inference_mode(inference), torch.no_grad():
            return source.frames(first, last)

    pool = ThreadPoolExecutor(count, thread_name_prefix="real3d-frames")
    try:
        if not _on_accelerator(source):
            _give_one_torch_thread_each(pool, count)
        waiting: deque[Future[Tensor | None]] = deque()
        while spans or waiting:
            check()
            while spans and len(waiting) < count + LOOK_AHEAD:
                waiting.append(pool.submit(copy_context().run, render, *spans.popleft()))
            frames = waiting.popleft().result()
            if frames is not None:
                yield frames
            del frames  # else a consumer that waits would keep one chunk more alive
    finally:
        ended.set()
        pool.shutdown(wait=True, cancel_futures=True)


def frames_to_tensor(
    source: FrameSource,
    start: int = 0,
    stop: int | None = None,
    *,
    workers: int | None = None,
    check: Callable[[], None] = no_check,
    on_frame: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """[stop - start, h, w, 3] float32 0..1: a whole clip in memory. on_frame(frames done, picture) is told.

    Raises RenderError before anything is rendered if the clip does not fit into the free memory.
    """
    stop = len(source) if stop is None else stop
    check_fits(stop - start, source.width, source.height)
    clip: Tensor | None = None
    chunks = iterate_frames(source, start, stop, workers=workers, check=check)
    for index, frame in enumerate(frame for chunk in chunks for frame in chunk):
        if clip is None:
            clip = torch.empty(stop - start, *frame.shape)
        if frame.shape != clip.shape[1:]:
            raise RenderError(
                f"Frame {start + index} has the shape {list(frame.shape)} and the frames before it have"
                f" {list(clip.shape[1:])}; check the node that makes them."
            )
        clip[index] = frame
        if on_frame is not None:
            on_frame(index + 1, frame)
    return torch.empty(0, source.height, source.width, 3) if clip is None else clip


def check_fits(frames: int, width: int, height: int, cure: str = SHORTER, channels: int = 3) -> None:
    """Raises RenderError, with size and cure, if so many float pictures do not fit into the free memory."""
    needed, free = frames * width * height * channels * 4, available_memory()
    if free is not None and needed > MEMORY_SHARE * free:
        what = "1 frame" if frames == 1 else f"{frames} frames"
        raise RenderError(
            f"{what} of {width}x{height} as images {'needs' if frames == 1 else 'need'}"
            f" {needed / 2**30:.1f} GB and"
            f" {free / 2**30:.1f} GB are free; {cure}."
        )


def available_memory() -> int | None:
    """Bytes that can be allocated without swapping, the limit of a container included; None if unknown."""
    known = [value for value in (_system_memory(), _container_memory()) if value is not None]
    return min(known) if known else None


def _system_memory() -> int | None:
    try:
        import psutil

        return int(psutil.virtual_memory().available)
    except ImportError:
        pass
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _container_memory(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        # Page cache counts as used but is given back when memory gets short.
        for line in (folder / "memory.stat").read_text().splitlines():
            if line.startswith("inactive_file "):
                used -= int(line.split()[1])
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(0, int(limit) - used)


def _on_accelerator(source: FrameSource) -> bool:
    return torch.device(getattr(source, "device", "cpu")).type != "cpu"


def _give_one_torch_thread_each(pool: ThreadPoolExecutor, count: int) -> None:
    """Starts the workers, each with one torch thread of its own.

    torch.set_num_threads also becomes the default of threads that start later, so the process's value is
    set again as soon as all workers have theirs; that does not touch the workers.
    """
    threads, all_here = torch.get_num_threads(), threading.Barrier(count)

    def begin() -> None:
        torch.get_num_threads()  # a thread's first use of torch takes the process's value: get that over with
        torch.set_num_threads(1)
        all_here.wait()  # so that each worker takes exactly one of these tasks

    try:
        for task in [pool.submit(begin) for _ in range(count)]:
            task.result()
    finally:
        torch.set_num_threads(threads)
