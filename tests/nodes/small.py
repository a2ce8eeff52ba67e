"""Small stand-ins for clips: numbered grey frames that count how often they are rendered."""

import threading

import torch

from real3d_core.errors import RenderError
from real3d_core.wires import Audio


class CountedClip:
    """Frame i is grey i / count; `fail_at` raises there instead."""

    fps, width, height = 25.0, 64, 48

    def __init__(self, count: int = 20, fail_at: int | None = None) -> None:
        self.count, self.fail_at, self.rendered = count, fail_at, 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.count

    def frames(self, start: int, stop: int) -> torch.Tensor:
        with self._lock:
            self.rendered += stop - start
        if self.fail_at is not None and start <= self.fail_at < stop:
            raise RenderError("this frame cannot be rendered; try another.")
        levels = torch.arange(start, stop) / self.count
        return levels[:, None, None, None].expand(-1, self.height, self.width, 3).contiguous()


def beep(seconds: float = 0.8, rate: int = 16_000) -> Audio:
    """Silence with a tone in its second half."""
    time = torch.arange(round(seconds * rate)) / rate
    return Audio((torch.sin(time * 2765) * (time > seconds / 2) * 0.5)[None], rate)
