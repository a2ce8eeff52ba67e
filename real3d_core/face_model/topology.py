"""Landmark indices of the 468-point face mesh (MediaPipe numbering), by what they outline.

Left and right are the person's own. Slit contours run from the image's left to the image's right and share
their two end points.
"""

from __future__ import annotations

from dataclasses import dataclass

FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)


@dataclass(frozen=True)
class Slit:
    """An opening of the face: the contour of its upper and of its lower edge, end points shared."""

    name: str
    upper: tuple[int, ...]
    lower: tuple[int, ...]


MOUTH = Slit(
    "mouth",
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)
RIGHT_EYE = Slit(
    "rightEye", (33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)
)
LEFT_EYE = Slit(
    "leftEye", (362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)
)
SLITS = (MOUTH, RIGHT_EYE, LEFT_EYE)

# Rings of the lips from the slit outwards, end points (corners) left out; same order as the slit's contour.
UPPER_LIP_RINGS = (
    (191, 80, 81, 82, 13, 312, 311, 310, 415),
    (183, 42, 41, 38, 12, 268, 271, 272, 407),
    (184, 74, 73, 72, 11, 302, 303, 304, 408),
    (185, 40, 39, 37, 0, 267, 269, 270, 409),
)
LOWER_LIP_RINGS = (
    (95, 88, 178, 87, 14, 317, 402, 318, 324),
    (96, 89, 179, 86, 15, 316, 403, 319, 325),
    (77, 90, 180, 85, 16, 315, 404, 320, 307),
    (146, 91, 181, 84, 17, 314, 405, 321, 375),
)
UPPER_LIP = tuple(i for ring in UPPER_LIP_RINGS for i in ring)
LOWER_LIP = tuple(i for ring in LOWER_LIP_RINGS for i in ring)
RIGHT_CORNER = (61, 76, 62, 78)
LEFT_CORNER = (291, 306, 292, 308)
CORNERS = RIGHT_CORNER + LEFT_CORNER
LIPS = UPPER_LIP + LOWER_LIP + CORNERS

CHIN = (
    *(152, 148, 377, 176, 400, 175, 199, 200, 18, 83, 313, 201, 421, 208, 428, 171, 396),
    *(149, 378, 140, 369, 150, 379),
)
# Jaw contour from ear to ear, image left to image right.
JAW_LINE = (
    *(234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152),
    *(377, 400, 378, 379, 365, 397, 288, 361, 323, 454),
)

RIGHT_BROW = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
LEFT_BROW = (300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
RIGHT_CREASE = (247, 30, 29, 27, 28, 56, 190)
LEFT_CREASE = (467, 260, 259, 257, 258, 286, 414)

# Points that stay where they are while the mouth moves: they stop a displacement from reaching eyes and ears.
UPPER_FACE = (
    *(168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 64, 294, 33, 133, 362, 263, 145, 374, 159, 386, 10, 67, 297),
    *(127, 356, 234, 454, 93, 323, 116, 345, 117, 346, 118, 347, 119, 348, 50, 280, 101, 330, 36, 266),
)

RIGHT_IRIS = (468, 469, 470, 471, 472)
LEFT_IRIS = (473, 474, 475, 476, 477)
NOSE_TIP = 1
CHIN_TIP = 152
FOREHEAD_TOP = 10
EAR_RIGHT, EAR_LEFT = 234, 454
