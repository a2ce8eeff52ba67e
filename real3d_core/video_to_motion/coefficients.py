"""3DMM expressions of the driver: the face model fitted to the landmarks of the whole clip.

See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..face_model.bfm import FaceModel
from ..face_model.fit import fit_video
from ..face_model.landmark_weights import LANDMARKS
from ..portrait.network_crop import MIN_FACE_AREA
from ..streaming import no_check
from ..wires import PORTRAIT_SIZE


def fitted_expressions(
    face_model: FaceModel, landmarks: np.ndarray, check: Callable[[], None] = no_check
) -> Tensor:
    """[T, 64] float32 on the CPU: expressions as they are, with one identity for the clip.

    landmarks   [T, 478, 3] pixels (mesh_fit.py, "Convention"), evenly spaced in time, all known.
    check       called now and then; whatever it raises ends the work.
    """
    return fit_video(face_model, torch.from_numpy(framed(landmarks)), PORTRAIT_SIZE, check).expression.cpu()


def framed(landmarks: np.ndarray) -> np.ndarray:
    """[T, 468, 2] float32 pixels of one square of PORTRAIT_SIZE for the clip, in which the face is as large
    as in the networks' crop: the face model's camera has a fixed focal length, and films have any shape.
    """
    flat = landmarks[:, :LANDMARKS, :2].astype(np.float64)
    low, high = flat.min(1), flat.max(1)
    side = np.sqrt(np.median((high - low).prod(1)) / MIN_FACE_AREA)
    corner = np.median((low + high) / 2, 0) - side / 2
    return ((flat - corner) * (PORTRAIT_SIZE / max(side, 1e-6))).astype(np.float32)
