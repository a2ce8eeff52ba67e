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


def stored_entries(prefix: str = "", old_names: bool = False) -> dict[str, Tensor]:
    """Deterministic weights by the names of a stored file of Transformers, today's or an old one."""
    shapes = {name: tuple(value.shape) for name, value in small_hubert().state_dict().items()}
    entries = fill_entries({**shapes, "masked_spec_embed": (WIDTH,)}.items())
    lengths = entries[POSITION + "parametrizations.weight.original0"]
    lengths.copy_(lengths.abs() + 0.5)
    if old_names:
        for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
            entries[POSITION + old] = entries.pop(f"{POSITION}parametrizations.weight.{new}")
    return {prefix + name: value for name, value in entries.items()}


def wave(samples: int = 4000) -> Tensor:
    """[1, samples] of mean 0 and variance 1 (nearly)."""
    return normal("wave", (1, samples))
