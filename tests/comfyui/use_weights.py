"""Run by test_model_management.py from ComfyUI's folder: loads, uses, unloads and drops weights, prints JSON.

Arguments: the pack's folder, then ComfyUI's own.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import torch


class Network(torch.nn.Module):
    """A layer, a parameter beside it, a buffer, and a property that ComfyUI's attribute must not meet."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 8, 3)
        self.constant = torch.nn.Parameter(torch.randn(8, 1, 1))
        self.register_buffer("filter", torch.ones(8, 1, 1))

    @property
    def device(self) -> torch.device:
        return self.constant.device

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) * self.filter + self.constant


def tensors(module: torch.nn.Module) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]


def load_host(folder: Path) -> ModuleType:
    """nodes/host.py of the pack, in a Python that holds ComfyUI as a server would."""
    import comfy.options

    comfy.options.enable_args_parsing()
    importlib.import_module("comfy_api.latest")
    spec = importlib.util.spec_from_file_location(
        "pack", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules["pack"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["pack"])
    return importlib.import_module("pack.nodes.host")


def life_of_weights(host: ModuleType, seen: dict[str, Any]) -> weakref.ref[torch.Tensor]:
    """Makes, uses and unloads weights; what is left when they have gone out of scope."""
    import comfy.model_management as mm

    def listed() -> int:
        return listed_by(host)

    with torch.inference_mode():  # as in a node
        network = Network()
        seen["made_of_inference_tensors"] = all(one.is_inference() for one in tensors(network))
        weights = host.ManagedModule(network)
        seen["holds_inference_tensors"] = any(one.is_inference() for one in tensors(network))
        seen["listed_when_made"] = listed()
        picture = torch.rand(1, 3, 16, 16, device=weights.device)
        first = weights.ready(1 << 20)(picture)
        seen["listed_when_used"] = listed()
        seen["training"] = weights.ready().training
        seen["listed_when_used_again"] = listed()
        seen["device"], seen["dtype"] = str(weights.device), str(weights.dtype)
        seen["devices_when_used"] = sorted({str(one.device) for one in tensors(network)})
        seen["finite"] = bool(torch.isfinite(first).all())
    mm.unload_all_models()  # outside of inference mode, as the server does it
    mm.soft_empty_cache()
    seen["listed_after_unload"] = listed()
    seen["devices_after_unload"] = sorted({str(one.device) for one in tensors(network)})
    with torch.inference_mode():
        seen["same_result_after_unload"] = torch.equal(weights.ready()(picture), first)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: weights.ready()(picture), range(32)))
    seen["threads_agree"] = all(torch.equal(one, first) for one in results)
    seen["listed_after_threads"] = listed()
    return weakref.ref(network.constant)


def listed_by(host: ModuleType) -> int:
    """How many networks of ours are among the models that ComfyUI holds loaded."""
    import comfy.model_management as mm

    models = [loaded.model.model for loaded in mm.current_loaded_models if loaded.model is not None]
    return sum(isinstance(model, host.Real3DNetwork) for model in models)


def main() -> None:
    host = load_host(Path(sys.argv.pop(1)))
    import comfy.model_management as mm

    seen: dict[str, Any] = {"load": str(mm.get_torch_device()), "offload": str(mm.unet_offload_device())}
    left = life_of_weights(host, seen)
    gc.collect()
    seen["freed"], seen["listed_after_drop"] = left() is None, listed_by(host)

    elsewhere = host.ManagedModule(Network())
    elsewhere._patcher.offload_device = torch.device("meta")
    held = elsewhere.ready()
    mm.unload_all_models()
    seen["devices_after_unload_elsewhere"] = sorted({str(one.device) for one in tensors(held)})

    seen["half_dtype"] = str(host.half_dtype())
    seen["bf16"], seen["fp16"] = bool(mm.should_use_bf16()), bool(mm.should_use_fp16())
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
