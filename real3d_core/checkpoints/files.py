"""Which converted files there are, and which of them make up a model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CheckpointError
from .store import ENDING, Kind, read_header


@dataclass(frozen=True)
class ModelFile:
    """A file of weights that Load Real3D Model can take.

    name    what the user picks: the file's name.
    """

    name: str
    path: Path
    kind: Kind


@dataclass(frozen=True)
class Files:
    """The files of one model; None where the model has no such part."""

    talking_head: Path
    face_model: Path
    audio_to_motion: Path | None
    hubert: Path | None


def model_files(folders: Iterable[Path], audio_encoders: Iterable[Path] = ()) -> list[ModelFile]:
    """The converted files in the folders, and the HuBERTs among others' audio encoders, sorted by name.

    Of files with the same name the first folder's counts. Files that cannot be read are passed over.
    """
    found: dict[str, ModelFile] = {}
    for is_own, folder in [*((True, one) for one in folders), *((False, one) for one in audio_encoders)]:
        for path in _files_in(folder):
            try:
                header = read_header(path)
            except CheckpointError:
                continue
            kind = header.kind
            if kind is None and not is_own and _is_hubert(path, header.shapes):
                kind = "hubert"
            if kind is not None and path.name not in found:
                found[path.name] = ModelFile(path.name, path, kind)
    return sorted(found.values(), key=lambda file: file.name)


def _files_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file()]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if name.lower().endswith(ENDING) and name[0] != "."]


def _is_hubert(path: Path, names: Iterable[str]) -> bool:
    """Wav2Vec 2 has the same entries: only a name tells them apart."""
    names = list(names)
    ours = [name for name in names if name.endswith("encoder.layers.23.final_layer_norm.weight")]
    return bool(ours) and (ours[0].startswith("hubert.") or "hubert" in path.name.lower())


def files_of(name: str, audio: str | None, there: Sequence[ModelFile], folder: Path) -> Files:
    """The files of the talking head `name` among those that are there.

    audio   name of the speech network's file, "" = the first there is, None = none.
    folder  where they are put, for sentences.

    A speech network chosen by name may be without HuBERT, for another node may listen in its place.

    Raises CheckpointError that says how to get a file that is missing.
    """
    if audio:
        speech = _named(audio, "audio-to-motion", there, folder)
    else:
        speech = None if audio is None else _first("audio-to-motion", there)
    files = Files(
        talking_head=_named(name, "talking-head", there, folder),
        face_model=_face_model(there, folder),
        audio_to_motion=speech,
        hubert=None if audio is None else _first("hubert", there),
    )
    if speech is not None and files.hubert is None and not audio:
        raise CheckpointError(
            f"There are no HuBERT weights in {folder}, which {speech.name} listens with; download"
            " pytorch_model.bin of facebook/hubert-large-ls960-ft and convert it with"
            " `python convert_model.py FILE`, or choose another audio_model: none, or this file by name if"
            " the output of ComfyUI's Audio Encoder Encode is wired."
        )
    return files


def _named(name: str, kind: Kind, there: Sequence[ModelFile], folder: Path) -> Path:
    for file in there:
        if (file.name, file.kind) == (name, kind):
            return file.path
    raise CheckpointError(
        f"There is no {kind} file {name!r} in {folder}; choose another, or convert the released checkpoint"
        " with `python convert_model.py FOLDER`."
    )


def _first(kind: Kind, there: Sequence[ModelFile]) -> Path | None:
    return next((file.path for file in there if file.kind == kind), None)


def _face_model(there: Sequence[ModelFile], folder: Path) -> Path:
    path = _first("face-model", there)
    if path is None:
        raise CheckpointError(
            f"There is no face model in {folder}; get BFM_model_front.mat (its owners ask for a licence), put"
            " the lists of Real3D-Portrait's authors beside it, and convert it with"
            " `python convert_model.py BFM_model_front.mat`."
        )
    return path
