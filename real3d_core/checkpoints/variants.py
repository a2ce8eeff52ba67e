"""What a checkpoint holds, and which relatives of the released models cannot be run (docs/model.md)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CheckpointError
from ..model import NetworkSettings
from .store import Kind
from .untrusted import read_text

Scalar = str | float | bool | None

RELEASED: dict[str, Scalar] = {
    "triplane_feature_type": "triplane",
    "triplane_depth": 1,
    "triplane_hid_dim": 32,
    "img2plane_backbone_mode": "composite",
    "img2plane_backbone_scale": "standard",
    "img2plane_input_mode": "rgb",
    "secc_segformer_scale": "b0",
    "pncc_cond_mode": "cano_src_tgt",
    "phase1_plane_fusion_mode": "add",
    "neural_rendering_resolution": 128,
    "final_resolution": 512,
    "box_warp": 1,
    "w_dim": 512,
    "base_channel": 32768,
    "max_channel": 512,
    "large_sr": False,
    "sr_type": "vanilla",
    "torso_model_version": "v2",
    "torso_inp_mode": "rgb_alpha",
    "torso_kp_num": 4,
    "weight_fuse": True,
    "htbsr_head_weight_fuse_mode": "v2",
    "mul_torso_mask": True,
    "torso_mask_dilate_ksize": 7,
    "mask_invalid_rays": False,
}
"""Settings that the networks were written for; a checkpoint whose config.yaml says otherwise is refused."""

_LINE = re.compile(r"^([A-Za-z_]\w*):(.*)$", re.MULTILINE)
_QUOTED = re.compile(r"""(?:'((?:[^']|'')*)'|"([^"\\]*)")(?:\s+\#.*)?""")
_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True)
class Config:
    """The scalars at the top level of a config.yaml; empty where there is none."""

    path: Path | None
    values: Mapping[str, Scalar]

    @staticmethod
    def beside(checkpoint: Path) -> Config:
        """The config.yaml in the folder of a checkpoint. Raises CheckpointError if it cannot be read."""
        path = checkpoint.with_name("config.yaml")
        if not path.is_file():
            return Config(None, {})
        return Config(path, {name: _scalar(text) for name, text in _LINE.findall(read_text(path))})


def _scalar(text: str) -> Scalar:
    """One plain or quoted value; what is no scalar stays the text that it is."""
    text = text.strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return quoted[1].replace("''", "'") if quoted[1] is not None else quoted[2]
    text = re.split(r"\s#", text, maxsplit=1)[0].strip()
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    try:
        return float(text)
    except ValueError:
        return text


def kind_of(entries: Mapping[str, Any]) -> Kind | None:
    """What the entries of a checkpoint belong to; None if to nothing known here."""
    if any(name.startswith("cano_img2plane_backbone.") for name in entries):
        return "talking-head"
    if "mel_encoder.0.weight" in entries:
        return "audio-to-motion"
    if any(name.endswith("feature_projection.projection.weight") for name in entries):
        return "hubert"
    return None


def refuse_variants(path: Path, kind: Kind, entries: Mapping[str, Any], config: Config) -> None:
    """Raises CheckpointError that names the variant, if it is a known one that cannot be run."""
    if kind == "talking-head":
        variant = _head_variant(entries) or _other_setting(config)
    elif kind == "audio-to-motion":
        variant = _audio_variant(entries, config)
    else:
        variant = None
    if variant:
        raise CheckpointError(
            f"{path} is {variant}, which cannot be run here; choose the released checkpoint"
            f" {'secc2plane_torso_orig' if kind == 'talking-head' else 'audio2secc_vae'}."
        )


def _head_variant(entries: Mapping[str, Any]) -> str | None:
    last = _shape(entries.get("cano_img2plane_backbone.triplane_predictor_vit.final_conv.weight"))
    if any(name.startswith("plane2grid_module.") for name in entries) or (last and last[0] != 96):
        return "the newer recipe with several layers in each plane (trigrid_v2)"
    if not any(name.startswith("superresolution.torso_model.") for name in entries):
        return "a model of the head alone, without torso and background (secc2plane)"
    if any(".spade" in name or name.startswith("superresolution.spade") for name in entries):
        return "a model with another super-resolution (SPADE)"
    return None


def _other_setting(config: Config) -> str | None:
    for name, released in RELEASED.items():
        value = config.values.get(name, released)
        if value != released and value is not None:
            return f"a variant trained with {name} = {str(value)[:40]} (released: {released})"
    return None


def _audio_variant(entries: Mapping[str, Any], config: Config) -> str | None:
    if "icl" in str(config.values.get("task_cls", "")):
        return "an in-context model (icl)"
    if "pitch_embed.weight" not in entries:
        return "a speech network without pitch (VAEModel)"
    if "eye_amp_embed" in entries:
        return "a speech network with an eye amplitude"
    if "mouth_amp_embed" not in entries:
        return "a speech network without a mouth amplitude"
    if not any(name.startswith("vae.prior_flow.") for name in entries):
        return "a speech network without a flow prior"
    heard = _shape(entries.get("mel_encoder.0.weight"))
    if heard and len(heard) > 1 and heard[1] != 1024:
        return f"a speech network that listens to {heard[1]} features instead of HuBERT's 1024"
    said = _shape(entries.get("vae.decoder.out_proj.weight"))
    if said and said[0] == 144:
        return "a speech network that speaks identity and expression (idexp)"
    return None


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(getattr(value, "shape", ()))


def settings_of(config: Config) -> NetworkSettings:
    """The settings of a portrait network. Raises CheckpointError for a value that cannot be."""
    if config.path is None:
        return NetworkSettings()
    threshold = config.values.get("htbsr_head_threshold", NetworkSettings.head_threshold)
    return NetworkSettings(head_threshold=_threshold(config.path, threshold), origin="config.yaml")


def stored_settings(path: Path, config: Mapping[str, Any]) -> NetworkSettings:
    """The settings in the header of a converted file. Raises CheckpointError for a value that cannot be."""
    default = NetworkSettings()
    if any(config.get(name, "v2") != "v2" for name in ("torso_version", "fuse_mode")):
        raise CheckpointError(
            f"{path} holds a variant that this version cannot run; convert the released model again."
        )
    origin = "config.yaml" if config.get("origin") == "config.yaml" else "released"
    threshold = _threshold(path, config.get("head_threshold", default.head_threshold))
    return NetworkSettings(head_threshold=threshold, origin=origin)


def _threshold(path: Path, value: Any) -> float:
    number = value if isinstance(value, float | int) and not isinstance(value, bool) else math.nan
    if not 0 <= number <= 1:
        raise CheckpointError(
            f"The head threshold in {path} is {json.dumps(str(value))[:60]}; it must be a number from 0 to 1."
        )
    return float(number)
