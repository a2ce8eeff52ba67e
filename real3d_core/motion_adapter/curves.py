"""Monotone cubic curves (PCHIP) for batches of short point lists, as look-up tables."""

from __future__ import annotations

import torch
from torch import Tensor


def _slopes(step: Tensor, secant: Tensor) -> Tensor:
    """Fritsch-Carlson slopes at the knots, [n, k]."""
    w1 = 2 * step[:, 1:] + step[:, :-1]
    w2 = step[:, 1:] + 2 * step[:, :-1]
    same = secant[:, :-1] * secant[:, 1:] > 0
    safe = torch.where(secant.abs() < 1e-12, torch.full_like(secant, 1e-12), secant)
    inner = (w1 + w2) / (w1 / safe[:, :-1] + w2 / safe[:, 1:])
    inner = torch.where(same, inner, torch.zeros_like(inner))

    def end(h0: Tensor, h1: Tensor, s0: Tensor, s1: Tensor) -> Tensor:
        slope = ((2 * h0 + h1) * s0 - h0 * s1) / (h0 + h1)
        slope = torch.where(slope * s0 <= 0, torch.zeros_like(slope), slope)
        overshoot = (s0 * s1 < 0) & (slope.abs() > 3 * s0.abs())
        return torch.where(overshoot, 3 * s0, slope)

    first = end(step[:, :1], step[:, 1:2], secant[:, :1], secant[:, 1:2])
    last = end(step[:, -1:], step[:, -2:-1], secant[:, -1:], secant[:, -2:-1])
    return torch.cat([first, inner, last], 1)


def pchip_table(x: Tensor, y: Tensor, size: int) -> Tensor:
    """Values at `size` evenly spaced positions from x[:, 0] to x[:, -1].

    x [n, k] increasing along the row (made so where points coincide), y [n, k] -> [n, size].
    """
    order = x.argsort(1)
    x, y = x.gather(1, order), y.gather(1, order)
    # Points that fall together would divide by zero: keep them a hair apart.
    hair = 1e-6 * torch.arange(x.shape[1], device=x.device, dtype=x.dtype)
    x = x.cummax(1).values + hair
    step = x[:, 1:] - x[:, :-1]
    secant = (y[:, 1:] - y[:, :-1]) / step
    slope = _slopes(step, secant)
    along = torch.linspace(0, 1, size, device=x.device, dtype=x.dtype)
    at = x[:, :1] + (x[:, -1:] - x[:, :1]) * along
    i = (torch.searchsorted(x, at.contiguous(), right=True) - 1).clamp(0, x.shape[1] - 2)
    h = step.gather(1, i)
    u = (at - x.gather(1, i)) / h
    y0, y1 = y.gather(1, i), y.gather(1, i + 1)
    d0, d1 = slope.gather(1, i) * h, slope.gather(1, i + 1) * h
    return y0 + u * (d0 + u * (3 * (y1 - y0) - 2 * d0 - d1 + u * (2 * (y0 - y1) + d0 + d1)))


def look_up(table: Tensor, position: Tensor) -> Tensor:
    """Linear look-up: table [n, m], position [n, ...] in 0..1 over the table (clipped) -> like position."""
    m = table.shape[1]
    x = (position.clamp(0, 1) * (m - 1)).flatten(1)
    i = x.to(torch.int64).clamp(max=m - 2)
    share = x - i
    low, high = table.gather(1, i), table.gather(1, i + 1)
    return (low + (high - low) * share).view(position.shape)
