"""Landmarks of a clip -> blendshapes and head pose of each frame.

The clip is its own measure: what its calmest frames show is the neutral face, and every movement is against
that. Work is done in blocks of frames, so that a long clip needs little more than its landmarks.
See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..face_model import topology as t
from ..face_model.canonical import VERTEX_COUNT, canonical_face
from ..render_triplane.cameras import DISTANCE
from ..wires import ARKIT_NAMES
from .neutral import calm_frames
from .pose import RigidFits, euler_of, fit_rigid, mean_rotation, upright
from .reading import Reading, read, skin_movements, weights_of

BLOCK = 256
MOST_SAMPLED = 600  # frames, evenly spread, that the neutral face is looked for in
BOX_PER_CENTIMETRE = 0.0249  # of a portrait in the built-in framing: 14.6 cm of face in .363 box sides
PIVOT_BEHIND_EARS = 1.2  # cm, as image_to_plane/geometry.py has it


@dataclass(frozen=True)
class Neutral:
    """The clip's resting face.

    shape       [478, 3] cm on the canonical face.
    rotation    [3, 3] and scale (pixels per centimetre): of the resting head in the picture.
    place       [3] pixels: the pivot of the resting head.
    """

    shape: np.ndarray
    rotation: np.ndarray
    scale: float
    place: np.ndarray


@dataclass(frozen=True)
class Measures:
    """blendshapes [T, 52]; euler [T, 3] rad; translation [T, 3] box sides. NaN where there is no face."""

    blendshapes: np.ndarray
    euler: np.ndarray
    translation: np.ndarray


def pivot() -> np.ndarray:
    """[3] cm: the point of the canonical face about which heads turn."""
    vertices = canonical_face().vertices
    ears, jaw = vertices[[t.EAR_RIGHT, t.EAR_LEFT]], vertices[[132, 361]]
    return np.array([0.0, jaw[:, 1].mean(), ears[:, 2].mean() - PIVOT_BEHIND_EARS])


def find_neutral(landmarks: np.ndarray) -> Neutral:
    """The resting face of landmarks [T, 478, 3], all known."""
    step = -(-len(landmarks) // MOST_SAMPLED)
    faces = upright(landmarks[::step].astype(np.float64))
    fits = fit_rigid(canonical_face().vertices, faces[:, :VERTEX_COUNT])
    shape = np.median(fits.undone(faces), 0)
    fits = fit_rigid(shape[:VERTEX_COUNT], faces[:, :VERTEX_COUNT])
    euler = euler_of(fits.rotation @ mean_rotation(fits.rotation).T)
    moved = fits.undone(faces) - shape
    calm = calm_frames(read(moved, euler), euler, skin_movements(moved[:, :VERTEX_COUNT])[:, 0])
    shape = (moved + shape)[calm].mean(0)
    fits = fit_rigid(shape[:VERTEX_COUNT], faces[calm, :VERTEX_COUNT])
    return Neutral(
        shape, mean_rotation(fits.rotation), float(np.median(fits.scale)), fits.applied(pivot()).mean(0)
    )


def measure(landmarks: np.ndarray, relative: bool = True) -> Measures:
    """Blendshapes and poses of landmarks [T, 478, 3] (mesh_fit.py, "Convention"); NaN rows: no face.

    relative    euler is against the resting head; else against a head that looks straight at the camera.
    At least one row must be known.
    """
    known = np.flatnonzero(np.isfinite(landmarks).all((1, 2)))
    neutral = find_neutral(landmarks[known])
    blocks = [
        _seen(upright(landmarks[known[first : first + BLOCK]].astype(np.float64)), neutral)
        for first in range(0, len(known), BLOCK)
    ]
    seen = Seen(*(np.concatenate([getattr(one, field.name) for one in blocks]) for field in fields(Seen)))
    out = Measures(*(np.full((len(landmarks), n), np.nan) for n in (len(ARKIT_NAMES), 3, 3)))
    out.blendshapes[known] = weights_of(Reading(seen.movements, seen.turn_error), seen.euler)
    out.euler[known] = (seen.euler if relative else seen.turn) - seen.turn_error
    out.translation[known] = seen.translation
    return out


@dataclass(frozen=True)
class Seen:
    """What is read of T faces one by one: movements [T, 12] and turn_error [T, 3] as of Reading; euler
    and turn [T, 3] rad, against the resting head and the camera's direction; translation [T, 3] box sides.
    """

    movements: np.ndarray
    turn_error: np.ndarray
    euler: np.ndarray
    turn: np.ndarray
    translation: np.ndarray


def _seen(faces: np.ndarray, neutral: Neutral) -> Seen:
    fits = fit_rigid(neutral.shape[:VERTEX_COUNT], faces[:, :VERTEX_COUNT])
    euler = euler_of(fits.rotation @ neutral.rotation.T)
    reading = read(fits.undone(faces) - neutral.shape, euler)
    return Seen(
        reading.movements, reading.turn_error, euler, euler_of(fits.rotation), _translation(fits, neutral)
    )


def _translation(fits: RigidFits, neutral: Neutral) -> np.ndarray:
    """[T, 3] box sides that the pivot has moved from its resting place, by the built-in camera's distance."""
    nearer = fits.scale / neutral.scale
    across = (fits.applied(pivot()) - neutral.place)[:, :2] / fits.scale[:, None] * BOX_PER_CENTIMETRE
    return np.column_stack([across, DISTANCE * (1 - 1 / nearer)])
