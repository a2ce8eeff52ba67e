"""How much each of the 468 face mesh landmarks counts in a fit of the face model.

See docs/model.md, "Face model and SECC maps".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .topology import LEFT_EYE, LOWER_LIP_RINGS, MOUTH, RIGHT_EYE, UPPER_LIP_RINGS

LANDMARKS = 468

UNMATCHED = (93, 127, 132, 234, 323, 356, 361, 454)
"""Points of the face's outline that the face model has no vertex for."""

EYES = (*RIGHT_EYE.upper, *RIGHT_EYE.lower, *LEFT_EYE.upper, *LEFT_EYE.lower)

UPPER_LIDS = (*RIGHT_EYE.upper[2:-2], *LEFT_EYE.upper[2:-2])

LIP_OUTLINE = (61, *UPPER_LIP_RINGS[-1], *LOWER_LIP_RINGS[-1], 291)
"""The outer edge of the red with both corners."""

LIPS = (*LIP_OUTLINE, *MOUTH.upper, *MOUTH.lower)


@dataclass(frozen=True)
class LandmarkWeights:
    """Weights of landmark groups; every other matched landmark counts 1. Upper lids stand above eyes."""

    eyes: float
    upper_lids: float
    lips: float

    def each(self) -> Tensor:
        """[468] float32."""
        weights = torch.ones(LANDMARKS)
        weights[list(EYES)] = self.eyes
        weights[list(UPPER_LIDS)] = self.upper_lids
        weights[list(LIPS)] = self.lips
        weights[list(UNMATCHED)] = 0
        return weights


IMAGE_WEIGHTS = LandmarkWeights(eyes=5, upper_lids=5, lips=2)
VIDEO_WEIGHTS = LandmarkWeights(eyes=3, upper_lids=20, lips=5)
