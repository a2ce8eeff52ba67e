"""An avatar file -> TRIPLANE and PORTRAIT. Files may come from anywhere: nothing in them is trusted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..checkpoints.store import read_header
from ..checkpoints.untrusted import fits
from ..errors import BackendError, CheckpointError
from ..face_model.poses import PIVOT
from ..image_to_plane.avatar import AnalyticAvatar, MouthGrid, portrait_key, softened
from ..image_to_plane.layout import analytic_decoder
from ..image_to_plane.network import NetworkAvatar
from ..model import Model
from ..motion_adapter.expression import shape_weights
from ..motion_adapter.fields import COMPONENTS, STEP, ExpressionFields
from ..portrait.network import NetworkPortrait
from ..portrait.segmentation import CLASSES
from ..render_triplane.cameras import built_in_camera
from ..wires import (
    PLANE_CHANNELS,
    PLANE_SIZE,
    DecoderWeights,
    FaceCoefficients,
    Motion,
    Portrait,
    TriPlane,
)
from .layout import ENTRIES, FAMILY, FORMAT, MOST_SHAPES, XZ_CHANNELS, Channel, Entry

LARGEST_SIDE = 16384  # pixels of a photo, as Load Portrait takes it
LARGEST_VALUE = 1e5  # nothing in an avatar is near it, pixels of a photo included


@dataclass(frozen=True)
class LoadedAvatar:
    """triplane, portrait   belong to each other, on the CPU.
    thumbnail           float32 [256, 256, 3], 0..1.
    precision           "fp32" or "fp16", as the file says.
    has_photo           whether it carries the photo.
    """

    triplane: TriPlane
    portrait: Portrait
    thumbnail: Tensor
    precision: str
    has_photo: bool


def load_avatar(path: Path, model: Model | None = None) -> LoadedAvatar:
    """The head and the portrait of an avatar file.

    model   the trained networks that made the head; a head of the built-in backend does not use it.

    Raises CheckpointError for a file that is damaged, foreign or from a newer version, before its entries
    are read; BackendError for a head of trained networks without their model, or with another one.
    """
    header = read_header(path)
    backend = _backend(path, header.metadata)
    if backend == "network" and (model is None or model.networks is None):
        raise BackendError(
            f"The avatar {path.name} was made by the trained model"
            f' "{header.metadata.get("model", "")[:80]}"; choose that model in Load Real3D Model and connect'
            " it to Load Avatar."
        )
    config = header.config
    entries = _entries(path, header.shapes, ENTRIES[backend])
    try:
        portrait = _portrait(entries, config)
        decoder = DecoderWeights(*(entries[f"decoder.{name}"] for name in ("w1", "b1", "w2", "b2")))
        if backend == "analytic":
            triplane = _analytic(entries, config, decoder, portrait)
        else:
            triplane = _network(entries, decoder, portrait, model)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _refused(path, "its settings are not those of an avatar") from error
    thumbnail = entries["thumbnail"].float() / 255
    has_photo = header.metadata.get("photo") != "no"
    return LoadedAvatar(triplane, portrait, thumbnail, header.metadata.get("precision", ""), has_photo)


def _backend(path: Path, metadata: Mapping[str, str]) -> Any:
    said = metadata.get("format", "")
    if said != FORMAT:
        newer = re.fullmatch(re.escape(FAMILY) + r"\d{1,9}", said)
        if newer:
            raise CheckpointError(
                f"{path} was saved by a newer version of Real3D-Portrait; update the pack to load it."
            )
        raise CheckpointError(f"{path} is no avatar; choose a file that Save Avatar wrote.")
    backend = metadata.get("backend")
    if backend not in ENTRIES:
        raise _refused(path, "it does not say which backend made it")
    return backend


def _entries(
    path: Path, there: Mapping[str, tuple[int, ...]], wanted: Mapping[str, Entry]
) -> dict[str, Tensor]:
    """All entries as float32 or uint8; shapes and types are looked at before anything is read."""
    from safetensors import SafetensorError, safe_open

    if set(there) != set(wanted):
        raise _refused(path, "entries are missing or too many")
    for name, entry in wanted.items():
        if not fits(there[name], entry.shape):
            raise _refused(path, f"the entry '{name}' has a wrong shape")
    photo = there["portrait.photo"]
    if not min(photo[:2]) >= 16 or max(photo[:2]) > LARGEST_SIDE:
        raise _refused(path, "its photo has an impossible size")
    entries = {}
    try:
        with safe_open(path, framework="pt") as file:
            for name, entry in wanted.items():
                if file.get_slice(name).get_dtype() not in entry.types:
                    raise _refused(path, f"the entry '{name}' has a wrong type")
            for name, entry in wanted.items():
                value = file.get_tensor(name)
                # A copy: what was read may be a view of the file, which can change.
                entries[name] = value.clone() if entry.stored == "bytes" else value.float().clone()
    except (OSError, SafetensorError, RuntimeError, MemoryError) as error:
        raise _refused(path, "it is damaged") from error
    for name, value in entries.items():
        # NaN compares as False
        if value.is_floating_point() and not bool((value.abs() <= LARGEST_VALUE).all()):
            raise _refused(path, f"the entry '{name}' has values that are no numbers or too large")
    for name in [one for one in entries if one.endswith(".segmentation")]:
        if int(entries[name].max()) >= len(CLASSES):
            raise _refused(path, f"the entry '{name}' has classes that do not exist")
    return entries


def _one_hot(classes: Tensor) -> Tensor:
    return F.one_hot(classes.long(), len(CLASSES)).permute(2, 0, 1).float().contiguous()


def _portrait(entries: Mapping[str, Tensor], config: Mapping[str, Any]) -> Portrait:
    prefix = "portrait."
    parts = {name[len(prefix) :]: value for name, value in entries.items() if name.startswith(prefix)}
    if abs(float(torch.linalg.det(parts["crop_to_photo"][:, :2]))) < 1e-6:
        raise ValueError("the crop has no size")
    parts["segmentation"] = _one_hot(parts["segmentation"])
    findings = tuple(str(line)[:300] for line in list(config["findings"])[:20])
    return Portrait(**parts, findings=findings)


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < LARGEST_VALUE:
        raise ValueError("not a size")
    return float(value)


def _fields(entries: Mapping[str, Tensor], config: Mapping[str, Any]) -> ExpressionFields:
    names, box = tuple(config["shapes"]), tuple(config["box"])
    if len(set(names)) != len(names) or not 0 < len(names) <= MOST_SHAPES:
        raise ValueError("no list of shapes")
    if len(box) != 4 or any(type(edge) is not int or edge % STEP for edge in box):
        raise ValueError("no box")
    r0, r1, c0, c1 = box
    if not (0 <= r0 < r1 <= PLANE_SIZE and 0 <= c0 < c1 <= PLANE_SIZE):
        raise ValueError("no box")
    shape_weights(Motion.still(), names)  # KeyError for a shape that does not exist
    parts = {one: entries[f"fields.{one}"] for one in ("displacements", "upper", "lower")}
    fields = ExpressionFields(names, **parts, box=box)
    numbers = fields.nodes[0] * fields.nodes[1] * COMPONENTS
    if parts["displacements"].shape[0] != len(names) or any(
        tuple(parts[side].shape) != (len(names), numbers) for side in ("upper", "lower")
    ):
        raise ValueError("fields of another size")
    return fields


def _analytic(
    entries: Mapping[str, Tensor], config: Mapping[str, Any], decoder: DecoderWeights, portrait: Portrait
) -> TriPlane:
    own = analytic_decoder()
    if any(not torch.equal(getattr(decoder, name), getattr(own, name)) for name in ("w1", "b1", "w2", "b2")):
        raise ValueError("another decoder")
    if not torch.allclose(entries["camera"], built_in_camera()):
        raise ValueError("another camera")
    if not math.isfinite(config["mouth_gap"]) or type(config["mouth_is_open"]) is not bool:
        raise ValueError("no mouth")
    planes = torch.zeros(1, 3, PLANE_CHANNELS, PLANE_SIZE, PLANE_SIZE)
    planes[0, 0, : len(Channel)] = entries["planes.xy"]
    planes[0, 1, list(XZ_CHANNELS)] = entries["planes.xz"]
    mouth = MouthGrid(
        *(entries[f"mouth.{name}"] for name in ("s", "below", "near", "across")),
        width=_positive(config["mouth_width"]),
        gap=float(config["mouth_gap"]),
        is_open=config["mouth_is_open"],
    )
    whole = {one: entries[f"avatar.{one}"] for one in ("surfaces", "points", "axes", "inner", "lip", "iris")}
    avatar = AnalyticAvatar(
        **whole,
        centimetre=_positive(config["centimetre"]),
        colours=softened(portrait.foreground),
        inside=softened(whole["inner"][0]),
        mouth=mouth,
        fields=_fields(entries, config),
        photo_key=portrait_key(portrait),
    )
    return TriPlane(planes, decoder, entries["camera"], entries["pivot"], Model.built_in(), avatar)


def _network(
    entries: Mapping[str, Tensor], decoder: DecoderWeights, portrait: Portrait, model: Model
) -> TriPlane:
    known = model.networks.decoder.to("cpu")
    if any(
        not torch.equal(getattr(decoder, name), getattr(known, name)) for name in ("w1", "b1", "w2", "b2")
    ):
        raise BackendError(
            f'This avatar was made by other weights than those of the model "{model.name}"; connect the model'
            " that it was saved with."
        )
    names = ("image", "head", "torso", "background", "segmentation", "landmarks", "crop_to_photo")
    seen = NetworkPortrait(**{name: entries[f"seen.{name}"] for name in names})
    seen = replace(seen, segmentation=_one_hot(seen.segmentation))
    parts = ("identity", "expression", "euler", "translation")
    coefficients = FaceCoefficients(**{name: entries[f"coefficients.{name}"] for name in parts})
    avatar = NetworkAvatar(seen, coefficients, portrait_key(portrait))
    pivot = torch.tensor(PIVOT)
    return TriPlane(entries["planes"], decoder, entries["camera"], pivot, model, avatar)


def _refused(path: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{path} cannot be used ({why}); save the avatar again with Save Avatar.")
