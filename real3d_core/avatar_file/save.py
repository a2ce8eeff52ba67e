"""TRIPLANE and PORTRAIT -> an avatar file (docs/model.md, "Avatar files")."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ..checkpoints.store import write_entries
from ..errors import BackendError, OutputError
from ..image_to_plane.avatar import AnalyticAvatar, portrait_key
from ..image_to_plane.network import NetworkAvatar
from ..streaming import no_check
from ..wires import PORTRAIT_SIZE, Portrait, TriPlane
from .layout import ENTRIES, FORMAT, THUMBNAIL, XZ_CHANNELS, Backend, Channel
from .without_photo import without_photo

HIGHEST_HALF = 65504.0


@dataclass(frozen=True)
class AvatarSettings:
    """precision "fp16" stores pictures and fields in half precision; include_photo False leaves the photo
    out, and the avatar shows rendered colours.
    """

    precision: Literal["fp32", "fp16"] = "fp32"
    include_photo: bool = True


def save_avatar(
    triplane: TriPlane,
    portrait: Portrait,
    path: Path,
    settings: AvatarSettings | None = None,
    check: Callable[[], None] = no_check,
) -> int:
    """Writes the head as it is at rest, with its portrait; returns the file's size in bytes.

    A motion of the tri-plane is not saved. The file appears whole or not at all.
    Raises BackendError if the portrait is not the tri-plane's own or a head of trained networks is to be
    saved without its photo, which they need in every frame; OutputError if the file cannot be written.
    """
    settings = settings or AvatarSettings()
    triplane, portrait = replace(triplane, motion=None, adapter=None).to("cpu"), portrait.to("cpu")
    avatar = triplane.avatar
    if not isinstance(avatar, (AnalyticAvatar, NetworkAvatar)) or avatar.photo_key != portrait_key(portrait):
        raise BackendError(
            "Save Avatar got a TRIPLANE made from another PORTRAIT; connect the same Load Portrait to both."
        )
    backend: Backend = "analytic" if isinstance(avatar, AnalyticAvatar) else "network"
    if not settings.include_photo:
        if backend == "network":
            raise BackendError(
                "An avatar of trained networks cannot be saved without its photo, which they need in every"
                " frame; switch include_photo on."
            )
        triplane, portrait = without_photo(triplane, portrait)
        check()
    entries = _shared(triplane, portrait)
    entries |= _analytic(triplane) if backend == "analytic" else _network(triplane)
    if settings.precision == "fp16":
        entries = {name: _halved(name, value, backend) for name, value in entries.items()}
    metadata = {
        "format": FORMAT,
        "backend": backend,
        "precision": settings.precision,
        "photo": "yes" if settings.include_photo else "no",
        "model": triplane.model.name,
        "config": json.dumps(_config(triplane, portrait)),
    }
    write_entries(path, entries, metadata, check)
    return path.stat().st_size


def _shared(triplane: TriPlane, portrait: Portrait) -> dict[str, Tensor]:
    names = ("image", "photo", "crop_to_photo", "landmarks", "person", "head_weight", "foreground", "torso")
    entries = {f"portrait.{name}": getattr(portrait, name) for name in (*names, "background", "camera")}
    factor = PORTRAIT_SIZE // THUMBNAIL
    small = portrait.image.reshape(THUMBNAIL, factor, THUMBNAIL, factor, 3).mean((1, 3))
    return entries | {
        "portrait.segmentation": portrait.segmentation.argmax(0).to(torch.uint8),
        "thumbnail": (small.clamp(0, 1) * 255).round().to(torch.uint8),
        "camera": triplane.camera,
        "pivot": triplane.pivot,
        **{f"decoder.{name}": getattr(triplane.decoder, name) for name in ("w1", "b1", "w2", "b2")},
    }


def _analytic(triplane: TriPlane) -> dict[str, Tensor]:
    avatar, planes = triplane.avatar, triplane.planes[0]
    return {
        "planes.xy": planes[0, : len(Channel)],
        "planes.xz": planes[1, list(XZ_CHANNELS)],
        **{
            f"avatar.{name}": getattr(avatar, name)
            for name in ("surfaces", "points", "axes", "inner", "lip", "iris")
        },
        **{f"mouth.{name}": getattr(avatar.mouth, name) for name in ("s", "below", "near", "across")},
        **{f"fields.{name}": getattr(avatar.fields, name) for name in ("displacements", "upper", "lower")},
    }


def _network(triplane: TriPlane) -> dict[str, Tensor]:
    avatar: NetworkAvatar = triplane.avatar
    seen = avatar.seen
    coefficients = ("identity", "expression", "euler", "translation")
    pictures = ("image", "head", "torso", "background", "landmarks", "crop_to_photo")
    return {
        "planes": triplane.planes,
        **{
            f"coefficients.{name}": getattr(avatar.coefficients, name).reshape(-1).float()
            for name in coefficients
        },
        **{f"seen.{name}": getattr(seen, name) for name in pictures},
        "seen.segmentation": seen.segmentation.argmax(0).to(torch.uint8),
    }


def _config(triplane: TriPlane, portrait: Portrait) -> dict[str, Any]:
    config: dict[str, Any] = {"findings": list(portrait.findings)}
    avatar = triplane.avatar
    if isinstance(avatar, AnalyticAvatar):
        config |= {
            "centimetre": float(avatar.centimetre),
            "mouth_width": float(avatar.mouth.width),
            "mouth_gap": float(avatar.mouth.gap),
            "mouth_is_open": bool(avatar.mouth.is_open),
            "shapes": list(avatar.fields.names),
            "box": [int(edge) for edge in avatar.fields.box],
        }
    return config


def _halved(name: str, value: Tensor, backend: Backend) -> Tensor:
    if ENTRIES[backend][name].stored != "half":
        return value
    if float(value.abs().max()) > HIGHEST_HALF:
        raise OutputError(
            f"The avatar's {name} has values too large for half precision; save it with precision fp32."
        )
    return value.half()
