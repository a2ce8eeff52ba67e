"""The speech network gives the recorded numbers."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from real3d_core.audio_to_motion.pitch_vae import PitchContourVAE, coarse_pitch
from tests.deterministic import audio_inputs, fill_module
from tests.golden.recorded import BLOCK, CHAIN, Recorded

NAMES = ("mel_encoder", "pitch_encoder", "cond_proj", "g_pre_net", "flow_in", "flow_out", "dec_pre", "dec_wn")
INPUTS = {"f0": "f0", "hubert": "hubert", "mouth_amp": "mouth_amplitude"}


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded("audio2motion")


@pytest.fixture(scope="module")
def network() -> PitchContourVAE:
    return fill_module(PitchContourVAE())


def keep(kept: dict[str, Tensor], given: str, made: str, _: object, inputs: tuple, output: Tensor) -> None:
    kept[given], kept[made] = inputs[0], output


@pytest.fixture(scope="module", params=["z0", "z"])
def run(request: pytest.FixtureRequest, network: PitchContourVAE) -> tuple[str, dict[str, Tensor]]:
    """The prefix of the recorded names, and every tensor on the way to the expressions."""
    given = audio_inputs()
    parts = {
        "mel_encoder": network.mel_encoder,
        "pitch_encoder": network.pitch_encoder,
        "cond_proj": network.cond_proj,
        "g_pre_net": network.vae.g_pre_net,
        "flow_out": network.vae.prior_flow,
        "dec_pre": network.vae.decoder.pre_net,
        "dec_wn": network.vae.decoder.wn,
    }
    kept: dict[str, Tensor] = {}
    hooks = [
        part.register_forward_hook(partial(keep, kept, "flow_in" if name == "flow_out" else "_", name))
        for name, part in parts.items()
    ]
    temperature = 0.2 if request.param == "z" else 0.0
    with torch.inference_mode():
        kept["exp"] = network(given.hubert, given.f0, given.mouth_amplitude, temperature * given.z)
    for hook in hooks:
        hook.remove()
    return request.param, kept


@pytest.mark.parametrize("name", [*NAMES, "exp"])
def test_every_step(name: str, run: tuple[str, dict[str, Tensor]], recorded: Recorded) -> None:
    prefix, made = run
    recorded.assert_close(f"{prefix}_{name}", made[name], CHAIN if name == "exp" else BLOCK)


def test_inputs_and_pitch_steps(recorded: Recorded) -> None:
    given = audio_inputs()
    for name, field in INPUTS.items():
        recorded.assert_close(name, getattr(given, field), (1e-6, 1e-7))
    for name in ("f0_coarse", "f0_coarse_np"):
        assert torch.equal(coarse_pitch(given.f0), recorded[name])


def test_every_recorded_tensor_is_tested(recorded: Recorded) -> None:
    steps = {f"{prefix}_{name}" for prefix in ("z0", "z") for name in (*NAMES, "exp")}
    assert set(recorded.names()) == steps | set(INPUTS) | {"f0_coarse", "f0_coarse_np"}


def test_the_released_file_fits() -> None:
    manifest = json.loads((Path(__file__).parent / "manifest_audio2secc_vae.json").read_text())
    listed = {entry["name"]: (entry["shape"], entry["dtype"]) for entry in manifest["entries"]}
    own = {
        name: (list(value.shape), str(value.dtype).removeprefix("torch."))
        for name, value in PitchContourVAE().state_dict().items()
    }
    assert own == listed
