"""The host: old servers, what the pack's import brings in, the entry point."""

import asyncio
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import nn

import real3d_portrait
from real3d_portrait import nodes
from real3d_portrait.nodes import host
from real3d_portrait.nodes.headless import stand_in

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class OldSchema:
    """The schema of a server that knows neither aliases nor later keywords."""

    node_id: str
    display_name: str | None = None
    category: str = ""
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    description: str = ""
    is_output_node: bool = False


def test_an_old_server_gets_only_what_it_knows(monkeypatch):
    monkeypatch.setattr(host, "io", SimpleNamespace(Schema=OldSchema))
    for node in nodes.NODES:
        schema = node.define_schema()
        assert isinstance(schema, OldSchema)
        assert schema.node_id and schema.description


def test_the_entry_point_gives_all_nodes():
    extension = asyncio.run(real3d_portrait.comfy_entrypoint())
    assert isinstance(extension, host.ComfyExtension)
    assert asyncio.run(extension.get_node_list()) == list(nodes.NODES)
    assert (ROOT / real3d_portrait.WEB_DIRECTORY / "docs").is_dir()
    assert not hasattr(real3d_portrait, "NODE_CLASS_MAPPINGS")


def test_the_model_folders_are_known_once_the_entry_point_has_run(monkeypatch):
    """ComfyUI 0.8 calls nothing else."""
    called = []
    monkeypatch.setattr(host, "register_models", lambda: called.append(True))
    asyncio.run(real3d_portrait.comfy_entrypoint())
    assert called


def test_weights_without_comfyui():
    """The same promises as in ComfyUI (tests/comfyui/test_model_management.py), with nobody to move them."""
    with torch.inference_mode():
        weights = host.ManagedModule(nn.Linear(3, 3))
    assert weights.device == host.device() and weights.dtype == torch.float32
    with ThreadPoolExecutor(4) as pool:
        modules = set(pool.map(weights.ready, [10**9] * 8))
    (module,) = modules
    assert not module.training and not any(one.is_inference() for one in module.parameters())
    assert {one.device for one in module.parameters()} == {weights.device}
    left = weakref.ref(module.weight)
    del weights, module, modules
    assert left() is None


def test_half_precision_is_for_accelerators(monkeypatch):
    assert host.half_dtype() == torch.float32 or torch.cuda.is_available()
    for supported, wanted in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(stand_in, "device", lambda: torch.device("cuda"))
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda supported=supported: supported)
        assert host.half_dtype() == wanted


def test_the_import_brings_in_nothing_heavy():
    code = (
        "import sys, torch, numpy; before = set(sys.modules)\n"
        "import run_workflow; run_workflow.load_pack()\n"
        "heavy = {'cv2', 'av', 'PIL', 'scipy', 'librosa', 'skimage', 'tqdm', 'einops', 'safetensors'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_host_knows_comfyui():
    for file in (ROOT / "nodes").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if file.name != "host.py":
            for word in ("import comfy", "from comfy", "import folder_paths", "import nodes"):
                assert word not in text, f"{file.name} says {word!r}"
    for file in (ROOT / "real3d_core").rglob("*.py"):
        assert "import comfy" not in file.read_text(encoding="utf-8")
        assert "from comfy" not in file.read_text(encoding="utf-8")
