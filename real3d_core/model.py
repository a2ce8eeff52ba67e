"""The MODEL wire: which backend serves the stages, and how a backend reaches its weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

BUILT_IN = "built-in"


@dataclass(frozen=True)
class Model:
    """A backend of the stages.

    name    what the user picked: "built-in" or the name of a converted file.
    kind    "analytic" (needs no weights) or "network".
    """

    name: str
    kind: str

    @staticmethod
    def built_in() -> Model:
        """The analytic backend."""
        return Model(name=BUILT_IN, kind="analytic")


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
