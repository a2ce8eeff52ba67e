"""Files laid out as the released ones, with weights made by formula."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..bfm_making import SyntheticBfm
from ..deterministic import fill_entries

GOLDEN = Path(__file__).resolve().parents[1] / "golden"

CONFIG = """accumulate_grad_batches: 1
base_config:
- egs/os_avatar/secc_img2plane_torso_orig.yaml
- ../nowhere.yaml
box_warp: 1
htbsr_head_threshold: 0.85
htbsr_head_weight_fuse_mode: v2
init_from_ckpt: 'checkpoints/it''s elsewhere'
ray_near: auto
task_cls: tasks.os_avatar.secc_img2plane_torso.SECC_Img2PlaneEG3D_TorsoTask
torso_model_version: v2
triplane_depth: 1
weight_fuse: true
"""


def manifest(name: str) -> dict[str, tuple[int, ...]]:
    """Shape of each entry of a released checkpoint."""
    entries = json.loads((GOLDEN / f"manifest_{name}.json").read_text())["entries"]
    return {entry["name"]: tuple(entry["shape"]) for entry in entries}


def entries_of(name: str) -> dict[str, Tensor]:
    """Every entry of a checkpoint with its value."""
    shapes = manifest(name)
    filled = fill_entries(shapes.items())
    fir = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64
    return {key: fir if key.endswith("resample_filter") else filled[key] for key in shapes}


def checkpoint(state: Mapping[str, Any]) -> dict[str, Any]:
    """What the trainer saves around the weights."""
    moments = {0: {"step": 5, "exp_avg": torch.zeros(3)}}
    return {
        "epoch": 3,
        "global_step": 100_000,
        "optimizer_states": [{"state": moments, "param_groups": []}],
        "state_dict": state,
    }


def nested(entries: Mapping[str, Tensor]) -> dict[str, Any]:
    """A state dict with one dict for each network of the training."""
    return {"disc": {"b4.conv.weight": torch.zeros(2, 2)}, "model": dict(entries)}


def flat(entries: Mapping[str, Tensor]) -> dict[str, Any]:
    """A state dict with the networks' names in front of their entries."""
    named = {f"model.{name}": value for name, value in entries.items()}
    return {"syncnet.conv.weight": torch.zeros(2, 2), **named}


def write_face_model(folder: Path, bfm: SyntheticBfm, **changed: np.ndarray) -> Path:
    """The face model's files; `changed` replaces entries of the .mat. Returns the .mat."""
    from scipy.io import savemat

    folder.mkdir(parents=True, exist_ok=True)
    lists = {
        "index_mp468_from_mesh35709": bfm.index_mp468,
        "bfm_left_eye_faces": bfm.eye_faces_a,
        "bfm_right_eye_faces": bfm.eye_faces_b,
        "ncc_code": bfm.ncc,
    }
    for name, array in lists.items():
        np.save(folder / f"{name}.npy", array)
    savemat(folder / "BFM_model_front.mat", {**bfm.mat, **changed}, do_compression=False)
    return folder / "BFM_model_front.mat"
