"""Seeded choices of hostile values."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")

INF, NAN = float("inf"), float("nan")
NUMBERS = (0, 1, -1, 0.5, 2, 1e-30, 1e30, -1e30, 1e308, INF, -INF, NAN, 2**31, 2**63, -0.0)
INTEGERS = (0, 1, -1, 2, 7, 33, 10_000, -(2**31), 2**31, 2**63, 2**64, 10**30)
THINGS = (None, "", "x", "\0", "a\nb", "None", [], {}, [1], {"a": 1}, True, 3, -7, 0.1, NAN, b"x", ("a", 1))
TYPES = (
    torch.float32, torch.float32, torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.uint8,
    torch.int64, torch.int8, torch.bool,
)  # fmt: skip


class Chance:
    """A random.Random with a numpy generator of the same seed, and what the cases have in common."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.numpy = np.random.default_rng(self.random.getrandbits(63))
        self.torch = torch.Generator().manual_seed(self.random.getrandbits(63))

    def often(self, share: float) -> bool:
        """True with this probability."""
        return self.random.random() < share

    def pick(self, *values: T) -> T:
        return self.random.choice(values)

    def one_of(self, values: Sequence[T]) -> T:
        return self.random.choice(values)

    def whole(self, low: int, high: int) -> int:
        """low <= n <= high."""
        return self.random.randint(low, high)

    def number(self, *usual: float) -> float:
        """Mostly a usual number, else an extreme one."""
        return self.pick(*usual) if self.often(0.7) else self.one_of(NUMBERS)

    def integer(self, *usual: int) -> int:
        """Mostly a usual number, else an extreme one."""
        return self.pick(*usual) if self.often(0.7) else self.one_of(INTEGERS)

    def values(self, shape: Sequence[int]) -> Tensor:
        """Floats of this shape: noise, constants, extremes, or noise with a few bad values."""
        noise = torch.rand(tuple(shape), generator=self.torch)
        kind = self.pick("noise", "zero", "one", "scaled", "bad", "all bad", "tiny", "signed")
        if kind in ("zero", "one"):
            return torch.full(tuple(shape), float(kind == "one"))
        if kind == "scaled":
            return noise * self.pick(255.0, 1e4, 1e30, -1.0)
        if kind == "signed":
            return noise * 2 - 1
        if kind == "tiny":
            return noise * 1e-40
        if kind == "all bad":
            return torch.full(tuple(shape), self.pick(NAN, INF, -INF))
        if kind == "bad" and noise.numel():
            flat = noise.reshape(-1)
            for _ in range(self.whole(1, 3)):
                flat[self.whole(0, len(flat) - 1)] = self.pick(NAN, INF, -INF, 1e38)
        return noise

    def typed(self, values: Tensor) -> Tensor:
        """The values as a tensor of some type; integers from 0..255 where they are 0..1."""
        kind = self.one_of(TYPES)
        if not kind.is_floating_point:
            values = torch.nan_to_num(values).clamp(-1, 1) * (1 if kind == torch.bool else 127)
        values = values.to(kind)
        if self.often(0.1) and values.ndim > 1:
            values = values.transpose(0, 1).contiguous().transpose(0, 1)  # not contiguous
        return values

    def shape(self, *usual: int) -> list[int]:
        """The usual shape, or one with another side or number of sides."""
        shape = list(usual)
        if self.often(0.5):
            return shape
        for _ in range(self.whole(1, 2)):
            if self.often(0.6) and shape:
                shape[self.whole(0, len(shape) - 1)] = self.pick(0, 1, 2, 3, 4, 5, 17)
            elif self.often(0.5):
                shape.insert(self.whole(0, len(shape)), self.pick(0, 1, 2))
            elif shape:
                shape.pop(self.whole(0, len(shape) - 1))
        return shape

    def damaged(self, data: bytes) -> bytes:
        """Bytes cut short, overwritten, doubled, or replaced."""
        kind = self.pick("cut", "cut", "flip", "flip", "zero", "head", "append", "text", "empty", "repeat")
        out, size = bytearray(data), max(len(data), 1)
        if kind == "cut":
            return bytes(out[: self.whole(0, size)])
        if kind == "flip":
            for _ in range(self.pick(1, 3, 30)):
                out[self.whole(0, size - 1)] = self.whole(0, 255)
        if kind == "zero":
            first = self.whole(0, size - 1)
            out[first : first + self.whole(1, 400)] = bytes(self.whole(0, 400))
        if kind == "head":
            for _ in range(self.pick(1, 4)):
                out[self.whole(0, min(63, size - 1))] = self.pick(0, 1, 127, 128, 255)
        if kind == "append":
            out += self.random.randbytes(200)
        if kind == "repeat":
            out = out + out
        return {"text": "I am no such file, ünïcode".encode(), "empty": b""}.get(kind, bytes(out))
