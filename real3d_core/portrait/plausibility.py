"""How sure it is that landmarks lie on an upright human face (docs/model.md, "Face nets").

The mesh net puts a face anywhere, upside down and on animals too, and its own presence score is then often
near 1.
The detector knows better when it is shown the fitted face upright and centred: there true faces get a high
score, and its eyes, nose and mouth agree with the mesh. Measured beliefs: clear photos and paintings .88 and
more; badly lit, covered or very blurred faces .73 and more; a dog .65; upside-down fits up to .78, always
less than the upright fit of the same face.
"""

from __future__ import annotations

import math

import numpy as np

from .detector import Window, detect
from .mesh_fit import window_of_landmarks
from .nets import Net

VIEWS = (1.1, 1.4, 1.8, 2.4, 3.2)  # sizes of the square shown to the detector, in squares of the mesh net
BEST_VIEWS = 3  # a blurred face is seen better from afar, an overexposed one from close by
MIN_BELIEF = 0.70
SURE_BELIEF = 0.82  # more than any false fit that was measured has
UNSEEN = 0.2  # belief of a view in which the detector sees nothing

MEAN_OFFSET = np.array([[-0.029, 0.012], [0.003, -0.002], [-0.001, -0.055], [0.010, 0.015]])
"""Where the detector's eyes, nose and mouth are seen relative to the mesh's on average (eye distances)."""


def human_face_belief(photo: np.ndarray, landmarks: np.ndarray, detector: Net) -> float:
    """0..1 for landmarks [468.., 3] in a photo uint8 [H, W, 3]: the mean of the best views of the face.

    A view's belief is the detector's score, less a penalty where its key points disagree with the mesh.
    """
    window = window_of_landmarks(landmarks)
    expected = _key_points(landmarks)
    beliefs = []
    for growth in VIEWS:
        view = Window(window.x, window.y, window.side * growth, window.angle)
        found = [face for face in detect(photo, view, detector) if _is_central(face.x, face.y, window)]
        if found:
            offsets = _in_face_frame(found[0].points - expected, expected)
            disagreement = np.linalg.norm(offsets - MEAN_OFFSET, axis=1).mean()
            beliefs.append(found[0].score - 0.8 * max(float(disagreement) - 0.04, 0))
        else:
            beliefs.append(UNSEEN)
    return sum(sorted(beliefs)[-BEST_VIEWS:]) / BEST_VIEWS


def _is_central(x: float, y: float, window: Window) -> bool:
    return math.hypot(x - window.x, y - window.y) < 0.3 * window.side


def _key_points(landmarks: np.ndarray) -> np.ndarray:
    """[4, 2] right eye, left eye, nose tip, mouth."""
    pairs = ((33, 133), (263, 362), (1, 1), (13, 14))
    return np.stack([landmarks[list(pair), :2].mean(0) for pair in pairs])


def _in_face_frame(offsets: np.ndarray, key_points: np.ndarray) -> np.ndarray:
    """Offsets [4, 2] along and across the eye line, in eye distances."""
    across = key_points[1] - key_points[0]
    frame = np.array([across, [-across[1], across[0]]])
    return offsets @ frame.T / (across @ across)
