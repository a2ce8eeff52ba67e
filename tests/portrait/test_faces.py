from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from real3d_core.errors import FaceNotFoundError
from real3d_core.portrait.faces import Face, find_faces
from real3d_core.portrait.mesh_fit import estimated_iris, with_irises
from real3d_core.portrait.nets import FaceNets


def eye_distance(landmarks: np.ndarray) -> float:
    return float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))


def error(found: Face, wanted: np.ndarray) -> float:
    """Mean distance of the landmarks in eye distances."""
    return float(
        np.linalg.norm(found.landmarks[:, :2] - wanted, axis=1).mean() / eye_distance(found.landmarks)
    )


def test_the_astronaut(face: Face) -> None:
    assert face.landmarks.shape == (478, 3)
    assert face.score > 0.85
    nose, chin = face.landmarks[1], face.landmarks[152]
    np.testing.assert_allclose(nose[:2], [230, 130], atol=15)
    assert nose[2] < face.landmarks[234, 2] - 20  # nearer than the ear
    assert chin[1] > nose[1]
    assert abs(np.degrees(face.roll)) < 10


def test_irises_lie_in_the_eyes(face: Face) -> None:
    points = face.landmarks
    for iris, outer, inner in ((468, 33, 133), (473, 263, 362)):
        width = np.linalg.norm(points[outer, :2] - points[inner, :2])
        middle = points[[outer, inner], :2].mean(0)
        assert np.linalg.norm(points[iris, :2] - middle) < 0.2 * width
        right, top, left, bottom = points[iris + 1 : iris + 5, :2]
        assert right[0] > points[iris, 0] > left[0]
        assert top[1] < points[iris, 1] < bottom[1]


@pytest.mark.parametrize("degrees", [30, 75, 90, 135, 180, -60])
def test_turned_pictures(astronaut: np.ndarray, face: Face, nets: FaceNets, degrees: int) -> None:
    turn = cv2.getRotationMatrix2D((255.5, 255.5), degrees, 0.8)
    turned = cv2.warpAffine(astronaut, turn, (512, 512))
    faces = find_faces(turned, nets)
    assert len(faces) == 1
    wanted = (face.landmarks[:, :2] - 0.5) @ turn[:, :2].T + turn[:, 2] + 0.5
    assert error(faces[0], wanted) < 0.06
    assert np.cos(faces[0].roll - (face.roll - np.radians(degrees))) > 0.99


@pytest.mark.parametrize("scale", [0.3, 2.0, 6.0])
def test_other_sizes(astronaut: np.ndarray, face: Face, nets: FaceNets, scale: float) -> None:
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    found = find_faces(cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=way), nets)[0]
    assert error(found, face.landmarks[:, :2] * scale) < 0.04


def test_small_face_in_a_large_picture(astronaut: np.ndarray, face: Face, nets: FaceNets) -> None:
    small = cv2.resize(astronaut, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA)
    canvas = np.full((1024, 1024, 3), 90, np.uint8)
    canvas[500 : 500 + len(small), 700 : 700 + small.shape[1]] = small
    faces = find_faces(canvas, nets)
    assert len(faces) == 1
    assert 25 < faces[0].size < 45
    assert error(faces[0], face.landmarks[:, :2] * 0.35 + [700, 500]) < 0.08


def test_several_faces_largest_first_and_each_once(astronaut: np.ndarray, nets: FaceNets) -> None:
    large = cv2.resize(astronaut[:320, 60:380], None, fx=2, fy=2)
    pair = np.zeros((640, 1100, 3), np.uint8)
    pair[:, :640] = large
    pair[100:420, 740:1060] = astronaut[:320, 60:380]
    faces = find_faces(pair, nets)
    assert len(faces) == 2
    assert faces[0].size > 1.7 * faces[1].size
    assert faces[0].box[2] < 640 < faces[1].box[0]


@pytest.mark.parametrize("change", ["dark", "grey", "noise", "blur", "flip"])
def test_poor_photos(astronaut: np.ndarray, nets: FaceNets, change: str) -> None:
    noise = np.random.default_rng(0).normal(0, 25, astronaut.shape)
    changed = {
        "dark": (astronaut * 0.15).astype(np.uint8),
        "grey": np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, 2),
        "noise": np.clip(astronaut + noise, 0, 255).astype(np.uint8),
        "blur": cv2.GaussianBlur(astronaut, (0, 0), 3),
        "flip": np.ascontiguousarray(astronaut[:, ::-1]),
    }[change]
    assert len(find_faces(changed, nets)) == 1


@pytest.mark.parametrize("name", ["chelsea", "coffee"])
def test_cats_and_cups_are_no_faces(nets: FaceNets, name: str) -> None:
    with pytest.raises(FaceNotFoundError, match="No human face"):
        find_faces(getattr(data, name)(), nets)


def test_irises_without_the_net(face: Face) -> None:
    whole = with_irises(None, face.landmarks[:468], None)
    assert whole.shape == (478, 3)
    np.testing.assert_array_equal(whole[:468], face.landmarks[:468])
    distance = np.linalg.norm(whole[[468, 473], :2] - face.landmarks[[468, 473], :2], axis=1)
    assert distance.max() < 0.08 * eye_distance(face.landmarks)
    assert estimated_iris(face.landmarks, (33,) * 16).shape == (5, 3)  # a closed, flat eye is no error
