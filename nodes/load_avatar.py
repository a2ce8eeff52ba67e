"""Load Avatar: a file -> TRIPLANE and PORTRAIT."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..real3d_core.errors import Real3DError, WorkflowError
from ..real3d_core.model import Model
from . import host, wire_types
from .host import io, schema
from .paths import input_file, input_names, inside
from .values import image_value

ENDINGS = frozenset({".safetensors"})
SAVED = "Real3D"  # folder in the output folder where Save Avatar puts files unless told otherwise
FOLDER = "avatars"  # in the model folders
_IN_MODELS = re.compile(rf"\s*\[{FOLDER}\]$")


def _names(folder: Path) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        files = [one.name for one in entries if one.is_file() and one.name[0] != "."]
        return sorted(name for name in files if os.path.splitext(name)[1].lower() in ENDINGS)
    return []


def avatar_names() -> list[str]:
    """Files in the input folder, what Save Avatar has saved, as `Real3D/avatar_00001_.safetensors [output]`,
    and those in models/real3d_portrait/avatars, as `me.safetensors [avatars]`.
    """
    kept = {name for folder in host.model_folders() for name in _names(folder / FOLDER)}
    saved = _names(host.folder("output") / SAVED)
    return [
        *input_names(ENDINGS),
        *(f"{SAVED}/{name} [output]" for name in saved),
        *(f"{name} [{FOLDER}]" for name in sorted(kept)),
    ]


def avatar_file(name: str) -> Path:
    """The file that a workflow names. Raises WorkflowError if it leaves its folder or is not there."""
    if host.is_trusted(name) or not _IN_MODELS.search(name):
        return input_file(name)
    own = _IN_MODELS.sub("", name)
    for folder in host.model_folders():
        path = inside(folder / FOLDER, own)
        if own.strip() and path.is_file():
            return path
    raise WorkflowError(
        f"There is no file {own[:100]!r} in models/real3d_portrait/{FOLDER}; put it there, or choose another."
    )


class LoadAvatar(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_LoadAvatar",
            display_name="Load Avatar",
            category=wire_types.CATEGORY,
            description="Reads a head with its portrait that Save Avatar wrote: ready for Motion Adapter at"
            " once, no Load Portrait and no Image-to-Plane.",
            search_aliases=["import", "character", "safetensors", "head", "restore"],
            inputs=[
                io.Combo.Input(
                    "file",
                    options=(names := avatar_names()),
                    default=names[0] if names else None,
                    tooltip="A .safetensors of Save Avatar: in the input folder, saved, or in"
                    " models/real3d_portrait/avatars.",
                ),
                wire_types.Model.Input(
                    "model",
                    optional=True,
                    tooltip="For an avatar of a trained model: that model. Avatars of the built-in model do"
                    " not use it.",
                ),
            ],
            outputs=[
                wire_types.TriPlane.Output("triplane", tooltip="The head at rest: one still frame."),
                wire_types.Portrait.Output("portrait", tooltip="The portrait that belongs to the head."),
                io.Image.Output("thumbnail", tooltip="A small picture of it, 256 x 256 pixels."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls, file: str, model: Model | None = None) -> Any:
        from ..real3d_core.avatar_file import load_avatar

        path = avatar_file(file)
        loaded = load_avatar(path, model)
        device = host.device()
        thumbnail = image_value(loaded.thumbnail)
        holds = "with its photo" if loaded.has_photo else "without its photo"
        size = path.stat().st_size / 1e6
        text = (f"{path.name}: {size:.1f} MB, {loaded.precision}, {holds}.", *loaded.portrait.findings)
        shown = host.ui.PreviewImage(thumbnail, cls=cls).as_dict() | {"text": text}
        return io.NodeOutput(loaded.triplane.to(device), loaded.portrait, thumbnail, ui=shown)

    @classmethod
    def validate_inputs(cls, file: str | None = "") -> bool | str:
        if not file:  # a list without files gives None
            return "No avatar is chosen; save one with Save Avatar, or put one into the input folder."
        try:
            avatar_file(file)
        except Real3DError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, file: str, **_: Any) -> tuple[int, int]:
        entry = avatar_file(file).stat()
        return entry.st_mtime_ns, entry.st_size
