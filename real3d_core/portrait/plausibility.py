"""How sure it is that landmarks lie on an upright human face (docs/model.md, "Face nets").

The mesh net puts a face anywhere, upside down and on animals too, and its own presence score is then often
near 1. The detector knows better when it is shown the fitted face upright and centred: true faces get a high
score there (.88 and more on clear photos and paintings, .66-.85 on half, badly lit or very blurred ones;
upside-down fits and a dog at most .76), and on true faces its eyes, nose and mouth agree with the mesh (to .02-.08
eye distances; .17 on the dog).
"""

from __future__ import annotations

import math

import numpy as np

from .detector import Window, detect
from .mesh_fit import window_of_landmarks
from .nets import Net

VIEWS = (1.1, 1.4, 1.8)  # sizes of the square shown to the detector, in squares of the mesh net
MIN_BELIEF = 0.70
SURE_BELIEF = 0.82  # more than any false fit that was measured has
UNSEEN_SCORE, UNSEEN_DISAGREEMENT = 0.4, 0.3  # of a view in which the detector sees nothing

MEAN_OFFSET = np.array([[-0.029, 0.012], [0.003, -0.002], [-0.001, -0.055], [0.010, 0.015]])
"""Where the detector's eyes, nose and mouth are seen relative to the mesh's on average (eye distances)."""


def human_face_belief(photo: np.ndarray, landmarks: np.ndarray, detector: Net) -> float:
    """0..1 for landmarks [468.., 3] in a photo uint8 [H, W, 3]: the detector's mean score over some views of
    the face, less a penalty where its key points disagree with the mesh."""
    window = window_of_landmarks(landmarks)
    expected = _key_points(landmarks)
    scores, offsets = [], []
    for growth in VIEWS:
        view = Window(window.x, window.y, window.side * growth, window.angle)
        found = [face for face in detect(photo, view, detector) if _is_central(face.x, face.y, window)]
        if found:
            scores.append(found[0].score)
            offsets.append(_in_face_frame(found[0].points - expected, expected))
        else:
            scores.append(UNSEEN_SCORE)
            offsets.append(MEAN_OFFSET + [UNSEEN_DISAGREEMENT, 0])
    disagreement = np.linalg.norm(np.mean(offsets, 0) - MEAN_OFFSET, axis=1).mean()
    return float(np.mean(scores) - 0.8 * max(disagreement - 0.03, 0))


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
