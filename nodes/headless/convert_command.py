"""The command line of convert_model.py."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ...real3d_core.checkpoints import convert
from .exit_code import exit_code_of
from .session import PACK_FOLDER

DESCRIPTION = "Converts original weights into files that the node Load Real3D Model lists."
EPILOG = """a SOURCE is one of
  a folder with model_ckpt_steps_*.ckpt and config.yaml (the latest step is taken), or such a .ckpt
  BFM_model_front.mat, with the .npy lists of Real3D-Portrait's authors beside it, or their folder
  HuBERT's pytorch_model.bin or model.safetensors, or its folder

Nothing in a source is ever run as code, and a file appears whole or not at all."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0, 1 for an error, 2 for bad usage, 130 if interrupted."""
    options = _parser().parse_args(arguments)
    if options.name and len(options.source) > 1:
        _parser().error("--name can name one file only")
    return exit_code_of(lambda: _convert(options), options.debug)


def _convert(options: argparse.Namespace) -> int:
    folder = _models_folder(options.to)
    for source in options.source:
        made = convert(source, folder, options.name)
        print(f"{made.path} ({made.kind})", flush=True)
    return 0


def _models_folder(chosen: Path | None) -> Path:
    """Where ComfyUI looks if this pack lies in its custom_nodes, else the pack's own models folder."""
    if chosen is not None:
        return chosen.resolve()
    nodes, comfyui = PACK_FOLDER.parent, PACK_FOLDER.parent.parent
    is_installed = nodes.name == "custom_nodes" and (comfyui / "models").is_dir()
    return (comfyui if is_installed else PACK_FOLDER) / "models" / "real3d_portrait"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="convert_model.py",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, nargs="+", help="what to convert, see below")
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="where the files go (default: models/real3d_portrait of ComfyUI, or of this folder)",
    )
    parser.add_argument("--name", type=_name, help="name of the new file without ending")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _name(text: str) -> str:
    if not text.strip(". ") or Path(text).name != text or "\\" in text:
        raise argparse.ArgumentTypeError("it must be a plain file name")
    return text.removesuffix(".safetensors")
