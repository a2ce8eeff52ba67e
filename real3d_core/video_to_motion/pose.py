"""Head poses by rigid fits of a face to its landmarks, and landmarks made free of the pose.

Convention
    Faces are float64 [T, 468, 3]: in the picture x right, y up, z towards the viewer, in pixels; at rest in
    the frame and in the centimetres of the canonical face (face_model/canonical.py).

See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..face_model import topology as t
from ..face_model.canonical import VERTEX_COUNT, canonical_face

DEPTH_TRUST = 0.3  # weight of the landmarks' z against x and y: the nets guess it, and blinks move it
ROUNDS = 15  # of the fit with the guessed z drawn towards the fitted one; it settles in ten
MOVING = (*t.LIPS, *t.CHIN, *t.JAW_LINE, *t.RIGHT_BROW, *t.LEFT_BROW, *t.RIGHT_CREASE, *t.LEFT_CREASE)
"""Points that expressions move: they have no say in the pose."""
STILL = (-1.0, 5.5)  # cm: what lies lower on the canonical face follows the mouth, what lies higher the brows


@dataclass(frozen=True)
class RigidFits:
    """scale [T] pixels per centimetre, rotation [T, 3, 3], translation [T, 3] pixels: rest -> picture."""

    scale: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    def undone(self, faces: np.ndarray) -> np.ndarray:
        """[T, N, 3] points of the pictures taken back to rest, centimetres."""
        return (faces - self.translation[:, None]) @ self.rotation / self.scale[:, None, None]

    def applied(self, point: np.ndarray) -> np.ndarray:
        """[T, 3] where a point [3] of the face at rest is in the pictures."""
        return self.scale[:, None] * (self.rotation @ point) + self.translation


def upright(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks [..., 3] of mesh_fit.py's convention in that of this module."""
    return landmarks * np.array([1.0, -1.0, -1.0])


def pose_weights() -> np.ndarray:
    """[468] how much a point says about the pose: 1, or 0 where expressions move it."""
    vertices = canonical_face().vertices
    weights = np.ones(VERTEX_COUNT)
    weights[(vertices[:, 1] < STILL[0]) | (vertices[:, 1] > STILL[1])] = 0
    lids = [i for slit in (t.RIGHT_EYE, t.LEFT_EYE) for i in (*slit.upper[1:-1], *slit.lower[1:-1])]
    weights[[*MOVING, *lids]] = 0
    return weights


def fit_rigid(rest: np.ndarray, faces: np.ndarray) -> RigidFits:
    """The similarities that take `rest` [468, 3] to each of `faces`, by the points that expressions leave
    alone; z counts DEPTH_TRUST as much as x and y.
    """
    still = pose_weights() > 0
    rest, seen = rest[still], faces[:, still]
    fits = _procrustes(rest, seen)
    for _ in range(ROUNDS):
        fitted = fits.scale[:, None, None] * (rest @ fits.rotation.transpose(0, 2, 1))
        depth = seen[..., 2] - seen[..., 2].mean(1, keepdims=True)
        fitted = fitted[..., 2] - fitted[..., 2].mean(1, keepdims=True)
        drawn = np.concatenate(
            [seen[..., :2], (DEPTH_TRUST * depth + (1 - DEPTH_TRUST) * fitted)[..., None]], -1
        )
        fits = _procrustes(rest, drawn)
    offset = seen[..., 2].mean(1) - fits.applied(rest.mean(0))[:, 2]
    return RigidFits(fits.scale, fits.rotation, fits.translation + offset[:, None] * np.array([0, 0, 1]))


def _procrustes(rest: np.ndarray, faces: np.ndarray) -> RigidFits:
    """Least squares, all points and axes alike."""
    mean_rest, mean = rest.mean(0), faces.mean(1)
    centred = rest - mean_rest
    u, s, vt = np.linalg.svd(np.einsum("vi,tvj->tij", centred, faces - mean[:, None]))
    sign = np.ones((len(faces), 3))
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (vt.transpose(0, 2, 1) * sign[:, None]) @ u.transpose(0, 2, 1)
    scale = (s * sign).sum(1) / (centred**2).sum()
    return RigidFits(scale, rotation, mean - scale[:, None] * (rotation @ mean_rest))


def euler_of(rotation: np.ndarray) -> np.ndarray:
    """[T, 3] pitch, yaw, roll in radians of [T, 3, 3] = Rz Ry Rx (wires.py, "Head pose")."""
    r = rotation
    return np.stack(
        [
            np.arctan2(r[:, 2, 1], r[:, 2, 2]),
            -np.arcsin(np.clip(r[:, 2, 0], -1, 1)),
            np.arctan2(r[:, 1, 0], r[:, 0, 0]),
        ],
        1,
    )


def mean_rotation(rotation: np.ndarray) -> np.ndarray:
    """[3, 3] the rotation nearest to the mean of [T, 3, 3]."""
    u, _, vt = np.linalg.svd(rotation.mean(0))
    return u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt))]) @ vt
