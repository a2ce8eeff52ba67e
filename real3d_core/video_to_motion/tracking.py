"""Follows one face through the frames of a clip.

See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import FaceNotFoundError
from ..face_model.canonical import mirror_order
from ..portrait.detector import Window
from ..portrait.faces import MIN_PRESENCE, find_faces
from ..portrait.mesh_fit import MeshFit, fit_mesh, window_of_landmarks, with_irises
from ..portrait.nets import FaceNets

SEARCH_AGAIN = 5  # frames between two searches for a face that was lost: a search takes as long as 20 frames
LOOKS = ((1.0, False), (0.87, True), (0.8, False), (0.93, True))
"""Squares, as shares of the net's usual one, in which it looks at a face, and whether in the mirror. Most of
its error is another one in each; docs/model.md says how much the mean of them tells more."""
SETTLING = 3  # looks at a face that was found, until its square stays
JUMP = 1.5  # a face whose size changes by more than this factor from one frame to the next is another one


@dataclass
class FaceTracker:
    """The landmarks of the largest face, frame after frame.

    A face that was found is only followed, from its last place; a lost one is searched for anew. The mesh net
    finds the face in the square about the landmarks of the frame before, and then takes LOOKS at it.
    """

    nets: FaceNets
    face_index: int = 0
    _last: np.ndarray | None = field(default=None, init=False)
    _waiting: int = field(default=0, init=False)

    def __call__(self, picture: np.ndarray) -> np.ndarray | None:
        """float64 [478, 3] landmarks (mesh_fit.py, "Convention") in a picture uint8 [h, w, 3]; None if no
        face is there.
        """
        points = None if self._last is None else self._followed(picture, self._last)
        if points is None and self._waiting == 0:
            points = self._found(picture)
            self._waiting = SEARCH_AGAIN
        if points is None:
            self._waiting -= 1
        else:
            self._waiting = 0
        self._last = points
        return points

    def _followed(self, picture: np.ndarray, last: np.ndarray) -> np.ndarray | None:
        fit = fit_mesh(picture, window_of_landmarks(last), self.nets)
        if fit.presence < MIN_PRESENCE:
            return None
        window = window_of_landmarks(fit.landmarks)
        fit = mean_of_looks(picture, window, self.nets)
        if fit.presence < MIN_PRESENCE or not _same_size(window, window_of_landmarks(last)):
            return None
        points = fit.landmarks
        return with_irises(picture, points, self.nets.iris) if len(points) == 468 else points

    def _found(self, picture: np.ndarray) -> np.ndarray | None:
        try:
            faces = find_faces(picture, self.nets)
        except FaceNotFoundError:
            return None
        if self.face_index >= len(faces):
            return None
        points = faces[self.face_index].landmarks
        for _ in range(SETTLING):  # seen as in the pictures after it, so that they compare
            points = None if points is None else self._followed(picture, points)
        return points


def mean_of_looks(picture: np.ndarray, window: Window, nets: FaceNets) -> MeshFit:
    """What the mesh net sees of a face in LOOKS squares about it: the mean, and the smallest presence."""
    fits = [
        fit_mesh(picture, replace(window, side=window.side * share), nets, mirrored)
        for share, mirrored in LOOKS
    ]
    count = len(fits[0].landmarks)
    marks = [
        fit.landmarks[mirror_order()[:count]] if mirrored else fit.landmarks
        for fit, (_, mirrored) in zip(fits, LOOKS, strict=True)
    ]
    return MeshFit(np.mean(marks, 0), min(fit.presence for fit in fits))


def _same_size(a: Window, b: Window) -> bool:
    return 1 / JUMP < a.side / b.side < JUMP
