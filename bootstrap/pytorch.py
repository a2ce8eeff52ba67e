"""Which build of PyTorch to install: pip's choice, unless that brings CUDA to a machine without a GPU."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .console import QuickstartError, pip, run, say
from .environment import fingerprint, is_finished, stamped

TORCH = "torch==2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""PyTorch's documented address of the builds without CUDA."""

CUDA_PACKAGES = ("nvidia-", "cuda-", "triton")
"""What the names of packages start with that only a CUDA build of PyTorch asks for."""


def has_nvidia_gpu(system: str) -> bool:
    """Whether an NVIDIA driver is at work on this machine (`system` as platform.system() names it)."""
    if system == "Linux" and any(Path("/proc/driver/nvidia/gpus").glob("*")):
        return True
    windows = Path(os.environ.get("SYSTEMROOT", "C:/Windows"))
    if system == "Windows" and (windows / "System32" / "nvcuda.dll").is_file():
        return True
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        answer = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and "GPU" in answer.stdout


def brings_cuda(report: Mapping[str, Any]) -> bool:
    """Whether what pip would install, by its `--report`, is a CUDA build or asks for CUDA's packages here."""
    environment = report.get("environment", {})
    for item in report.get("install", ()):
        metadata = item["metadata"]
        needs = [need for need in metadata.get("requires_dist", ()) if applies(need, environment)]
        names = [metadata["name"], *needs]
        if "+cu" in metadata["version"] or any(name.lower().startswith(CUDA_PACKAGES) for name in names):
            return True
    return False


def applies(requirement: str, environment: Mapping[str, str]) -> bool:
    """Whether the `==` conditions behind a requirement's semicolon hold; an extra's never do."""
    conditions = re.findall(r"""(\w+)\s*==\s*["']([^"']*)["']""", requirement.partition(";")[2])
    return all(environment.get(name) == value for name, value in conditions)


def wants_cpu_index(report: Mapping[str, Any] | None, gpu: bool, system: str) -> bool:
    """Whether PyTorch is to come from its CPU index.

    Only without a GPU, and only where pip's configured source would bring CUDA for nothing or has no build
    (`report` None). On macOS there is one build.
    """
    if gpu or system == "Darwin":
        return False
    return report is None or brings_cuda(report)


def pip_report(python: Path) -> dict[str, Any] | None:
    """What pip would install for PyTorch from its configured source; None if it finds nothing."""
    with tempfile.TemporaryDirectory(prefix="real3d-") as folder:
        report = Path(folder) / "report.json"
        asked = ["--dry-run", "--ignore-installed", "--no-deps", "--report", report, TORCH]
        if run([*pip(python, "install"), *asked], silent=True) != 0:
            return None
        return json.loads(report.read_text(encoding="utf-8"))


def install_torch(python: Path, venv: Path) -> None:
    """Installs PyTorch into the environment. Raises QuickstartError if no source has it."""
    mark = fingerprint([TORCH])
    if is_finished(venv, "torch", mark):
        say("      already there")
        return
    system = platform.system()
    gpu = has_nvidia_gpu(system)
    report = None if gpu or system == "Darwin" else pip_report(python)
    install = [*pip(python, "install"), TORCH]
    with stamped(venv, "torch", mark):
        if wants_cpu_index(report, gpu, system):
            say(f"      no NVIDIA GPU found: taking the CPU build from {CPU_INDEX}")
            if run([*install, "--retries", "2", "--index-url", CPU_INDEX]) == 0:
                return
            say("      not to be had there: taking what pip finds (may bring gigabytes of CUDA libraries)")
        if run(install) != 0:
            raise QuickstartError(
                f"pip could not install {TORCH} for Python {platform.python_version()} on {system}"
                f" {platform.machine()} (the lines above say why); it is made for Python 3.10 to 3.13 on"
                " Linux, Windows and Macs with Apple silicon: check the Python and the network, then run this"
                " again."
            )
