"""The inputs that tests make anew are those that the recorded numbers were made from."""

from __future__ import annotations

import torch

from tests.deterministic import net_inputs
from tests.golden.recorded import Recorded

RECORDED_NAMES = {
    "in_src_head": "src_head",
    "in_cano_secc": "cano_secc",
    "in_src_secc": "src_secc",
    "in_tgt_secc": "tgt_secc",
    "in_segmap": "segmentation",
    "in_ref_torso": "ref_torso",
    "in_bg": "background",
    "in_kp_s": "kp_source",
    "in_kp_d": "kp_driven",
}


def test_inputs() -> None:
    recorded, made = Recorded("inputs"), net_inputs()
    assert set(recorded.names()) == set(RECORDED_NAMES)
    for name, field in RECORDED_NAMES.items():
        recorded.assert_close(name, getattr(made, field), (1e-6, 1e-7))
        assert getattr(made, field).dtype == torch.float32
