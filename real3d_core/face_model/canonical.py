"""The canonical face: a mean of measured faces, symmetrised.

Convention
    Centimetres; x to the image's right (the person's left), y up, z towards the viewer. The mid-point of the
    outer eye corners (33, 263) lies at (0, 2.66, 3.17) and they are 8.9 cm apart, so that the joint of the
    jaw is near (0, 0.6, -1.6).
    Triangles are counter-clockwise seen from the front; the openings of mouth and eyes hold none.

The data file is made by tools/make_canonical_face.py. See docs/model.md, "Face mesh".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

VERTEX_COUNT = 468


@dataclass(frozen=True)
class CanonicalFace:
    """vertices [468, 3] float64 cm; triangles [T, 3] int64; mirror [468] int64, each point's counterpart."""

    vertices: np.ndarray
    triangles: np.ndarray
    mirror: np.ndarray


@cache
def canonical_face() -> CanonicalFace:
    """The canonical face (arrays are read-only)."""
    with np.load(Path(__file__).with_name("canonical_face.npz")) as data:
        face = CanonicalFace(
            data["vertices"].astype(np.float64),
            data["triangles"].astype(np.int64),
            data["mirror"].astype(np.int64),
        )
    for array in (face.vertices, face.triangles, face.mirror):
        array.setflags(write=False)
    return face


def mirror_order() -> np.ndarray:
    """[478] each landmark's counterpart in the mirror, the irises' too (portrait/mesh_fit.py has their
    order).
    """
    irises = [473, 476, 475, 474, 477, 468, 471, 470, 469, 472]
    return np.concatenate([canonical_face().mirror, irises])
