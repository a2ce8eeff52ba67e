"""Runs a case and judges it: a valid result or a typed error of one sentence, and nothing left behind."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from real3d_core.errors import Real3DError
from real3d_core.part_files import PART
from real3d_core.video.decoder import read_audio, read_video
from real3d_core.wires import Portrait
from real3d_portrait.nodes.headless.io import NodeOutput
from real3d_portrait.nodes.headless.video import Video, VideoFromFile
from tests.head_mesh.read_glb import read_glb
from tests.sentences import QUOTED, faults_of

from . import clips, heads, meshes, pictures, sounds, workflows
from .bench import Bench
from .chance import Chance

SLOW = 30.0  # seconds; a case that takes longer hangs, or takes a user's machine with it
Made = tuple[str, Callable[[], Any]]

CASES: tuple[Callable[[Chance, Bench], Made], ...] = (
    pictures.picture_file, workflows.workflow, heads.motion, sounds.audio_motion, clips.combine,
    workflows.path, sounds.sound_file, workflows.template, heads.camera, pictures.picture_tensor,
    workflows.workflow, clips.on_demand, heads.layers, workflows.path, sounds.audio_motion, heads.motion,
    workflows.template, pictures.picture_file, heads.passes, clips.combine, pictures.portrait_options,
    heads.camera, workflows.workflow, heads.odd_portraits, sounds.sound_file, clips.on_demand,
    heads.strangers, meshes.head_mesh, meshes.save_mesh, heads.blends,
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What a case came to.

    words       what it was; `kind` is the name of its generator.
    error       type and normalised message of a typed error; "" for a valid result.
    faults      what is wrong; empty if nothing.
    untyped     whether it raised something that is no Real3DError.
    left        files that should not be there.
    """

    number: int
    kind: str
    words: str
    error: str
    faults: tuple[str, ...]
    untyped: bool
    left: tuple[str, ...]
    seconds: float


def judge(
    number: int, seed: int, bench: Bench, only: str | None = None, debug: bool = False
) -> Verdict | None:
    """Makes case `number` of a seed and runs it; None if it is not of the kind `only`.

    With debug, what it raises is shown with its traceback.
    """
    kind = CASES[number % len(CASES)]
    if only is not None and kind.__name__ != only:
        return None
    bench.clear()
    chance = Chance(f"{seed}/{number}")
    start, words, error, faults, untyped, result = time.perf_counter(), "(not made)", "", [], False, None
    try:
        with torch.inference_mode():
            words, run = kind(chance, bench)
            start = time.perf_counter()
            result = run()
            faults += faults_in(result)
    except Real3DError as refused:
        error = f"{type(refused).__name__}: {_normal(str(refused))}"
        faults += [f"the message {fault}: {refused}" for fault in faults_of(str(refused))]
    except AssertionError as wrong:
        faults.append(str(wrong))
        untyped = True
    except Exception as other:
        where = traceback.extract_tb(other.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        faults.append(f"raised {type(other).__name__}: {str(other)[:300]} ({place})")
        untyped = True
        if debug:
            traceback.print_exception(other)
    seconds = time.perf_counter() - start
    refused = bool(error)
    result = run = None  # videos on demand remove their files
    left = tuple(_left(bench, refused))
    faults += [f"left {name}" for name in left]
    if seconds > SLOW:
        faults.append(f"took {seconds:.0f} s")
    return Verdict(number, kind.__name__, words, error, tuple(faults), untyped, left, seconds)


def _normal(message: str) -> str:
    """A message without what differs from case to case."""
    return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?|\bnan\b|\binf\b", "#", QUOTED.sub("'…'", message))[:120]


def _left(bench: Bench, refused: bool) -> list[str]:
    """Part files, masters without an owner, broken files, and results of a run that failed."""
    left = []
    for path in bench.written():
        name = path.relative_to(bench.folder).as_posix()
        if name == "output/file" or path.name == "secret":  # put there by the case
            continue
        unowned = PART.fullmatch(path.name) or path.name.startswith("real3d_master")
        half = refused and name.startswith("output/") and not _is_whole(path)
        if unowned or half or not _is_whole(path):
            left.append(name)
    return left


def _is_whole(path: Path) -> bool:
    try:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                picture.load()
            return True
        if path.suffix == ".glb":
            return np.isfinite(read_glb(path.read_bytes()).attributes["POSITION"]).all()
        if path.suffix == ".wav":
            return bool(torch.isfinite(read_audio(path).waveform).all())
        return sum(1 for _ in read_video(path).frames()) > 0
    except Exception:
        return False


def faults_in(value: Any, name: str = "result") -> list[str]:
    """What is wrong with a value that a node gave; tensors inside anything are looked at."""
    if isinstance(value, NodeOutput):
        value = value.result
    if isinstance(value, (tuple, list)):
        return [fault for i, one in enumerate(value) for fault in faults_in(one, f"{name}[{i}]")]
    if isinstance(value, dict):
        return [fault for key, one in value.items() for fault in faults_in(one, f"{name}.{key}")]
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value)
    if isinstance(value, Tensor):
        return _tensor_faults(value, name)
    if isinstance(value, VideoFromFile):
        count = sum(1 for _ in value.frames())
        return [] if count else [f"{name} is a video without frames"]
    if isinstance(value, Video):
        return faults_in(value.get_components().images, f"{name}.images")
    if isinstance(value, Path):
        return [] if _is_whole(value) else [f"{name} is {value.name}, which cannot be read"]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        faults = faults_in(parts, name)
        if isinstance(value, Portrait) and tuple(value.image.shape) != (512, 512, 3):
            faults.append(f"{name}.image has the shape {list(value.image.shape)}")
        return faults
    return []


def _tensor_faults(value: Tensor, name: str) -> list[str]:
    if not value.numel():
        return [f"{name} is empty: {list(value.shape)}"]
    if not bool(torch.isfinite(value).all()):
        return [f"{name} holds NaN or infinite values"]
    is_picture = value.ndim == 4 and value.shape[-1] == 3 and value.is_floating_point()
    if is_picture and (float(value.min()) < -1e-5 or float(value.max()) > 1 + 1e-5):
        return [f"{name} is a picture of {float(value.min()):.3g} to {float(value.max()):.3g}"]
    return []
