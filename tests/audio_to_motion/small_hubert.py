"""A HuBERT of few and narrow layers, stored as Transformers stores the released one."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from real3d_core.audio_to_motion.hubert import Hubert
from tests.deterministic import fill_entries, normal

RECORDED = Path(__file__).parent / "hubert.npz"
WIDTH, HEADS, HIDDEN, LAYERS = 64, 4, 96, 2
POSITION = "encoder.pos_conv_embed.conv."


def small_hubert() -> Hubert:
    return Hubert(width=WIDTH, heads=HEADS, hidden=HIDDEN, layers=LAYERS)


def stored_entries(prefix: str = "", length: str = "", direction: str = "") -> dict[str, Tensor]:
    """Deterministic weights by the names of the stored file; new names of weight normalisation by default."""
    shapes = {name: tuple(value.shape) for name, value in small_hubert().state_dict().items()}
    rows, inputs, kernel = shapes.pop(POSITION + "weight")
    shapes["masked_spec_embed"] = (rows,)
    shapes["g"], shapes["v"] = (1, 1, kernel), (rows, inputs, kernel)
    entries = fill_entries(shapes.items())
    entries[POSITION + (length or "parametrizations.weight.original0")] = entries.pop("g").abs() + 0.5
    entries[POSITION + (direction or "parametrizations.weight.original1")] = entries.pop("v")
    return {prefix + name: value for name, value in entries.items()}


def wave(samples: int = 4000) -> Tensor:
    """[1, samples] of mean 0 and variance 1 (nearly)."""
    return normal("wave", (1, samples))
