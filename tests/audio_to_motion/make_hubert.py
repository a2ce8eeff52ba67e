"""Writes hubert.npz: what Transformers' HubertModel computes, small, with weights that tests can make again.

python -m tests.audio_to_motion.make_hubert        (needs the package transformers)
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import HubertConfig, HubertModel

from tests.audio_to_motion.small_hubert import HEADS, HIDDEN, LAYERS, RECORDED, WIDTH, stored_entries, wave


def main() -> None:
    config = HubertConfig(
        hidden_size=WIDTH,
        num_attention_heads=HEADS,
        intermediate_size=HIDDEN,
        num_hidden_layers=LAYERS,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
    )
    model = HubertModel(config).eval()
    model.load_state_dict(stored_entries())
    with torch.inference_mode():
        np.savez_compressed(RECORDED, features=model(wave()).last_hidden_state.numpy())


if __name__ == "__main__":
    main()
