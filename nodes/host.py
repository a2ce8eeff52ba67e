"""The only file that knows ComfyUI: what the nodes use of it, and what stands in for it where there is none.

Inside a server `comfy_api` is loaded long before any pack; where it is not, the same names come from
nodes/headless/, so that the node classes run unchanged under run_workflow.py and the tests.

Nodes declare themselves with `schema(...)`, which drops what an older server does not know; an input that
only experts need says `extra_dict={"advanced": True}`, which every supported server takes.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any

IN_COMFYUI = "comfy_api" in sys.modules

if IN_COMFYUI:
    import os
    from pathlib import Path

    import comfy.model_management
    import comfy.utils
    import folder_paths
    import torch
    from comfy.cli_args import args
    from comfy_api.latest import ComfyExtension, Input, InputImpl, Types, io, ui

    PREVIEW_SIZE = 512  # longest side of the pictures that a progress bar shows

    def folder(kind: str) -> Path:
        """The folder "input", "output" or "temp"."""
        return Path(folder_paths.get_directory_by_type(kind))

    def model_folders() -> list[Path]:
        """Where face nets and converted networks are looked for; the first is where fetched files go."""
        names = ("real3d_portrait", "detection")
        known = folder_paths.folder_names_and_paths
        return [Path(path) for name in names if name in known for path in folder_paths.get_folder_paths(name)]

    def register_models() -> None:
        """Adds models/real3d_portrait to ComfyUI's folders; a user's own entry of that name stays first."""
        name, endings = "real3d_portrait", {".safetensors", ".task", ".tflite"}
        folder_paths.add_model_folder_path(name, os.path.join(folder_paths.models_dir, name))
        paths, known = folder_paths.folder_names_and_paths[name]
        folder_paths.folder_names_and_paths[name] = (paths, set(known) | endings)

    def is_trusted(name: str) -> bool:
        """Whether the user typed this file name for this run; a server cannot know."""
        return False

    def chosen_output() -> Path | None:
        """The file that the user chose for the result; on a server results are numbered."""
        return None

    def device() -> torch.device:
        """Where tri-planes are made and rendered."""
        return comfy.model_management.get_torch_device()

    def check() -> None:
        """Ends the node if the user has pressed Cancel."""
        comfy.model_management.throw_exception_if_processing_interrupted()

    class Progress:
        """The progress bar of the node that runs, with a picture now and then."""

        def __init__(self, total: int) -> None:
            self._bar = comfy.utils.ProgressBar(total)

        def update(self, done: int, picture: torch.Tensor | None = None) -> None:
            """`done` steps are done; picture [h, w, 3 or 4] float 0..1 or uint8, alpha not shown."""
            self._bar.update_absolute(done, preview=None if picture is None else _preview(picture))

    def _preview(picture: torch.Tensor) -> tuple[str, Any, int]:
        from PIL import Image

        from ..real3d_core.video.encoder import picture_array

        return "JPEG", Image.fromarray(picture_array(picture[..., :3])), PREVIEW_SIZE

    def workflow_metadata(node: type[io.ComfyNode]) -> dict[str, Any]:
        """What core writes into saved files: "workflow" and "prompt"; empty if the server was told not to."""
        if args.disable_metadata:
            return {}
        prompt = {} if node.hidden.prompt is None else {"prompt": node.hidden.prompt}
        return dict(node.hidden.extra_pnginfo or {}) | prompt

else:
    from .headless import io, ui
    from .headless.stand_in import (
        ComfyExtension,
        Input,
        InputImpl,
        Progress,
        Types,
        check,
        chosen_output,
        device,
        folder,
        is_trusted,
        model_folders,
        register_models,
        workflow_metadata,
    )

__all__ = [
    "IN_COMFYUI",
    "ComfyExtension",
    "Input",
    "InputImpl",
    "Progress",
    "Types",
    "check",
    "chosen_output",
    "device",
    "folder",
    "io",
    "is_trusted",
    "model_folders",
    "register_models",
    "schema",
    "ui",
    "workflow_metadata",
]


def schema(**keywords: Any) -> io.Schema:
    """A node's schema from the keywords that this host knows.

    Old servers refuse a whole pack for one unknown keyword; what newer keywords say is only ever a comfort.
    """
    known = {field.name for field in fields(io.Schema)}
    return io.Schema(**{name: value for name, value in keywords.items() if name in known})
