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
    import threading
    from pathlib import Path

    import comfy.model_management
    import comfy.model_patcher
    import comfy.utils
    import folder_paths
    import torch
    from comfy.cli_args import args
    from comfy_api.latest import ComfyExtension, Input, InputImpl, Types, io, ui

    from ..real3d_core.model import as_weights, dtype_of, is_on

    PREVIEW_SIZE = 512  # longest side of the pictures that a progress bar shows

    def folder(kind: str) -> Path:
        """The folder "input", "output" or "temp"."""
        return Path(folder_paths.get_directory_by_type(kind))

    def model_folders() -> list[Path]:
        """Where face nets and converted networks are looked for; the first is where fetched files go."""
        return [*_folders("real3d_portrait"), *_folders("detection")]

    def audio_encoder_folders() -> list[Path]:
        """Where core's Load Audio Encoder looks, whose HuBERT files serve here too."""
        return _folders("audio_encoders")

    def _folders(name: str) -> list[Path]:
        known = name in folder_paths.folder_names_and_paths
        return [Path(path) for path in folder_paths.get_folder_paths(name)] if known else []

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

    def half_dtype() -> torch.dtype:
        """Type of the weights if the user asks for half precision: what ComfyUI says this device does well.

        The networks were trained in float32 and do not limit their activations, so bfloat16, which has
        float32's range, goes before float16; where neither is any good, it stays float32.
        """
        if comfy.model_management.should_use_bf16(device()):
            return torch.bfloat16
        return torch.float16 if comfy.model_management.should_use_fp16(device()) else torch.float32

    class Real3DNetwork(torch.nn.Module):
        """Holds a network for ComfyUI, which writes attributes of its own (`device` too) into what it loads
        and names it in the log.
        """

        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network

    class ManagedModule:
        """`real3d_core.model.Weights` by ComfyUI's model management.

        The weights lie on the offload device until they are used, go back there when other models need the
        room or the user unloads models, and are freed with this object.
        """

        _loading = threading.Lock()  # ComfyUI's list of loaded models is not made for several threads

        def __init__(self, module: torch.nn.Module) -> None:
            manager = comfy.model_management
            self._patcher = comfy.model_patcher.ModelPatcher(
                Real3DNetwork(as_weights(module)),
                load_device=manager.get_torch_device(),
                offload_device=manager.unet_offload_device(),
            )

        @property
        def device(self) -> torch.device:
            return self._patcher.load_device

        @property
        def dtype(self) -> torch.dtype:
            return dtype_of(self._patcher.model)

        def ready(self, activation_bytes: int = 0) -> torch.nn.Module:
            held = self._patcher.model
            with self._loading, torch.inference_mode(False), torch.no_grad():
                comfy.model_management.load_models_gpu(
                    [self._patcher], memory_required=activation_bytes, force_full_load=True
                )
                # With --novram ComfyUI leaves ordinary modules where they are: only its own kinds of layers
                # fetch their weights as they compute.
                if not is_on(held, self.device):
                    held.to(self.device)
            return held.network

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
        ManagedModule,
        Progress,
        Types,
        audio_encoder_folders,
        check,
        chosen_output,
        device,
        folder,
        half_dtype,
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
    "ManagedModule",
    "Progress",
    "Types",
    "audio_encoder_folders",
    "check",
    "chosen_output",
    "device",
    "folder",
    "half_dtype",
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
