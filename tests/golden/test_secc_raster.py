"""SECC maps against those of the original's rasteriser."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.face_model.bfm import FaceModel
from real3d_core.face_model.secc import FOCAL, SeccRenderer, draw_secc
from real3d_core.render_triplane.cameras import rotation_from_euler
from tests.bfm_making import synthetic_face_model
from tests.deterministic import coefficients
from tests.golden.recorded import Recorded

MAP = (1e-4, 1e-6)
"""Greatest and mean difference of a map's colours."""


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded("secc_raster")


@pytest.fixture(scope="module")
def face() -> FaceModel:
    return synthetic_face_model()


def mask_of(triangle: Tensor) -> Tensor:
    """[n, 1, size, size] float. The original drops the first triangle of a batch; none of these shows it."""
    assert (triangle != 0).all()
    return (triangle > 0)[:, None].float()


def outliers(stored: Tensor) -> int:
    """Numbers that may differ, 0.1 %: pixel centres on an edge."""
    return stored.numel() // 1000


def test_maps(recorded: Recorded, face: FaceModel) -> None:
    drawn = SeccRenderer(face, 256).render(recorded["id"][0], recorded["exp"])
    recorded.assert_close("secc", drawn, MAP, outliers(recorded["secc"]))
    shapes = face.shape(recorded["id"], recorded["exp"])
    raster = draw_secc(shapes, face.visible_triangles, face.colours, 256)
    mask = mask_of(raster.triangle)
    recorded.assert_close("mask", mask, (1e-6, 1e-3), outliers(recorded["mask"]))
    assert ((drawn == -1).all(1) == (mask[:, 0] == 0)).all()


def test_posed_map(recorded: Recorded, face: FaceModel) -> None:
    rotation = rotation_from_euler(recorded["posed_euler"])[0]
    shape = face.shape(recorded["id"][0], torch.from_numpy(coefficients(4).expression[2]))
    posed = shape @ rotation.T + recorded["posed_trans"]
    raster = draw_secc(posed, face.visible_triangles, face.colours, 128)
    mask = mask_of(raster.triangle)
    recorded.assert_close("posed_mask128", mask, (1e-6, 1e-3), outliers(recorded["posed_mask128"]))
    recorded.assert_close("posed_secc128", raster.colours, MAP, outliers(recorded["posed_secc128"]))


def test_camera_and_triangles(recorded: Recorded, face: FaceModel) -> None:
    recorded.assert_close("fov_deg", torch.tensor(math.degrees(2 * math.atan(1 / FOCAL))), (1e-5, 1e-5))
    assert int(recorded["n_faces_kept"]) == len(face.visible_triangles)


def test_coefficients(recorded: Recorded) -> None:
    made = coefficients(4)
    expression = np.stack([made.expression[0], np.zeros(64, np.float32)])
    for name, value in {
        "id": made.identity[:2],
        "exp": expression,
        "posed_euler": made.euler[2:3],
        "posed_trans": made.translation[2:3],
    }.items():
        recorded.assert_close(name, torch.from_numpy(value), (1e-6, 1e-7))


def test_every_recorded_tensor_is_compared(recorded: Recorded) -> None:
    maps = {"secc", "mask", "posed_mask128", "posed_secc128", "fov_deg", "n_faces_kept"}
    assert set(recorded.names()) == maps | {"id", "exp", "posed_euler", "posed_trans"}
