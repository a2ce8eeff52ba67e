"""The names of nodes/host.py for a run without ComfyUI; folders and progress are those of the session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...real3d_core.model import Resident
from . import io, video
from .mesh import Mesh
from .session import current, node_title


class ComfyExtension:
    """Base of what `comfy_entrypoint` gives."""

    async def on_load(self) -> None:
        """Called once, before the nodes are asked for."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        raise NotImplementedError


class Input:
    Video = video.Video


class InputImpl:
    VideoFromFile = video.VideoFromFile
    VideoFromComponents = video.VideoFromComponents


class Types:
    VideoCodec = video.VideoCodec
    VideoContainer = video.VideoContainer
    VideoComponents = video.VideoComponents
    MESH = Mesh


def folder(kind: str) -> Path:
    """The folder "input", "output" or "temp"."""
    return {"input": current().input, "output": current().output, "temp": current().temp}[kind]


def model_folders() -> list[Path]:
    """Where face nets and converted networks are looked for; the first is where fetched files go."""
    return [current().models / "real3d_portrait", current().models / "detection"]


def audio_encoder_folders() -> list[Path]:
    """Where core's Load Audio Encoder looks, whose HuBERT files serve here too."""
    return [current().models / "audio_encoders"]


def register_models() -> None:
    """Nothing to do: nobody else looks for models here."""


def is_trusted(name: str) -> bool:
    """Whether the user typed this file name for this run."""
    return name in current().trusted


def chosen_output() -> Path | None:
    """The file that the user chose for the result; None = a number in the output folder."""
    return current().output_file


def device() -> torch.device:
    """Where tri-planes are made and rendered: an NVIDIA GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half_dtype() -> torch.dtype:
    """Type of the weights if the user asks for half precision: bfloat16, else float16, on a GPU only."""
    if device().type == "cpu":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


class ManagedModule(Resident):
    """`real3d_core.model.Weights` where nobody else needs the memory: on `device()` from the first use on."""

    @property
    def device(self) -> torch.device:
        return device()

    def ready(self, activation_bytes: int = 0) -> torch.nn.Module:
        with torch.inference_mode(False), torch.no_grad():
            return self._module.to(self.device)


def check() -> None:
    """Nothing to do: Ctrl-C raises KeyboardInterrupt by itself."""


class Progress:
    """Tells the session how far the node that runs is."""

    def __init__(self, total: int) -> None:
        self._total = total

    def update(self, done: int, picture: torch.Tensor | None = None) -> None:
        """`done` steps are done; the picture has nowhere to be shown."""
        current().on_progress(node_title(), done, self._total)


def workflow_metadata(node: type[io.ComfyNode]) -> dict[str, Any]:
    """What goes into saved files: "workflow" and "prompt"."""
    prompt = {} if node.hidden.prompt is None else {"prompt": node.hidden.prompt}
    return dict(node.hidden.extra_pnginfo or {}) | prompt
