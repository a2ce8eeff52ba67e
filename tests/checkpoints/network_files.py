"""All files of a talking portrait by the networks, converted from originals with weights made by formula."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from real3d_core.checkpoints import parts
from real3d_core.checkpoints.conversion import convert

from ..deterministic import fill_entries
from .making import entries_of, nested
from .small import write_checkpoint


@dataclass(frozen=True)
class NetworkFiles:
    """Converted files of one models folder."""

    talking_head: Path
    audio_to_motion: Path
    hubert: Path
    face_model: Path

    def __iter__(self) -> Iterator[Path]:
        return iter((self.talking_head, self.audio_to_motion, self.hubert, self.face_model))


def convert_all(
    folder: Path, scratch: Path, released: dict[str, torch.Tensor], face_model: Path
) -> NetworkFiles:
    """Converts them into `folder`; the originals are made in `scratch` and gone at the end.

    HuBERT has as many layers as the converter says: 315 M weights, or fewer where a test made it smaller.
    """
    torso = write_checkpoint(scratch / "torso", nested(released))
    speech = write_checkpoint(scratch / "audio2secc_vae", nested(entries_of("audio2secc_vae")))
    hubert = scratch / "pytorch_model.bin"
    torch.save(fill_entries(parts.shapes_of(parts.HUBERT).items()), hubert)
    made = [convert(original, folder).path for original in (torso, speech, hubert)]
    shutil.rmtree(torso)
    shutil.rmtree(speech)
    os.remove(hubert)
    return NetworkFiles(*made, Path(shutil.copy(face_model, folder)))
