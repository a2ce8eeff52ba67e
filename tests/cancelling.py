"""What holds for every stage that can be cancelled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch


class Cancelled(BaseException):
    """ComfyUI's own exception is no Exception either."""


def ends_at_any_step(work: Callable[[Callable[[], None]], object], steps: int) -> None:
    """`work(check)` calls check at least `steps` times, ends with what it raises at any of these calls, and
    leaves torch's number of threads as it was.
    """
    threads, calls = torch.get_num_threads(), 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == last:
            raise Cancelled

    for last in (1, steps):
        calls = 0
        with pytest.raises(Cancelled):
            work(check)
        assert calls == last
    assert torch.get_num_threads() == threads
