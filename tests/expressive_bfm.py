"""The face model made by formula, but with landmarks and expressions like those of a face."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from scipy.spatial import cKDTree

from real3d_core.face_model.bfm import EXPRESSION_SIZE, FaceModel
from real3d_core.face_model.blendshapes import canonical_shapes, personal_shapes
from real3d_core.face_model.canonical import canonical_face
from real3d_core.face_model.mesh import Similarity

from .bfm_making import UNMATCHED, synthetic_face_model
from .deterministic import normal

CENTIMETRE = 0.1  # model units
STRONGEST, WEAKEST = 0.3, 0.03
"""Of a blendshape's weights in the expressions of variance 1: from the first coefficient to the last."""


@cache
def expressive_face_model() -> FaceModel:
    """Landmarks lie where the canonical face has them, and every expression coefficient is another mixture of
    all blendshapes, spread over the vertices. Not to be changed in place.
    """
    model = synthetic_face_model()
    face = Similarity(CENTIMETRE, np.eye(3), np.zeros(3))(canonical_face().vertices)
    face -= (face.max(0) + face.min(0)) / 2
    points = model.mean.double().numpy()
    index = cKDTree(points[:, :2]).query(face[:, :2])[1]
    still = Similarity(CENTIMETRE, np.eye(3), np.zeros(3))
    shapes = canonical_shapes() | personal_shapes(still(canonical_face().vertices), still)
    moves = CENTIMETRE * np.stack(list(shapes.values()))  # [K, 468, 3]
    near = cKDTree(face[:, :2]).query(points[:, :2], k=4)
    share = 1 / (near[0] + 1e-3) ** 2
    share *= np.exp(-((near[0][:, :1] / 0.15) ** 2)) / share.sum(1, keepdims=True)
    spread = np.einsum("vn,kvnc->vck", share, moves[:, near[1]])
    spread[index] = moves.transpose(1, 2, 0)
    mixture = normal("mixture", (len(moves), EXPRESSION_SIZE)).double().numpy()
    base = spread @ (mixture * np.geomspace(STRONGEST, WEAKEST, EXPRESSION_SIZE))
    unmatched = torch.zeros(468, dtype=torch.bool)
    unmatched[UNMATCHED] = True
    return replace(
        model,
        expression_base=torch.from_numpy(base.reshape(-1, EXPRESSION_SIZE).astype(np.float32)),
        index468=torch.where(unmatched, 0, torch.from_numpy(index)),
        unmatched468=unmatched,
    )
