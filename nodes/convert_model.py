"""Convert Real3D Model: original files of weights become files that Load Real3D Model lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..real3d_core.checkpoints import convert, original_of, originals
from ..real3d_core.errors import CheckpointError
from . import host, wire_types
from .host import io, schema

NOTHING = "nothing found"


class ConvertModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        names = sorted(_sources()) or [NOTHING]
        return schema(
            node_id="R3DP_ConvertModel",
            display_name="Convert Real3D Model",
            category=wire_types.CATEGORY,
            description="Turns an original checkpoint, face model or HuBERT into a file that Load Real3D"
            " Model lists. Needed once for each; nothing in the original is ever run as code.",
            search_aliases=["checkpoint", "ckpt", "safetensors", "bfm", "hubert", "import"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],  # as servers add to every output node
            inputs=[
                io.Combo.Input(
                    "source",
                    options=names,
                    default=names[0],
                    tooltip="What lies in models/real3d_portrait or models/audio_encoders: a folder with"
                    " model_ckpt_steps_*.ckpt and config.yaml, BFM_model_front.mat with the .npy lists beside"
                    " it, or HuBERT's pytorch_model.bin. Press R after you have put files there.",
                )
            ],
            outputs=[io.String.Output("file", tooltip="Name of the new file in models/real3d_portrait.")],
        )

    @classmethod
    def execute(cls, source: str) -> Any:
        made = convert(_source(source), host.model_folders()[0], check=host.check)
        return io.NodeOutput(made.path.name, ui=host.ui.PreviewText(f"{made.path.name}: {made.kind}"))

    @classmethod
    def validate_inputs(cls, source: str | None = NOTHING) -> bool | str:
        try:
            _source(source or NOTHING)
        except CheckpointError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, source: str) -> tuple[int, int]:
        state = original_of(_source(source)).stat()
        return state.st_mtime_ns, state.st_size


def _sources() -> dict[str, Path]:
    """What can be converted, by its path below the folder it was found in."""
    folders = [*host.model_folders(), *host.audio_encoder_folders()]
    found = [(folder, path) for folder in folders for path in originals(folder)]
    return {path.relative_to(folder).as_posix(): path for folder, path in reversed(found) if path != folder}


def _source(name: str) -> Path:
    """Only what is listed: a workflow may come from somebody else, and names no other file."""
    path = _sources().get(name)
    if path is None:
        raise CheckpointError(
            f"There is no {name[:200]!r} to convert in {host.model_folders()[0]}; put the original files"
            " there and choose one, or run `python convert_model.py FILE`."
        )
    return path
