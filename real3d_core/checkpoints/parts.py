"""Which network reads which entries of a file; the networks themselves say which entries there must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..errors import CheckpointError
from .store import Kind
from .untrusted import check_weights

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Part:
    """One network of a file: its entries are called `prefix` + their name in the network."""

    prefix: str
    build: Callable[[], nn.Module]


TRAINING_ONLY = {"lambda_pertube_blink_secc": (1,), "lambda_pertube_secc": (1,)}
"""Entries of the portrait networks' checkpoint that no network of ours has."""


def image_to_plane() -> nn.Module:
    from ..image_to_plane.backbone import CanonicalPlanes

    return CanonicalPlanes()


def motion_adapter() -> nn.Module:
    from ..motion_adapter.backbone import MotionPlanes

    return MotionPlanes()


def decoder() -> nn.Module:
    from ..render_triplane.decoder import TriPlaneDecoder

    return TriPlaneDecoder()


def htb_sr() -> nn.Module:
    from ..htb_sr.network.super_resolution import SuperResolution

    return SuperResolution()


def audio_to_motion() -> nn.Module:
    from ..audio_to_motion.pitch_vae import PitchContourVAE

    return PitchContourVAE()


def hubert() -> nn.Module:
    from ..audio_to_motion.hubert import Hubert

    return Hubert()


IMAGE_TO_PLANE = Part("cano_img2plane_backbone.", image_to_plane)
MOTION_ADAPTER = Part("secc_img2plane_backbone.", motion_adapter)
DECODER = Part("decoder.", decoder)
HTB_SR = Part("superresolution.", htb_sr)
AUDIO_TO_MOTION = Part("", audio_to_motion)
HUBERT = Part("", hubert)

PARTS: dict[Kind, tuple[Part, ...]] = {
    "talking-head": (IMAGE_TO_PLANE, MOTION_ADAPTER, DECODER, HTB_SR),
    "audio-to-motion": (AUDIO_TO_MOTION,),
    "hubert": (HUBERT,),
}


class _Undrawn(TorchFunctionMode):
    """Leaves weights that a constructor draws by chance as their memory happens to be.

    They are read from a file next, or only their shapes are wanted; memory that nobody writes to is free.
    (PyTorch's device "meta" would do for shapes, but imports its compiler as soon as anything is computed.)
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _DRAWN_INTO:
            return args[0] if args else kwargs["tensor"]
        return (torch.empty if name in _DRAWN else func)(*args, **kwargs)


_DRAWN = ("rand", "randn")
_DRAWN_INTO = (
    "uniform_",
    "normal_",
    "trunc_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "xavier_uniform_",
)


def _built(part: Part) -> nn.Module:
    """The network, its weights not yet set."""
    with torch.inference_mode(False), torch.no_grad(), _Undrawn():
        return part.build()


@cache
def shapes_of(part: Part) -> dict[str, tuple[int, ...]]:
    """Shape of each entry of a part, by its name in the file."""
    entries = _built(part).state_dict()
    return {part.prefix + name: tuple(value.shape) for name, value in entries.items()}


def needed(kind: Kind) -> dict[str, tuple[int, ...]]:
    """Shape of each entry that a file of this kind must have, in the networks' order."""
    return {name: shape for part in PARTS[kind] for name, shape in shapes_of(part).items()}


def check_names(path: Path, names: Iterable[str], expected: Iterable[str]) -> None:
    """Raises CheckpointError that names the first entry that is missing, else the first that is too much."""
    there, wanted = dict.fromkeys(names), dict.fromkeys(expected)
    missing = _first(name for name in wanted if name not in there)
    if missing is not None:
        raise CheckpointError(
            f"{path} has no entry '{missing}'; this is another variant of the model or a part of it, choose"
            " the released one."
        )
    unexpected = _first(name for name in there if name not in wanted)
    if unexpected is not None:
        raise CheckpointError(
            f"{path} has an entry '{str(unexpected)[:200]}' that the network does not know; this is another"
            " variant of the model, choose the released one."
        )


def _first(names: Iterator[Any]) -> Any:
    return next(names, None)


def checked(
    path: Path, entries: Mapping[str, Any], kind: Kind, check: Callable[[], None]
) -> dict[str, Tensor]:
    """The entries of a file as they are stored: exactly the networks', each of its shape and finite.

    Floating-point entries become float32. check   called for each; whatever it raises ends the work. Raises
    CheckpointError that names the first entry at fault.
    """
    expected = needed(kind)
    check_names(path, entries, expected)
    plain = {}
    for name, shape in expected.items():
        check()
        value = check_weights(path, name, entries[name], shape)
        plain[name] = value.float() if value.is_floating_point() else value.long()
    return plain


def hubert_entries(path: Path, entries: Mapping[str, Any]) -> dict[str, Tensor]:
    """The entries of a stored HuBERT, whichever program wrote it, by the names of our network.

    Raises CheckpointError if they are none.
    """
    from ..audio_to_motion import hubert

    try:
        return hubert.hubert_entries(entries)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise CheckpointError(
            f"{path} holds a HuBERT whose entries do not fit together; download it again."
        ) from error


def load(part: Part, path: Path, entries: Mapping[str, Tensor]) -> nn.Module:
    """The network with its weights, float32, on the CPU, in eval mode; entries by their names in the file.

    Raises CheckpointError that names the first entry at fault.
    """
    shapes = shapes_of(part)
    check_names(path, entries, shapes)
    plain = {
        name.removeprefix(part.prefix): check_weights(path, name, entries[name], shape)
        for name, shape in shapes.items()
    }
    with torch.inference_mode(False), torch.no_grad():
        module = _built(part)
        module.load_state_dict(plain, strict=True)
    return module.eval().requires_grad_(False)
