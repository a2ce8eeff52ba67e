"""Attention blocks of the plane networks: attention over a grid of tokens, and a feed-forward part that sees
a token's neighbours.

Convention
    Tokens are [B, height * width, C], row by row; the grid (height, width) goes along with them. Names of
    parameters are those of the released weights.

See docs/model.md, "Image-to-Plane network".
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCORES_AT_ONCE = 2**25
"""Attention scores computed at a time, 128 MiB in float32: not every device has a kernel that stores none."""


class Grid(NamedTuple):
    """How many tokens a picture has."""

    height: int
    width: int


def as_picture(tokens: Tensor, grid: Grid) -> Tensor:
    """[B, height * width, C] -> [B, C, height, width]."""
    return tokens.transpose(1, 2).unflatten(2, tuple(grid))


def as_tokens(picture: Tensor) -> Tensor:
    """[B, C, height, width] -> [B, height * width, C]."""
    return picture.flatten(2).transpose(1, 2)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention: q [B, heads, n, d], k and v [B, heads, m, d] -> [B, heads, n, d].

    The queries are taken in slices, so that at most SCORES_AT_ONCE scores exist at a time on any device (one
    query at least).
    """
    rows = max(1, SCORES_AT_ONCE // (k.shape[0] * k.shape[1] * k.shape[2]))
    return torch.cat([F.scaled_dot_product_attention(part, k, v) for part in q.split(rows, 2)], 2)


class Attention(nn.Module):
    """Attention with several heads; with `reduction` r > 1, keys and values come from r x r tokens each."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.proj = nn.Linear(channels, channels)
        self.reduction = reduction
        if reduction > 1:
            self.sr = nn.Conv2d(channels, channels, reduction, reduction)
            self.norm = nn.LayerNorm(channels)

    def _heads(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """[B, n, C] -> [B, n, C]."""
        merged = tokens
        if self.reduction > 1:
            merged = self.norm(as_tokens(self.sr(as_picture(tokens, grid))))
        k, v = self.kv(merged).chunk(2, 2)
        mixed = attention(self._heads(self.q(tokens)), self._heads(k), self._heads(v))
        return self.proj(mixed.transpose(1, 2).flatten(2))


class DepthwiseConv(nn.Module):
    """A 3 x 3 convolution of every channel for itself, on the grid of the tokens."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """[B, n, C] -> [B, n, C]."""
        return as_tokens(self.dwconv(as_picture(tokens, grid)))


class FeedForward(nn.Module):
    """Linear, depthwise convolution, GELU, linear."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.dwconv = DepthwiseConv(hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """[B, n, C] -> [B, n, C]."""
        return self.fc2(F.gelu(self.dwconv(self.fc1(tokens), grid)))


class Block(nn.Module):
    """Attention and feed-forward, each after a layer norm and added to what came in."""

    def __init__(
        self, channels: int, heads: int, widening: int, reduction: int = 1, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=eps)
        self.attn = Attention(channels, heads, reduction)
        self.norm2 = nn.LayerNorm(channels, eps=eps)
        self.mlp = FeedForward(channels, widening * channels)

    def forward(self, tokens: Tensor, grid: Grid) -> Tensor:
        """[B, n, C] -> [B, n, C]."""
        tokens = tokens + self.attn(self.norm1(tokens), grid)
        return tokens + self.mlp(self.norm2(tokens), grid)


class PatchEmbed(nn.Module):
    """A picture becomes tokens: overlapping patches, one token per stride."""

    def __init__(self, inputs: int, channels: int, size: int = 3, stride: int = 2) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, channels, size, stride, size // 2)
        self.norm = nn.LayerNorm(channels)

    def forward(self, picture: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, n, channels]."""
        return self.tokens(self.proj(picture))

    def tokens(self, patches: Tensor) -> Tensor:
        """[B, channels, h, w] projected patches -> [B, h * w, channels]."""
        return self.norm(as_tokens(patches))
