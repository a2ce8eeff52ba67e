"""Motions of random numbers."""

from __future__ import annotations

import torch

from real3d_core.wires import Motion


def random_motion(frames: int = 30, fps: float = 25.0, seed: int = 0, expression: bool = False) -> Motion:
    """Weights 0..1, small head movements, and a 3DMM expression if wanted."""
    stream = torch.Generator().manual_seed(seed)
    return Motion(
        fps,
        torch.rand(frames, 52, generator=stream),
        torch.randn(frames, 3, generator=stream) * 0.1,
        torch.randn(frames, 3, generator=stream) * 0.01,
        torch.randn(frames, 64, generator=stream) if expression else None,
    )


def assert_same(one: Motion, other: Motion) -> None:
    """Bit for bit, the sign of zero included."""
    assert one.fps == other.fps
    for name in ("blendshapes", "euler", "translation", "expression"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        assert a is None or torch.equal(a.view(torch.int32), b.contiguous().view(torch.int32)), name
