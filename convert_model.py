"""Converts original weights for Load Real3D Model: `python convert_model.py --help`."""

from __future__ import annotations

import importlib
import sys

from run_workflow import PACK, load_pack


def main() -> int:
    """The command line; returns the exit code."""
    load_pack()
    return importlib.import_module(f"{PACK}.nodes.headless.convert_command").main()


if __name__ == "__main__":
    sys.exit(main())
