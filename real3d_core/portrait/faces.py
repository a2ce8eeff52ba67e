"""Finds the human faces of a photo (docs/model.md, "Face nets")."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import FaceNotFoundError
from .detector import SAME_FACE, Detection, detect, overlap, tiles, whole_window
from .mesh_fit import MeshFit, fit_mesh, window_of_detection, window_of_landmarks
from .nets import FaceNets

QUARTER_TURNS = (0.0, math.pi / 2, -math.pi / 2, math.pi)
MIN_PRESENCE = 0.5


@dataclass(frozen=True)
class Face:
    """One face of a photo.

    landmarks   float64 [478, 3], photo pixels (mesh_fit.py, "Convention").
    score       0..1, how sure it is that this is an upright human face.
    box         (left, top, right, bottom) of the landmarks, photo pixels.
    roll        radians, turn of the line between the eyes; > 0 is clockwise on the screen.
    """

    landmarks: np.ndarray
    score: float
    box: tuple[float, float, float, float]
    roll: float

    @property
    def size(self) -> float:
        """The longer side of the box in photo pixels."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


def face_of_landmarks(landmarks: np.ndarray, score: float = 1.0) -> Face:
    """A Face around known landmarks [478, 3]."""
    low, high = landmarks[:468, :2].min(0), landmarks[:468, :2].max(0)
    across = landmarks[263, :2] - landmarks[33, :2]
    return Face(landmarks, score, (*low.tolist(), *high.tolist()), math.atan2(across[1], across[0]))


def find_faces(photo: np.ndarray, nets: FaceNets) -> list[Face]:
    """The human faces in a photo uint8 [H, W, 3], largest first; each face once.

    Raises FaceNotFoundError if there is none.
    """
    found = []
    for angle in QUARTER_TURNS:
        for detection in detect(photo, whole_window(photo, angle), nets.detector):
            face = _fitted(photo, detection, nets)
            if face is not None:
                found.append(face)
    faces = _distinct(found)
    if not faces:
        raise FaceNotFoundError(
            "No human face was found in the picture; use a portrait whose face is seen whole."
        )
    return sorted(faces, key=lambda face: -face.size)


def _fitted(photo: np.ndarray, detection: Detection, nets: FaceNets) -> Face | None:
    fit = fit_mesh(photo, window_of_detection(detection), nets)
    for _ in range(2):
        if fit.presence < MIN_PRESENCE:
            return None
        fit = fit_mesh(photo, window_of_landmarks(fit.landmarks), nets)
    return face_of_landmarks(fit.landmarks, detection.score * fit.presence)


def _distinct(faces: list[Face]) -> list[Face]:
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        box = _centred(face)
        if not kept or overlap(box, np.array([_centred(other) for other in kept])).max() < SAME_FACE:
            kept.append(face)
    return kept


def _centred(face: Face) -> np.ndarray:
    left, top, right, bottom = face.box
    return np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])
