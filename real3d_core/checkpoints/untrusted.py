"""Reads files that came from anywhere: nothing in them is ever run, and no more is read than is there."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import CheckpointError

_ZIP = b"PK\x03\x04"
_BLOCK = 8 * 2**20
TEXT_LIMIT = 2**20


def read_pickle(path: Path) -> Mapping[Any, Any]:
    """What `torch.save` wrote: tensors in (nested) dicts. Tensors of large files stay in the file until used.

    Raises CheckpointError for anything else, and for files with more than weights in them, whose code is
    never run.
    """
    _check_readable(path)
    with path.open("rb") as file:
        is_zip = file.read(4) == _ZIP
    if is_zip:
        _check_zip(path)
    try:
        loaded = torch.load(str(path), map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds something besides weights that would have to be run, or is damaged; nothing of it"
            " was run, so download the file again from its authors."
        ) from error
    except Exception as error:  # the unpickler meets damage in many ways
        raise CheckpointError(f"{path} is damaged or no PyTorch file; download it again.") from error
    if not isinstance(loaded, Mapping):
        raise CheckpointError(f"{path} holds no weights by name; choose a checkpoint file.")
    return loaded


def _check_zip(path: Path) -> None:
    """PyTorch never packs: members that unpack to more than the file's own size are an attack."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(f"{path} is damaged; download it again.") from error
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if packed or sum(member.file_size for member in members) > path.stat().st_size:
        raise CheckpointError(f"{path} is packed in a way that PyTorch never does; download it again.")


def read_mat(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The named arrays of a MATLAB file, whose shapes are looked at before any is unpacked.

    shapes      what each array must be; -1 stands for any length up to 10^6.

    Raises CheckpointError that names the first that is missing or has another shape.
    """
    from scipy import io

    _check_readable(path)
    try:
        there = {name: tuple(shape) for name, shape, _ in io.whosmat(str(path))}
    except NotImplementedError as error:
        raise CheckpointError(
            f"{path} is a MATLAB 7.3 file; save it as version 7, or take the original."
        ) from error
    except Exception as error:  # scipy meets damage in many ways
        raise CheckpointError(f"{path} is damaged or no MATLAB file; copy it again.") from error
    for name, shape in shapes.items():
        if name not in there:
            raise CheckpointError(f"{path} has no entry '{name}'; BFM_model_front.mat is needed.")
        if not fits(there[name], shape):
            raise CheckpointError(
                f"The entry '{name}' of {path} is {_sizes(there[name])}, not {_sizes(shape)}; the original"
                " BFM_model_front.mat is needed."
            )
    try:
        read = io.loadmat(str(path), variable_names=list(shapes))
    except Exception as error:
        raise CheckpointError(f"{path} is damaged; copy it again.") from error
    return {name: _numbers(path, name, read.get(name)) for name in shapes}


def read_npy(path: Path, count: int) -> np.ndarray:
    """A NumPy file with at most `count` numbers. Raises CheckpointError for anything else."""
    _check_readable(path)
    try:
        # Mapped: its header cannot promise more than the file holds.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise CheckpointError(f"{path} is damaged or no plain NumPy file; copy it again.") from error
    if not isinstance(mapped, np.ndarray) or mapped.size > count:
        raise CheckpointError(f"{path} does not hold the few numbers that its name says; copy it again.")
    return _numbers(path, path.name, mapped)


def fits(shape: tuple[int, ...], needed: tuple[int, ...]) -> bool:
    """Whether a shape is the needed one, where -1 stands for any length up to 10^6."""
    return len(shape) == len(needed) and all(
        size == need or (need < 0 and size <= 10**6) for size, need in zip(shape, needed, strict=True)
    )


def check_weights(path: Path, name: str, value: Any, shape: tuple[int, ...]) -> Tensor:
    """An entry of a file as an ordinary tensor of this shape. Raises CheckpointError that names it."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.device.type != "cpu":
        raise CheckpointError(f"The entry '{name}' of {path} is no plain tensor; download the file again.")
    if value.is_complex() or value.is_quantized:
        raise CheckpointError(f"The entry '{name}' of {path} has no plain numbers; download the file again.")
    if tuple(value.shape) != shape:
        raise CheckpointError(
            f"The entry '{name}' of {path} is {_sizes(value.shape)}, not {_sizes(shape)}; this is another"
            " variant of the model, choose the released one."
        )
    # detach: a parameter may come with attributes of its own
    plain = value.detach()
    if plain.is_floating_point() and not _is_finite(plain):
        raise CheckpointError(
            f"The entry '{name}' of {path} has values that are no numbers; download the file again."
        )
    return plain


def _is_finite(values: Tensor) -> bool:
    """Whether no value is infinite or not a number; a finite sum proves it, and is faster."""
    return bool(torch.isfinite(values.sum())) or bool(torch.isfinite(values).all())


def read_text(path: Path) -> str:
    """A small text file. Raises CheckpointError if it cannot be read, is no text or has more than 1 MiB."""
    _check_readable(path)
    try:
        with path.open("rb") as file:
            data = file.read(TEXT_LIMIT + 1)
        if len(data) > TEXT_LIMIT:
            raise CheckpointError(f"{path} is too large for a list of settings; copy the original again.")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is no text; copy the original again.") from error


def sha256(path: Path, check: Callable[[], None]) -> str:
    """The file's SHA-256 in hex. check   called for each block; whatever it raises ends the work."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            check()
            digest.update(block)
    return digest.hexdigest()


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}); check the path and its permissions."
        ) from error


def _numbers(path: Path, name: str, value: Any) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise CheckpointError(f"The entry '{name}' of {path} holds no numbers; copy the original file again.")
    return np.array(value)


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join("any" if size < 0 else str(size) for size in shape) or "a single number"
