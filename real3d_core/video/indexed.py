"""Frames of a film by number, decoded one after the other, for several threads that ask in nearly that order.

See docs/model.md, "Video".
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ..errors import ImageError

KEPT = 16  # frames that threads may be apart: more than they are ever ahead of each other


class IndexedFrames:
    """opened(first) gives [h, w, 3] uint8 pictures from number `first` on; it is called again to go back.

    shrink  is applied to each picture once, as it is decoded; what it gives is what is kept.
    """

    def __init__(
        self,
        opened: Callable[[int], Iterator[np.ndarray]],
        shrink: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self._opened, self._shrink = opened, shrink or (lambda picture: picture)
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._running: Iterator[np.ndarray] | None = None
        self._next = 0
        self._end: int | None = None

    def frame(self, index: int, loop: bool = False) -> Tensor:
        """[h, w, 3] float32 0..1. Beyond the end the last picture holds, or with `loop` the film starts
        again.

        Raises ImageError if there is no picture at all.
        """
        with self._lock:
            picture = self._found(index, loop)
        return torch.from_numpy(picture.astype(np.float32) / 255)

    def _found(self, index: int, loop: bool) -> np.ndarray:
        index = self._inside(index, loop)
        if index not in self._kept and (self._running is None or index < self._next):
            self._running, self._next = self._opened(index), index
        while index not in self._kept:
            assert self._running is not None
            picture = next(self._running, None)
            if picture is None:
                self._end, self._running = self._next, None
                if self._end == 0:
                    raise ImageError("The video has no readable picture; give another file.")
                return self._found(index, loop)
            self._kept[self._next] = self._shrink(picture)
            self._next += 1
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[index]

    def _inside(self, index: int, loop: bool) -> int:
        if self._end is None or index < self._end:
            return index
        return index % self._end if loop else self._end - 1
