"""A face model of the licensed one's layout, made by formula: same shapes, indices and file entries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from real3d_core.face_model.bfm import FaceModel

from .deterministic import generator, uniform

VERTICES, FACES = 35709, 70789
_ROWS, _COLUMNS = 188, 189
UNMATCHED = [93, 127, 132, 234, 323, 356, 361, 454]
"""Landmarks of the 468 that have no vertex."""


@dataclass(frozen=True)
class SyntheticBfm:
    """mat holds the entries of BFM_model_front.mat (indices count from 1), the rest the files beside it.

    index_mp468 [468] int64 (0-based, -999 = none), eye_faces_* [n] 1-based, ncc [3, 35709] 0..1.
    """

    mat: dict[str, np.ndarray]
    index_mp468: np.ndarray
    eye_faces_a: np.ndarray
    eye_faces_b: np.ndarray
    ncc: np.ndarray


def synthetic_bfm() -> SyntheticBfm:
    v, u = np.meshgrid(np.linspace(-1, 1, _ROWS), np.linspace(-1, 1, _COLUMNS), indexing="ij")
    theta, phi = 1.2 * u.ravel(), 1.2 * v.ravel()
    points = np.stack([0.8 * np.sin(theta) * np.cos(phi), np.sin(phi), 0.7 * np.cos(theta) * np.cos(phi)], 1)
    points = np.concatenate([points, np.repeat(points[-1:], VERTICES - len(points), 0)], 0)
    i, j = np.meshgrid(np.arange(_ROWS - 1), np.arange(_COLUMNS - 1), indexing="ij")
    a = (i * _COLUMNS + j).ravel()
    faces = np.stack(
        [
            np.stack([a, a + 1, a + _COLUMNS], 1),
            np.stack([a + 1, a + _COLUMNS + 1, a + _COLUMNS], 1),
        ],
        1,
    ).reshape(-1, 3)
    faces = np.concatenate([faces, faces[: FACES - len(faces)]], 0)

    def basis(tag: str, count: int) -> np.ndarray:
        frequency = (uniform(tag + "/freq", (count, 3)) - 0.5) * 6
        phase = uniform(tag + "/phase", (count, 3)) * 2 * np.pi
        waves = 0.02 * np.sin((points @ frequency.T)[:, None, :] + phase.T[None])
        return waves.reshape(VERTICES * 3, count).astype(np.float32)

    def eye(column: int) -> np.ndarray:
        cells = ((np.abs(i - 110) < 5) & (np.abs(j - column) < 12)).ravel()
        return np.nonzero(np.repeat(cells, 2))[0] + 1

    index = generator("index_mp468").integers(0, VERTICES, 468).astype(np.int64)
    index[UNMATCHED] = -999
    mean = points.astype(np.float32)
    colour = (mean - mean.min(0)) / (mean.max(0) - mean.min(0))
    mat = {
        "meanshape": mean.reshape(1, -1),
        "idBase": basis("idBase", 80),
        "exBase": basis("exBase", 64),
        "meantex": np.full((1, VERTICES * 3), 128, np.float32),
        "texBase": np.zeros((VERTICES * 3, 80), np.float32),
        "point_buf": np.ones((VERTICES, 8), np.int64),
        "tri": (faces + 1).astype(np.int64),
        "keypoints": generator("keypoints68").integers(1, VERTICES + 1, (1, 68)).astype(np.int64),
        "frontmask2_idx": np.ones((1, 1), np.int64),
        "tri_mask2": np.ones((1, 3), np.int64),
        "skinmask": np.ones((1, VERTICES), np.float32),
    }
    return SyntheticBfm(mat, index, eye(65), eye(123), colour.T.astype(np.float32).copy())


@cache
def synthetic_face_model() -> FaceModel:
    """The same as the program's face model, on the CPU: 62 MB, made once. Not to be changed in place."""
    made = synthetic_bfm()
    return FaceModel.from_tensors(
        {
            **made.mat,
            "index_mp468": made.index_mp468,
            "ncc_code": made.ncc,
            "eye_faces_left": made.eye_faces_a,
            "eye_faces_right": made.eye_faces_b,
        }
    )
