"""The square that the networks see (docs/model.md, "Portrait preparation for the networks").

Convention
    The crop is 512 x 512; its map is [2, 3], crop pixels -> photo pixels (geometry.py). "Area" is the share
    of a picture that the bounding box of all 478 landmarks covers.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import ImageError
from ..wires import PORTRAIT_SIZE
from .faces import Face
from .geometry import square_map

MIN_FACE_AREA = 0.2
LEAST_ROOM = 1.5  # sides of the face's box that the square has at least, so that hair and chin are in it
STRAIGHTEN_FROM = math.radians(25)  # a smaller tilt is the photo's own pose: the fit finds it, videos have it


def network_crop_map(face: Face, width: int, height: int, min_face_area: float = MIN_FACE_AREA) -> np.ndarray:
    """[2, 3] map of the networks' crop for a face in a photo of width x height pixels.

    A square photo whose face has `min_face_area` of it is taken whole; of any photo whose face is smaller
    the square is cut in which the face would have that area, made smaller about its middle until it lies in
    the photo: both as in the released code. It differs in three cases. A photo that is not square is never
    squashed: the square has the face at `min_face_area`, or holds the whole photo. A square that would become
    so small that it cuts into the head stays at LEAST_ROOM (unless `min_face_area` asks for less), around the
    face's middle. A head that lies on its side is turned upright. What the photo then lacks is left to the
    caller to continue.

    Raises ImageError if `min_face_area` is not above 0 and at most 1.
    """
    if not 0 < min_face_area <= 1:
        raise ImageError(
            f"The least face area is {min_face_area:.6g} where a share of the picture is needed; choose more"
            " than 0 and at most 1, such as 0.2."
        )
    angle = face.roll if abs(face.roll) > STRAIGHTEN_FROM else 0.0
    turn = square_map(0, 0, 1, angle, 1)[:, :2]
    upright = face.landmarks[:, :2] @ turn
    low, high = upright.min(0), upright.max(0)
    box, centre = high - low, (low + high) / 2
    size = np.array([width, height], float)
    wanted = math.sqrt(float(box.prod()) / min_face_area)
    least = min(LEAST_ROOM * float(box.max()), math.floor(wanted))
    if angle:
        side = min(wanted, max(least, float(size.max())))
        return square_map(*(turn @ centre), side, angle, PORTRAIT_SIZE)
    if box.prod() < min_face_area * width * height:
        beyond = max(0.0, float((wanted / 2 - centre).max()), float((centre + wanted / 2 - size).max()))
        side = float(math.floor(wanted - 2 * beyond))
        return square_map(*centre, max(side, least), 0.0, PORTRAIT_SIZE)
    side = float(width) if width == height else min(wanted, max(least, float(size.max())))
    # Into the photo where it is larger than the square, over all of it where it is smaller.
    corner = np.clip(centre - side / 2, np.minimum(size - side, 0), np.maximum(size - side, 0))
    return square_map(*(corner + side / 2), side, 0.0, PORTRAIT_SIZE)
