"""The face model's original files: BFM_model_front.mat and the lists beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import CheckpointError
from ..face_model.bfm import FaceModel
from .untrusted import read_mat, read_npy

MAT = "BFM_model_front.mat"
VERTICES, TRIANGLES = 35709, 70789

_MAT_SHAPES = {
    "meanshape": (1, 3 * VERTICES),
    "idBase": (3 * VERTICES, 80),
    "exBase": (3 * VERTICES, 64),
    "tri": (TRIANGLES, 3),
    "keypoints": (1, 68),
}

_LISTS = {
    "index_mp468": ("index_mp468_from_mesh35709.npy", "index_mp468_from_mesh35709_v3.1.npy"),
    "ncc_code": ("ncc_code.npy",),
    "eye_faces_left": ("bfm_left_eye_faces.npy",),
    "eye_faces_right": ("bfm_right_eye_faces.npy",),
}
"""The files beside the .mat; the first name that is there counts."""

_MOST_NUMBERS = 3 * VERTICES
_INDICES = ("tri", "keypoints", "index_mp468", "eye_faces_left", "eye_faces_right")


def read_face_model(mat: Path) -> dict[str, Tensor]:
    """The entries of a converted face model, in the layout of the original files (`FaceModel.from_tensors`).

    Raises CheckpointError that names the first file or entry that is missing or wrong.
    """
    arrays = {name: read_npy(_found(mat, names), _MOST_NUMBERS) for name, names in _LISTS.items()}
    arrays = read_mat(mat, _MAT_SHAPES) | arrays
    entries = {name: _entry(mat, name, array) for name, array in arrays.items()}
    model = FaceModel.from_tensors(entries)
    if len(model.visible_triangles) in (0, len(model.triangles)):
        raise CheckpointError(f"The eye lists beside {mat} name all triangles or none; copy the originals.")
    return entries


def _found(mat: Path, names: tuple[str, ...]) -> Path:
    there = [mat.with_name(name) for name in names if mat.with_name(name).is_file()]
    if not there:
        raise CheckpointError(
            f"There is no {names[0]} beside {mat}; copy it there from the data of Real3D-Portrait's authors."
        )
    return there[0]


def _entry(mat: Path, name: str, array: np.ndarray) -> Tensor:
    if name not in _INDICES:
        with np.errstate(over="ignore"):  # what does not fit becomes infinite and is refused as such
            return torch.from_numpy(np.ascontiguousarray(array, np.float32))
    if array.dtype.kind == "f" and not np.array_equal(array, np.trunc(array)):
        raise CheckpointError(
            f"The entry '{name}' beside {mat} has indices that are no whole numbers; copy it again."
        )
    return torch.from_numpy(np.ascontiguousarray(array.astype(np.int64)))
