"""Fits of the face model to landmarks: one picture, and a clip."""

from __future__ import annotations

import torch

from real3d_core.face_model.fit import fit_image, fit_video
from tests.bfm_making import synthetic_face_model
from tests.golden.recorded import Recorded

FIT = (1e-3, 2e-4)
"""Adam amplifies rounding."""

FIELDS = {"id": "identity", "exp": "expression", "euler": "euler", "trans": "translation"}


def test_fits() -> None:
    recorded, model = Recorded("fit_3dmm"), synthetic_face_model()
    landmarks = recorded["lm478_px512"]
    with torch.inference_mode():  # as the host runs it
        image, video = fit_image(model, landmarks[0], 512), fit_video(model, landmarks, 512)
    names = {"lm478_px512"}
    for name, field in FIELDS.items():
        recorded.assert_close(f"image_{name}", getattr(image, field)[None], FIT)
        clip = getattr(video, field)
        recorded.assert_close(f"video_{name}", clip[None] if field == "identity" else clip, FIT)
        names |= {f"image_{name}", f"video_{name}"}
    assert set(recorded.names()) == names
