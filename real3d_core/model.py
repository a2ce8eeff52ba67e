"""The MODEL wire: which backend serves the stages, and how a backend reaches its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

import torch
from torch import nn

from .errors import CheckpointError

if TYPE_CHECKING:
    from .face_model.bfm import FaceModel
    from .wires import DecoderWeights

BUILT_IN = "built-in"

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


@dataclass(frozen=True)
class Model:
    """A backend of the stages.

    name        what the user picked: "built-in" or the name of a converted file.
    kind        "analytic" (needs no weights) or "network".
    networks    what the stages compute with; None if kind is "analytic".
    """

    name: str
    kind: Literal["analytic", "network"]
    networks: Networks | None = None

    @staticmethod
    def built_in() -> Model:
        """The analytic backend."""
        return Model(name=BUILT_IN, kind="analytic")


@dataclass(frozen=True)
class NetworkSettings:
    """What a trained model was made with and its weights do not tell (docs/model.md, "The networks").

    head_threshold  0..1: where the head's weight is above it, the head hides the background.
    torso_version   kind of the torso network; only "v2" can be run.
    fuse_mode       how head, torso and background are put together; only "v2" can be run.
    origin          where the values come from: "config.yaml", or "released" = those of the released model.
    """

    head_threshold: float = 0.9
    torso_version: str = "v2"
    fuse_mode: str = "v2"
    origin: Literal["config.yaml", "released"] = "released"


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks of one trained model; each is read when it is first asked for, and held once.

    image_to_plane  makes the tri-plane of a portrait (CanonicalPlanes).
    motion_adapter  makes the tri-plane of a motion (MotionPlanes).
    htb_sr          head, torso and background together (FoldedSuperResolution).
    audio_to_motion expressions from speech (PitchContourVAE); None if its file is not there.
    hubert          what the speech network listens with (Hubert); None if its file is not there.
    settings        what the weights do not tell.
    precision       of HTB-SR and of the last layers of the Motion Adapter, which run in every frame; all else
                    is float32.
    folder          where converted files are looked for, for sentences that name a missing one.
    load_*          read the part from its file; call the properties instead, which keep what was read.
    exact           the same networks in float32, for when half precision fails; None if these are.
    """

    image_to_plane: Weights
    motion_adapter: Weights
    htb_sr: Weights
    load_decoder: Callable[[], DecoderWeights]
    load_face_model: Callable[[], FaceModel]
    audio_to_motion: Weights | None = None
    hubert: Weights | None = None
    settings: NetworkSettings = NetworkSettings()
    precision: Precision = "fp32"
    folder: str = "models/real3d_portrait"
    exact: Callable[[], Networks] | None = None

    @cached_property
    def decoder(self) -> DecoderWeights:
        """Reads density and colours out of the tri-planes; float32 on the CPU."""
        return self.load_decoder()

    @cached_property
    def face_model(self) -> FaceModel:
        """The face model that poses and expressions are coefficients of; float32 on the CPU."""
        return self.load_face_model()

    def need_audio_to_motion(self) -> Weights:
        """The speech network. Raises CheckpointError if its file is not there."""
        if self.audio_to_motion is None:
            raise CheckpointError(
                f"There is no speech network in {self.folder}; convert the folder audio2secc_vae of the"
                " released checkpoints with `python convert_model.py FOLDER` and choose it as audio_model in"
                " Load Real3D Model, or take the motion of the built-in model."
            )
        return self.audio_to_motion

    def need_hubert(self) -> Weights:
        """HuBERT. Raises CheckpointError if its file is not there."""
        if self.hubert is None:
            raise CheckpointError(
                f"There are no HuBERT weights in {self.folder}; download pytorch_model.bin of"
                " facebook/hubert-large-ls960-ft and convert it with `python convert_model.py FILE`, or wire"
                " the output of ComfyUI's Audio Encoder Encode."
            )
        return self.hubert


class Weights(Protocol):
    """One network whose weights lie where the host wants them: off the accelerator while nobody uses them.

    The core asks for the network just before it is used, every time, and keeps no reference to it: another
    node may have pushed the weights out since. All may be called from any thread.
    """

    @property
    def device(self) -> torch.device:
        """Where the network computes: where inputs have to be, and where `ready` puts the weights."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights, and of what the network takes and gives."""
        ...

    def ready(self, activation_bytes: int = 0) -> nn.Module:
        """The network on `device`, in eval mode, with no gradients.

        activation_bytes    what a call of the network needs besides the weights; the host makes room for it.
        """
        ...


class Resident:
    """Weights that stay where they are: for tests, and where nobody else wants the memory."""

    def __init__(self, module: nn.Module) -> None:
        self._module = as_weights(module)

    @property
    def device(self) -> torch.device:
        return device_of(self._module)

    @property
    def dtype(self) -> torch.dtype:
        return dtype_of(self._module)

    def ready(self, activation_bytes: int = 0) -> nn.Module:
        return self._module


def as_weights(module: nn.Module) -> nn.Module:
    """The module itself in eval mode, its parameters without gradients and no inference tensors among them.

    What is built inside a ComfyUI node is made of inference tensors, which nobody may change outside of
    inference mode, and weights are moved in any mode. Building a module under `torch.inference_mode(False)`
    spares the copies made here.
    """
    copies: dict[torch.Tensor, torch.Tensor] = {}  # tensors that several layers share stay shared
    with torch.inference_mode(False), torch.no_grad():
        for part in module.modules():
            for name, value in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)):
                if value.is_inference() and value not in copies:
                    is_parameter = isinstance(value, nn.Parameter)
                    copies[value] = nn.Parameter(value.clone(), False) if is_parameter else value.clone()
                if value in copies:
                    setattr(part, name, copies[value])
        return module.eval().requires_grad_(False)


def device_of(module: nn.Module) -> torch.device:
    """Where a module's first parameter or buffer lies; the CPU if it has none."""
    return next((one.device for one in _tensors(module)), torch.device("cpu"))


def dtype_of(module: nn.Module) -> torch.dtype:
    """Type of a module's first floating-point parameter or buffer; float32 if it has none."""
    return next((one.dtype for one in _tensors(module) if one.is_floating_point()), torch.float32)


def is_on(module: nn.Module, device: torch.device) -> bool:
    """Whether all parameters and buffers lie on a device."""
    return all(one.device == device for one in _tensors(module))


def _tensors(module: nn.Module) -> Iterator[torch.Tensor]:
    yield from module.parameters()
    yield from module.buffers()
