"""Runs a workflow JSON of this pack without a ComfyUI server: `python run_workflow.py --help`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

PACK = "real3d_portrait"
ROOT = Path(__file__).resolve().parent


def load_pack() -> None:
    """Imports this folder as the package `real3d_portrait`, by its path, as ComfyUI does with packs."""
    spec = importlib.util.spec_from_file_location(
        PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACK] = package
    spec.loader.exec_module(package)


def main() -> int:
    """The command line; returns the exit code."""
    load_pack()
    return importlib.import_module(f"{PACK}.nodes.headless.command").main()


if __name__ == "__main__":
    sys.exit(main())
