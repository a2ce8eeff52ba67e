"""Progress of a long run of frames: a bar, a picture now and then."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np
from torch import Tensor

from . import host

PREVIEW_SECONDS = 0.5  # between two pictures: often enough to watch, too seldom to cost time

Picture = TypeVar("Picture", Tensor, np.ndarray)


class FrameListener:
    """Moves the bar of the node that runs; call it with (frames done, the last picture [h, w, 3])."""

    def __init__(self, total: int) -> None:
        self._bar, self._total, self._last = host.Progress(total), total, time.monotonic()

    def __call__(self, done: int, picture: Tensor | np.ndarray) -> None:
        now = time.monotonic()
        due = now - self._last >= PREVIEW_SECONDS or done == self._total
        self._last = now if due else self._last
        self._bar.update(done, picture if due else None)

    def passing(self, frames: Iterable[Picture]) -> Iterator[Picture]:
        """The same frames, listened to as they pass."""
        for done, picture in enumerate(frames, start=1):
            self(done, picture)
            yield picture
