"""The decoder of the released networks: as stored, and as the renderer runs it."""

from __future__ import annotations

import torch

from real3d_core.render_triplane.decoder import TriPlaneDecoder, decode
from tests.deterministic import fill_module, normal
from tests.golden.recorded import Recorded

ROUNDING = (3e-5, 5e-6)
"""Densities run to 30."""


def test_decoder() -> None:
    recorded = Recorded("decoder")
    assert set(recorded.names()) == {"features", "rgb", "sigma"}
    module = fill_module(TriPlaneDecoder(), "decoder.")
    features = 3 * normal("decoder_in", (1, 3, 256, 32))
    recorded.assert_close("features", features, (0, 0))
    with torch.no_grad():
        stored = module(features)
        run = decode(features.mean(1).transpose(1, 2), module.effective())
    for seen in (stored, run):
        recorded.assert_close("sigma", seen.density[..., None], ROUNDING)
        recorded.assert_close("rgb", seen.colour.transpose(1, 2), ROUNDING)
