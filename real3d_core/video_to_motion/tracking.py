"""Follows one face through the frames of a clip.

See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import FaceNotFoundError
from ..portrait.detector import Window
from ..portrait.faces import MIN_PRESENCE, find_faces
from ..portrait.mesh_fit import fit_mesh, window_of_landmarks, with_irises
from ..portrait.nets import FaceNets

SEARCH_AGAIN = 5  # frames between two searches for a face that was lost: a search takes as long as 20 frames
JUMP = 1.5  # a face whose size changes by more than this factor from one frame to the next is another one


@dataclass
class FaceTracker:
    """The landmarks of the largest face, frame after frame.

    A face that was found is only followed, from its last place; a lost one is searched for anew. The mesh net
    sees the square about the landmarks of the frame before, and is run once more where the face moved on.
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
        fit = fit_mesh(picture, window, self.nets)
        if fit.presence < MIN_PRESENCE or not _same_size(window, window_of_landmarks(last)):
            return None
        points = fit.landmarks
        return with_irises(picture, points, self.nets.iris) if len(points) == 468 else points

    def _found(self, picture: np.ndarray) -> np.ndarray | None:
        try:
            faces = find_faces(picture, self.nets)
        except FaceNotFoundError:
            return None
        return faces[self.face_index].landmarks if self.face_index < len(faces) else None


def _same_size(a: Window, b: Window) -> bool:
    return 1 / JUMP < a.side / b.side < JUMP
