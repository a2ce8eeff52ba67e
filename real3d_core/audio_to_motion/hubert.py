"""HuBERT-large (facebook/hubert-large-ls960-ft): what the speech network listens with.

Convention
    Waves are 16 kHz; row k of the features describes samples 320 k .. 320 k + 400, so 50 rows a second.

Names of parameters are those that Transformers gives its HubertModel, so that ComfyUI's own audio encoder
nodes read a file of them too; `hubert_entries` brings other layouts to them.
See docs/model.md, "Audio-to-Motion network".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..model import Weights
from ..streaming import no_check

RATE = 16_000  # Hz
STRIDE = 320  # samples from one row to the next
FIELD = 400  # samples that a row sees
WINDOW = 320_000  # samples: as in training of the speech network, a window hears nothing outside itself
ACTIVATION_BYTES = 600 * 2**20  # a window in float32: 450 MB measured on a CPU, and some to spare

_KERNELS = (10, 3, 3, 3, 3, 2, 2)
_STRIDES = (5, 2, 2, 2, 2, 2, 2)
_CHANNELS = 512
_POSITION = "encoder.pos_conv_embed.conv."


class Hubert(nn.Module):
    """Speech to features; the arguments are for tests, their defaults are the released network."""

    def __init__(self, width: int = 1024, heads: int = 16, hidden: int = 4096, layers: int = 24) -> None:
        super().__init__()
        self.feature_extractor = _FeatureExtractor()
        self.feature_projection = _FeatureProjection(width)
        self.encoder = _Encoder(width, heads, hidden, layers)

    def forward(self, wave: Tensor, check: Callable[[], None] = no_check) -> Tensor:
        """[B, (n - 80) // 320, width] of [B, n] samples of mean 0 and variance 1, n >= 400.

        check   called before each layer; whatever it raises ends the work.
        """
        return self.encoder(self.feature_projection(self.feature_extractor(wave, check)), check)


def listen(wave: np.ndarray, hubert: Weights, check: Callable[[], None] = no_check) -> Tensor:
    """[rows(n), 1024] float32 on the CPU of [n] samples at 16 kHz, heard 20 s at a time.

    check   called before each layer of each 20 s; whatever it raises ends the work.
    """
    wave = np.pad(wave, (0, max(0, FIELD - len(wave))))
    mean, variance = wave.mean(dtype=np.float64), wave.var(dtype=np.float64)
    parts = []
    for first in range(0, len(wave) - FIELD + 1, WINDOW):
        check()
        window = wave[first : first + WINDOW + FIELD - STRIDE]
        normalised = torch.from_numpy(((window - mean) / np.sqrt(variance + 1e-7)).astype(np.float32))[None]
        network = hubert.ready(ACTIVATION_BYTES)
        parts.append(network(normalised.to(hubert.device, hubert.dtype), check)[0].float().cpu())
    return torch.cat(parts)


def rows(samples: int) -> int:
    """How many rows a sound of so many samples at 16 kHz has; at least 1."""
    return max(1, (samples - (FIELD - STRIDE)) // STRIDE)


def hubert_entries(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries of a stored HuBERT by the names of `Hubert`.

    Takes what Transformers writes, of old and new versions, with or without the leading `hubert.`; the head
    that spells words and the mask token of the training are left out.
    """
    entries = {
        name.removeprefix("hubert."): value
        for name, value in stored.items()
        if not name.startswith("lm_head.") and name.removeprefix("hubert.") != "masked_spec_embed"
    }
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        if _POSITION + old in entries:
            entries[f"{_POSITION}parametrizations.weight.{new}"] = entries.pop(_POSITION + old)
    return entries


class _FeatureExtractor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        inputs = (1, *[_CHANNELS] * (len(_KERNELS) - 1))
        self.conv_layers = nn.ModuleList(map(_ConvLayer, inputs, _KERNELS, _STRIDES))

    def forward(self, wave: Tensor, check: Callable[[], None]) -> Tensor:
        x = wave[:, None]
        for layer in self.conv_layers:
            check()
            x = layer(x)
        return x.transpose(1, 2)


class _ConvLayer(nn.Module):
    def __init__(self, inputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, _CHANNELS, kernel, stride)
        self.layer_norm = nn.LayerNorm(_CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.layer_norm(self.conv(x).transpose(1, 2)).transpose(1, 2))


class _FeatureProjection(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(_CHANNELS)
        self.projection = nn.Linear(_CHANNELS, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.projection(self.layer_norm(x))


class _Encoder(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.pos_conv_embed = _PositionalConv(width)
        self.layers = nn.ModuleList(_Layer(width, heads, hidden) for _ in range(layers))
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, check: Callable[[], None]) -> Tensor:
        x = x + self.pos_conv_embed(x)
        for layer in self.layers:
            check()
            x = layer(x)
        return self.layer_norm(x)


class _PositionalConv(nn.Module):
    """Tells the attention where it is: a wide grouped convolution over time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = _WeightNormConv(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.conv(x.transpose(1, 2))[..., :-1]).transpose(1, 2)


class _WeightNormConv(nn.Module):
    """Stores direction and length of the weights apart, one length for each of the 128 taps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))
        self.parametrizations = nn.ModuleDict({"weight": _LengthAndDirection(width)})

    def forward(self, x: Tensor) -> Tensor:
        weight = self.parametrizations["weight"]()
        return F.conv1d(x, weight, self.bias, padding=64, groups=16)


class _LengthAndDirection(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.original0 = nn.Parameter(torch.ones(1, 1, 128))
        self.original1 = nn.Parameter(torch.ones(width, width // 16, 128))

    def forward(self) -> Tensor:
        # What torch.nn.utils.weight_norm computes: the same numbers to the last bit.
        return torch._weight_norm(self.original1, self.original0, 2)


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = _Attention(width, heads)
        self.layer_norm = nn.LayerNorm(width)
        self.feed_forward = _FeedForward(width, hidden)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.layer_norm(x))
        return x + self.feed_forward(self.final_layer_norm(x))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            proj(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(width, hidden)
        self.output_dense = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.output_dense(F.gelu(self.intermediate_dense(x)))
