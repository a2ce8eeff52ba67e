"""Runs a module once and keeps what its parts gave."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def outputs_of(module: nn.Module, parts: dict[str, str], *inputs: Tensor) -> dict[str, object]:
    """Calls module(*inputs); {name: output of the submodule parts[name]}, "" being the module itself."""
    kept: dict[str, object] = {}
    hooks = []
    for name, part in parts.items():

        def keep(_module: nn.Module, _inputs: object, output: object, name: str = name) -> None:
            kept[name] = output

        hooks.append(module.get_submodule(part).register_forward_hook(keep))
    try:
        with torch.no_grad():
            module(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return kept
