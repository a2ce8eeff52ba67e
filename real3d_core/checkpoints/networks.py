"""The networks of converted files, read when they are first asked for and shared while somebody has them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import torch
from torch import nn

from ..errors import CheckpointError
from ..face_model.bfm import FaceModel
from ..model import DTYPES, Model, Networks, Precision, Weights
from ..wires import DecoderWeights
from . import parts
from .files import Files
from .parts import Part, check_names, hubert_entries, needed, shapes_of
from .store import Kind, read_entries, read_header
from .variants import stored_settings

T = TypeVar("T")


@dataclass(frozen=True)
class Host:
    """What loading needs of the host.

    hold    takes a network over and brings it where it computes.
    device  where that is.
    """

    hold: Callable[[nn.Module], Weights]
    device: Callable[[], torch.device]


class Once(Generic[T]):
    """A value that is made at the first call, by one thread, and kept."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._lock = make, threading.Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    @property
    def made(self) -> T | None:
        """The value if there is one."""
        return self._made[0] if self._made else None


class LazyWeights:
    """`Weights` that are read from their file when they are first used."""

    def __init__(self, read: Callable[[], nn.Module], host: Host, dtype: torch.dtype) -> None:
        self._host, self._dtype = host, dtype
        self._held = Once(lambda: host.hold(read()))

    @property
    def device(self) -> torch.device:
        held = self._held.made
        return self._host.device() if held is None else held.device

    @property
    def dtype(self) -> torch.dtype:
        return self._dtype

    def ready(self, activation_bytes: int = 0) -> nn.Module:
        """Raises CheckpointError if the file is gone, or not what it was when the model was loaded."""
        return self._held().ready(activation_bytes)


_shared: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
_sharing = threading.RLock()


def _one(key: Hashable, make: Callable[[], T]) -> T:
    """What was made under this key, as long as somebody still has it; else a new one."""
    with _sharing:
        found = _shared.get(key)
        if found is None:
            found = _shared[key] = make()
        return found


def load_model(name: str, files: Files, precision: Precision, host: Host, folder: Path) -> Model:
    """The model of converted files: the same networks for all who ask for the same unchanged files.

    folder  where the user puts converted files, for sentences that name a missing one.

    Only headers are read here. Raises CheckpointError if a file does not hold what the networks need, or is
    gone.
    """
    paths = (files.talking_head, files.face_model, files.audio_to_motion, files.hubert)
    key = (*(None if path is None else _state(path) for path in paths), precision)
    return Model(name, "network", _one(key, lambda: _networks(files, precision, host, folder)))


def _state(path: Path) -> tuple[Path, int, int]:
    """Which content of a file is meant."""
    read_header(path)  # its error says what is wrong with a file that is gone
    state = path.stat()
    return path.resolve(), state.st_mtime_ns, state.st_size


def _networks(files: Files, precision: Precision, host: Host, folder: Path) -> Networks:
    head, dtype = files.talking_head, DTYPES[precision]
    _check_whole(head, "talking-head")
    if files.audio_to_motion is not None:
        _check_whole(files.audio_to_motion, "audio-to-motion")

    def weights(
        read: Callable[[Path], nn.Module],
        path: Path,
        lowered: Callable[[nn.Module], nn.Module] = _unchanged,
        kept: torch.dtype = torch.float32,
    ) -> LazyWeights:
        """`lowered` makes of the network what lies in memory, whose inputs are of type `kept`."""
        state = _state(path)
        read_now = partial(_reading, lambda one: lowered(read(one)), path, state)
        return _one(
            (read, state, None if lowered is _unchanged else dtype), lambda: LazyWeights(read_now, host, kept)
        )

    def once(read: Callable[[Path], T], path: Path) -> Once[T]:
        state = _state(path)
        return _one((read, state), lambda: Once(partial(_reading, read, path, state)))

    speech, hubert = files.audio_to_motion, files.hubert
    return Networks(
        image_to_plane=weights(_image_to_plane, head),
        motion_adapter=weights(_motion_adapter, head, lambda network: network.lowered(dtype)),
        htb_sr=weights(_htb_sr, head, lambda network: network.to(dtype), dtype),
        load_decoder=once(_decoder, head),
        load_face_model=once(_face_model, files.face_model),
        audio_to_motion=None if speech is None else weights(_audio_to_motion, speech),
        hubert=None if hubert is None else weights(_hubert, hubert),
        settings=stored_settings(head, read_header(head).config),
        precision=precision,
        folder=str(folder),
        exact=None if precision == "fp32" else partial(_networks, files, "fp32", host, folder),
    )


def _unchanged(network: nn.Module) -> nn.Module:
    return network


def _check_whole(path: Path, kind: Kind) -> None:
    header, expected = read_header(path), needed(kind)
    if header.kind != kind:
        raise CheckpointError(f"{path} is no {kind} file; convert the original with convert_model.py.")
    check_names(path, header.shapes, expected)
    wrong = next((name for name, shape in expected.items() if header.shapes[name] != shape), None)
    if wrong is not None:
        raise CheckpointError(f"The entry '{wrong}' of {path} has a wrong shape; convert the original again.")


def _reading(read: Callable[[Path], T], path: Path, state: tuple[Path, int, int]) -> T:
    """What `read` makes of a file that is still the one that was chosen."""
    if _state(path) != state:
        raise CheckpointError(f"{path} has changed since the model was loaded; run the workflow again.")
    with torch.inference_mode(False), torch.no_grad():
        return read(path)


def _read(part: Part, path: Path) -> nn.Module:
    return parts.load(part, path, read_entries(path, shapes_of(part)))


def _image_to_plane(path: Path) -> nn.Module:
    return _read(parts.IMAGE_TO_PLANE, path)


def _motion_adapter(path: Path) -> nn.Module:
    return _read(parts.MOTION_ADAPTER, path)


def _htb_sr(path: Path) -> nn.Module:
    """The raw weights are dropped once they are folded."""
    return _read(parts.HTB_SR, path).folded()


def _audio_to_motion(path: Path) -> nn.Module:
    return _read(parts.AUDIO_TO_MOTION, path)


def _hubert(path: Path) -> nn.Module:
    return parts.load(parts.HUBERT, path, hubert_entries(path, read_entries(path, read_header(path).shapes)))


def _decoder(path: Path) -> DecoderWeights:
    return _read(parts.DECODER, path).effective()


def _face_model(path: Path) -> FaceModel:
    return FaceModel.from_tensors(read_entries(path, read_header(path).shapes))
