from __future__ import annotations

import math

import numpy as np
import pytest

from real3d_core.errors import ImageError
from real3d_core.portrait.faces import Face, face_of_landmarks
from real3d_core.portrait.geometry import apply, invert, scale_of
from real3d_core.portrait.network_crop import LEAST_ROOM, network_crop_map

BOX = (100.0, 120.0)  # width and height of the face made here


def face_at(x: float, y: float, roll: float = 0.0, size: tuple[float, float] = BOX) -> Face:
    """A face whose landmarks fill a box around (x, y), its eyes on a line turned by `roll`."""
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (478, 2)) * size
    points[:4] = np.array([[-0.5, -0.5], [0.5, 0.5], [-0.5, 0.5], [0.5, -0.5]]) * size
    points[[33, 263]] = [[-0.3 * size[0], 0], [0.3 * size[0], 0]]
    c, s = math.cos(roll), math.sin(roll)
    points = points @ np.array([[c, s], [-s, c]]) + [x, y]
    return face_of_landmarks(np.column_stack([points, np.zeros(478)]))


def square_of(affine: np.ndarray) -> tuple[float, float, float]:
    """(left, top, side) of an upright crop in the photo."""
    np.testing.assert_allclose(affine[:, :2], np.eye(2) * affine[0, 0], atol=1e-9)
    return float(affine[0, 2]), float(affine[1, 2]), float(affine[0, 0] * 512)


def area(affine: np.ndarray, face: Face) -> float:
    seen = apply(invert(affine), face.landmarks[:, :2])
    return float(np.prod(seen.max(0) - seen.min(0)) / 512**2)


def test_a_square_photo_with_a_large_face_is_taken_whole() -> None:
    face = face_at(120, 110)  # 12000 of 240 x 240 pixels are 0.208
    assert square_of(network_crop_map(face, 240, 240)) == pytest.approx((0, 0, 240))


@pytest.mark.parametrize("share", [0.15, 0.2, 0.4])
def test_a_small_face_gets_its_share(share: float) -> None:
    face = face_at(500, 480)
    affine = network_crop_map(face, 1000, 900, share)
    left, top, side = square_of(affine)
    assert side == math.floor(math.sqrt(BOX[0] * BOX[1] / share))  # whole pixels, as in the original
    assert (left + side / 2, top + side / 2) == pytest.approx((500, 480))
    assert area(affine, face) == pytest.approx(share, rel=0.02)


def test_near_the_edge_the_square_shrinks_about_the_face() -> None:
    # The square of 244.9 pixels would reach 12.5 pixels beyond the left edge.
    left, top, side = square_of(network_crop_map(face_at(110, 300), 1000, 900))
    assert side == math.floor(math.sqrt(60000) - 2 * (math.sqrt(60000) / 2 - 110))
    assert (left + side / 2, top + side / 2) == pytest.approx((110, 300))


def test_the_square_never_cuts_into_the_head() -> None:
    left, top, side = square_of(network_crop_map(face_at(70, 300), 1000, 900))
    assert (left + side / 2, top + side / 2) == pytest.approx((70, 300))
    assert side == pytest.approx(LEAST_ROOM * BOX[1])


@pytest.mark.parametrize(("width", "height"), [(130, 300), (300, 160), (200, 201)])
def test_other_shapes_are_not_squashed(width: int, height: int) -> None:
    face = face_at(width / 2 + 3, height / 2 - 5)
    affine = network_crop_map(face, width, height)
    left, top, side = square_of(affine)  # equal scales in x and y
    assert side <= max(width, height)
    assert side >= LEAST_ROOM * BOX[1]
    for begin, length in ((left, width), (top, height)):
        if side <= length:  # the square lies in the photo, else the photo lies in the square
            assert begin >= 0 and begin + side <= length + 1e-9
        else:
            assert begin <= 0 and begin + side >= length
    assert area(affine, face) >= 0.2 - 1e-9


def test_a_tight_photo_is_held_whole_by_a_larger_square() -> None:
    left, top, side = square_of(network_crop_map(face_at(55, 65), 110, 130))
    assert side == pytest.approx(LEAST_ROOM * BOX[1])
    assert left <= 0 and top <= 0 and left + side >= 110 and top + side >= 130


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, math.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ImageError, match="choose more than 0"):
        network_crop_map(face_at(500, 450), 1000, 900, share)


@pytest.mark.parametrize("roll", [0.2, -0.4])
def test_a_tilt_stays(roll: float) -> None:
    assert network_crop_map(face_at(500, 450, roll), 1000, 900)[0, 1] == 0


@pytest.mark.parametrize("roll", [0.6, -1.4, math.pi])
def test_a_head_on_its_side_is_turned_upright(roll: float) -> None:
    face = face_at(500, 450, roll)
    affine = network_crop_map(face, 1000, 900)
    seen = apply(invert(affine), face.landmarks[:, :2])
    eyes = seen[263] - seen[33]
    assert eyes[1] == pytest.approx(0, abs=1e-6) and eyes[0] > 0
    np.testing.assert_allclose((seen.min(0) + seen.max(0)) / 2, 256, atol=1e-6)
    assert area(affine, face) == pytest.approx(0.2, rel=1e-6)
    assert scale_of(affine) == pytest.approx(math.sqrt(60000) / 512)
