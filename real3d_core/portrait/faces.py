"""Finds the human faces of a photo: any size down to some 20 pixels, any turn (docs/model.md, "Face
nets").
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import FaceNotFoundError
from .detector import SAME_FACE, Detection, Window, detect, overlap, tiles, whole_window
from .mesh_fit import settled_fit, window_of_detection, with_irises
from .nets import FaceNets
from .plausibility import MIN_BELIEF, SURE_BELIEF, human_face_belief

TURNS = (math.pi / 2, -math.pi / 2, math.pi)
MIN_PRESENCE = 0.5
SMALLEST_TILE = 96  # pixels: the detector sees faces from a seventh of its window on
SECOND_LOOK = 0.5  # the first tiles, relative to the photo's longer side; each further set is half as large


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
    search = _Search(photo, nets)
    search.look([whole_window(photo)])
    if not search.sure:
        search.look(whole_window(photo, turn) for turn in TURNS)
    side = SECOND_LOOK * max(photo.shape[:2])
    search.look(tiles(photo, side))
    if not search.faces:
        search.look_closer(side)
    if not search.faces:
        raise FaceNotFoundError(
            "No human face was found in the picture; use a portrait whose face is seen whole, or connect face"
            " landmarks."
        )
    return sorted(search.faces, key=lambda face: -face.size)


class _Search:
    """The faces found so far in one photo."""

    def __init__(self, photo: np.ndarray, nets: FaceNets) -> None:
        self.photo, self.nets = photo, nets
        self.faces: list[Face] = []

    @property
    def sure(self) -> bool:
        """Whether a face is certain, so that no other turn needs to be tried."""
        return any(face.score >= SURE_BELIEF for face in self.faces)

    def look(self, windows: Iterable[Window]) -> None:
        """Adds the faces seen in windows. Where two overlap, the more believable one stays."""
        for window in windows:
            for detection in detect(self.photo, window, self.nets.detector):
                if self._is_settled(detection):
                    continue
                face = self._fitted(detection)
                if face is not None:
                    self._add(face)

    def look_closer(self, side: float) -> None:
        """Smaller and smaller tiles upright, then the larger tiles at other turns, until something is
        found.
        """
        sides = []
        while side >= SMALLEST_TILE and len(sides) < 4:
            sides.append(side)
            side /= 2
        plans = [(size, 0.0) for size in sides[1:]]
        plans += [(size, turn) for size in sides[:2] for turn in TURNS]
        for size, turn in plans:
            self.look(tiles(self.photo, size, turn))
            if self.faces:
                return

    def _is_settled(self, found: Detection) -> bool:
        """Whether a detection only repeats a face that is certain."""
        box = np.array([found.x, found.y, found.side, found.side])
        sure = [_centred(face) for face in self.faces if face.score >= SURE_BELIEF]
        return bool(sure) and bool(overlap(box, np.array(sure)).max() > SAME_FACE)

    def _fitted(self, found: Detection) -> Face | None:
        fit = settled_fit(self.photo, window_of_detection(found), self.nets)
        if fit.presence < MIN_PRESENCE:
            return None
        belief = human_face_belief(self.photo, fit.landmarks, self.nets.detector)
        if belief < MIN_BELIEF:
            return None
        landmarks = fit.landmarks
        if len(landmarks) == 468:
            landmarks = with_irises(self.photo, landmarks, self.nets.iris)
        return face_of_landmarks(landmarks, belief)

    def _add(self, face: Face) -> None:
        box = _centred(face)
        rivals = [other for other in self.faces if overlap(box, _centred(other)[None])[0] > SAME_FACE]
        if all(face.score > rival.score for rival in rivals):
            self.faces = [other for other in self.faces if other not in rivals] + [face]


def _centred(face: Face) -> np.ndarray:
    left, top, right, bottom = face.box
    return np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])
