"""Turns the original files into safetensors that Load Real3D Model lists."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import CheckpointError, OutputError
from ..streaming import no_check
from .face_model_files import MAT, read_face_model
from .parts import TRAINING_ONLY, checked, hubert_entries
from .store import ENDING, Kind, Origin, read_entries, read_header, write
from .untrusted import read_pickle, sha256
from .variants import Config, kind_of, refuse_variants, settings_of

PICKLES = (".ckpt", ".pt", ".pth", ".bin")
HUBERT_FILES = ("model.safetensors", "pytorch_model.bin")
_STEP = re.compile(r"model_ckpt_steps_(\d+)\.ckpt")
_FIXED_NAMES = {"face-model": "face_model", "hubert": "hubert_large"}


@dataclass(frozen=True)
class Converted:
    """What came out of a conversion.

    path    the new file.
    kind    what it holds.
    """

    path: Path
    kind: Kind


def convert(
    source: Path, folder: Path, name: str | None = None, check: Callable[[], None] = no_check
) -> Converted:
    """Converts one original into a file in `folder` (made if needed), which appears whole or not at all.

    source  a released checkpoint (its folder, of which the latest step is taken, or the .ckpt), the face
            model (its folder, or BFM_model_front.mat with the lists beside it), or HuBERT (its folder, or
            the .bin or .safetensors).
    name    of the new file without ending; None = by its content.
    check   called now and then; whatever it raises ends the work.

    No code of the source is ever run. Raises CheckpointError if it is none of these, damaged, or a variant
    that cannot be run; OutputError if the folder cannot be written.
    """
    file = original_of(source)
    kind, entries, config = _read(file, check)
    origin = Origin(file.name, sha256(file, check))
    path = folder / ((name or _name(file, kind)) + ENDING)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made ({error.strerror or error}); check the path and its"
            " permissions."
        ) from error
    write(path, entries, kind, config, origin, check)
    return Converted(path, kind)


def original_of(source: Path) -> Path:
    """The file that is read: `source` itself, or what is converted of a folder.

    Raises CheckpointError if there is nothing of the kind.
    """
    if source.is_file():
        return source
    if not source.is_dir():
        raise CheckpointError(f"There is no file or folder {source}; check the path.")
    files = {path.name: path for path in source.iterdir() if path.is_file()}
    steps = {int(match[1]): path for name, path in files.items() if (match := _STEP.fullmatch(name))}
    if steps:
        return steps[max(steps)]
    for name in (MAT, *HUBERT_FILES):
        if name in files:
            return files[name]
    raise CheckpointError(
        f"The folder {source} holds nothing to convert; a folder with model_ckpt_steps_*.ckpt, {MAT} or"
        " HuBERT's pytorch_model.bin is needed."
    )


def originals(folder: Path, depth: int = 3) -> list[Path]:
    """What can be converted in a folder and `depth` levels below it, by name alone: folders of checkpoints,
    and single files. Nothing is opened.
    """
    try:
        with os.scandir(folder) as entries:
            children = sorted((entry.name, entry.is_dir()) for entry in entries if entry.name[0] != ".")
    except OSError:
        return []
    found: list[Path] = []
    for name, is_folder in children:
        path = folder / name
        if not is_folder and (name == MAT or path.suffix.lower() in PICKLES):
            found.append(path)
        elif is_folder and depth > 0:
            below = originals(path, depth - 1)
            has_steps = any(one.parent == path and _STEP.fullmatch(one.name) for one in below)
            found += [path] if has_steps else below
    return found


def _read(file: Path, check: Callable[[], None]) -> tuple[Kind, dict[str, Tensor], dict[str, Any]]:
    """Kind, entries and settings of an original file, all of it checked."""
    ending = file.suffix.lower()
    if ending == ".mat":
        return "face-model", read_face_model(file), {}
    if ending == ENDING:
        header = read_header(file)
        if header.kind is not None:
            raise CheckpointError(f"{file} is converted already; put it into the models folder as it is.")
        entries: Mapping[str, Any] = header.shapes
        if kind_of(entries) == "hubert":
            entries = read_entries(file, header.shapes)
    elif ending in PICKLES:
        entries = model_entries(file, read_pickle(file))
    else:
        raise CheckpointError(
            f"{file} is of no known kind; a .ckpt, .bin, .safetensors or .mat file is needed."
        )
    kind = kind_of(entries)
    if kind is None or (ending == ENDING and kind != "hubert"):
        raise CheckpointError(
            f"{file} holds no network that is known here; a released checkpoint or HuBERT-large is needed."
        )
    config = Config.beside(file) if kind != "hubert" else Config(None, {})
    refuse_variants(file, kind, entries, config)
    if kind == "hubert":
        entries = hubert_entries(file, entries)
    entries = {name: value for name, value in entries.items() if name not in TRAINING_ONLY}
    plain = checked(file, entries, kind, check)
    return kind, plain, asdict(settings_of(config)) if kind == "talking-head" else {}


def model_entries(file: Path, loaded: Mapping[Any, Any]) -> dict[str, Any]:
    """{name: tensor} of the model in a checkpoint, whose other networks are left out (docs/model.md).

    Raises CheckpointError if there is none.
    """
    state = loaded.get("state_dict", loaded)
    if isinstance(state, Mapping):
        names = [name for name in state if isinstance(name, str)]
        inner = state.get("model")
        if not any("." in name for name in names) and isinstance(inner, Mapping):
            return {str(name): value for name, value in inner.items()}
        own = {name.removeprefix("model."): state[name] for name in names if name.startswith("model.")}
        if own or names:
            return own or {name: state[name] for name in names}
    raise CheckpointError(f"{file} holds no weights of a model; choose a released checkpoint.")


def _name(file: Path, kind: Kind) -> str:
    if kind in _FIXED_NAMES:
        return _FIXED_NAMES[kind]
    own = file.resolve().parent.name if _STEP.fullmatch(file.name) else file.stem
    return re.sub(r"[^\w.-]+", "_", own).strip("._")[:100] or kind
