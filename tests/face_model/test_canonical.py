"""The canonical face is a symmetric, cleanly triangulated face with open slits."""

import numpy as np

from real3d_core.face_model import topology as t
from real3d_core.face_model.canonical import canonical_face


def test_is_symmetric():
    face = canonical_face()
    mirrored = face.vertices[face.mirror] * [-1, 1, 1]
    assert np.abs(mirrored - face.vertices).max() < 1e-4
    assert (face.mirror[face.mirror] == np.arange(468)).all()
    assert face.mirror[33] == 263
    assert face.mirror[61] == 291


def test_has_the_documented_scale():
    v = canonical_face().vertices
    assert abs(np.linalg.norm(v[33] - v[263]) - 8.9) < 0.05
    assert np.abs((v[33] + v[263]) / 2 - [0, 2.66, 3.17]).max() < 0.01
    assert v[t.NOSE_TIP, 2] > v[t.CHIN_TIP, 2] > v[t.EAR_LEFT, 2]


def test_triangles_face_the_viewer_and_use_every_vertex():
    face = canonical_face()
    a, b, c = (face.vertices[face.triangles[:, i], :2] for i in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    assert (area > 0).all()
    assert set(face.triangles.ravel().tolist()) == set(range(468))


def test_no_triangle_bridges_a_slit():
    for slit in t.SLITS:
        upper, lower = set(slit.upper[1:-1]), set(slit.lower[1:-1])
        for triangle in canonical_face().triangles.tolist():
            assert not (set(triangle) & upper and set(triangle) & lower)
