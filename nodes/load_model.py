"""Load Real3D Model: the backend of the stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from ..real3d_core.checkpoints import Files, Host, ModelFile, files_of, load_model, model_files
from ..real3d_core.checkpoints.store import Kind
from ..real3d_core.errors import Real3DError
from ..real3d_core.model import BUILT_IN, Model, Precision
from . import host, wire_types
from .host import io, schema

AUTOMATIC, NONE = "automatic", "none"


class LoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        there = _there()
        return schema(
            node_id="R3DP_LoadModel",
            display_name="Load Real3D Model",
            category=wire_types.CATEGORY,
            description="Chooses what makes the tri-plane and the motion. Stages with no model connected use"
            " the built-in one, which needs no files.",
            search_aliases=["checkpoint", "real3d portrait", "backend"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[BUILT_IN, *_names(there, "talking-head")],
                    default=BUILT_IN,
                    tooltip="built-in: works from the photo alone, without any weights. Trained models are"
                    " listed here once Convert Real3D Model has put them into models/real3d_portrait.",
                ),
                io.Combo.Input(
                    "audio_model",
                    options=[AUTOMATIC, NONE, *_names(there, "audio-to-motion")],
                    default=AUTOMATIC,
                    optional=True,
                    tooltip="The speech network of a trained model: automatic takes the first one there is."
                    " built-in does not use it.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(get_args(Precision)),
                    default="fp32",
                    optional=True,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="Of a trained model's picture networks. fp32 is what they were trained in; bf16"
                    " and fp16 take half the memory, but are not verified on the released weights.",
                ),
            ],
            outputs=[
                wire_types.Model.Output(
                    "model",
                    tooltip="Connect it to Image-to-Plane and Audio-to-Motion; both must have the same.",
                )
            ],
        )

    @classmethod
    def execute(cls, model: str, audio_model: str = AUTOMATIC, precision: Precision = "fp32") -> Any:
        if model == BUILT_IN:
            return io.NodeOutput(Model.built_in())
        loading = Host(hold=host.ManagedModule, device=host.device)
        files = _files(model, audio_model)
        return io.NodeOutput(load_model(model, files, precision, loading, host.model_folders()[0]))

    @classmethod
    def validate_inputs(cls, model: str | None = BUILT_IN, audio_model: str | None = AUTOMATIC) -> bool | str:
        """Says what is missing, and how to get it, before anything runs."""
        try:
            if model != BUILT_IN:
                _files(model or "", audio_model or AUTOMATIC)
        except Real3DError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, model: str, **_: Any) -> tuple[Any, ...]:
        """Files that came, went or changed make the node run again."""
        if model == BUILT_IN:
            return ()
        return tuple((file.name, *_state(file.path)) for file in _there())


def _there() -> list[ModelFile]:
    return model_files(host.model_folders(), host.audio_encoder_folders())


def _files(model: str, audio_model: str) -> Files:
    audio = {AUTOMATIC: "", NONE: None}.get(audio_model, audio_model)
    return files_of(model, audio, _there(), host.model_folders()[0])


def _names(there: list[ModelFile], kind: Kind) -> list[str]:
    return [file.name for file in there if file.kind == kind]


def _state(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return (0, 0)
    return state.st_mtime_ns, state.st_size
