"""What in a photo will hurt the result, in words. Each finding is one short sentence with its number."""

from __future__ import annotations

import math

import numpy as np

from .crop import Crop
from .filters import blur
from .geometry import scale_of
from .nets import opencv
from .regions import CHIN, CROWN, EARS, MOUTH_CORNERS, face_mask, face_width

SMALL_FACE = 120  # photo pixels: the crop then enlarges it more than one and a half times
TURNED = 25.0  # degrees: beyond, the far half of the face is guessed
NEUTRAL_LEAN = 11.0  # degrees by which chin lies behind brow in an upright face's mesh
BLURRED = 1.15  # see _sharpness: sharp photos have 1.4 and more
OPEN_MOUTH = 0.12  # lip gap, share of the mouth's width
CLOSED_EYE = 0.15  # lid gap, share of the eye's width; open eyes have .25 and more
DARK = 0.22  # mean brightness of the face
BORDER = 0.08  # face widths between the face and the photo's edge

EYELIDS = ((33, 133, ((159, 145), (158, 153), (160, 144))), (263, 362, ((386, 374), (385, 380), (387, 373))))
INNER_LIPS = ((13, 14), (82, 87), (312, 317))


def find_flaws(crop: Crop, landmarks: np.ndarray, cut: float) -> tuple[str, ...]:
    """The findings for a crop, its landmarks [478, 3] in crop pixels, and the cut of the head
    (CutHead.share).
    """
    width = face_width(landmarks)
    checks = (
        _size(width * scale_of(crop.to_photo)),
        _turn(landmarks),
        _blur(crop.pixels, landmarks),
        _mouth(landmarks),
        _eyes(landmarks),
        _cut_head(cut),
        _border(crop, landmarks),
        _darkness(crop.pixels, landmarks),
    )
    return tuple(text for text in checks if text)


def _size(width: float) -> str:
    if width >= SMALL_FACE:
        return ""
    return f"The face is only {width:.0f} pixels wide; 200 or more give a sharp result."


def _turn(landmarks: np.ndarray) -> str:
    right, left = landmarks[list(EARS)]
    yaw = math.degrees(math.atan2(left[2] - right[2], left[0] - right[0]))
    brow, chin = landmarks[[CROWN, CHIN]]
    pitch = math.degrees(math.atan2(chin[2] - brow[2], chin[1] - brow[1])) - NEUTRAL_LEAN
    if abs(yaw) > TURNED:
        return f"The head is turned aside by {abs(yaw):.0f} degrees; up to {TURNED:.0f} looks natural."
    if abs(pitch) > TURNED:
        return f"The head leans {abs(pitch):.0f} degrees up or down; up to {TURNED:.0f} looks natural."
    return ""


def _blur(pixels: np.ndarray, landmarks: np.ndarray) -> str:
    sharpness = _sharpness(pixels, landmarks)
    if sharpness >= BLURRED:
        return ""
    return f"The face is blurred (sharpness {sharpness:.2f}, sharp photos have 1.4 or more)."


def _sharpness(pixels: np.ndarray, landmarks: np.ndarray) -> float:
    """How much the strongest edges in the face lose when it is blurred by 2 pixels; 1 = nothing."""
    cv2 = opencv()
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    face = face_mask(landmarks) > 0

    def edges(picture: np.ndarray) -> float:
        slope = np.hypot(cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1))
        return float(np.percentile(slope[face], 98)) if face.any() else 0.0

    return (edges(grey) + 1) / (edges(blur(grey, 2.0)) + 1)


def _mouth(landmarks: np.ndarray) -> str:
    gap = np.mean([_distance(landmarks, *pair) for pair in INNER_LIPS]) / _distance(landmarks, *MOUTH_CORNERS)
    if gap <= OPEN_MOUTH:
        return ""
    return f"The mouth is open (by {100 * gap:.0f} % of its width); closed lips speak more cleanly."


def _eyes(landmarks: np.ndarray) -> str:
    gaps = [
        np.mean([_distance(landmarks, *pair) for pair in pairs]) / _distance(landmarks, outer, inner)
        for outer, inner, pairs in EYELIDS
    ]
    if min(gaps) >= CLOSED_EYE:
        return ""
    which = "The eyes are" if max(gaps) < CLOSED_EYE else "One eye is"
    return f"{which} closed (open by {100 * min(gaps):.0f} % of the width); open eyes can look and blink."


def _cut_head(share: float) -> str:
    if share == 0:
        return ""
    return f"The photo's edge cuts off the top of the head (over {100 * share:.0f} % of the face's width)."


def _border(crop: Crop, landmarks: np.ndarray) -> str:
    """The face itself near an edge of the photo."""
    inside = 1 - crop.outside
    room = opencv().distanceTransform(inside, 2, 5) if crop.outside.any() else None
    if room is None:
        return ""
    cells = np.clip(landmarks[:468, :2].astype(int), 0, len(inside) - 1)
    nearest = float(room[cells[:, 1], cells[:, 0]].min()) / face_width(landmarks)
    if nearest >= BORDER:
        return ""
    return (
        f"The face is near the photo's edge ({100 * nearest:.0f} % of its width away); leave room around it."
    )


def _darkness(pixels: np.ndarray, landmarks: np.ndarray) -> str:
    face = face_mask(landmarks) > 0
    light = float(pixels[face].mean()) / 255 if face.any() else 1.0
    if light >= DARK:
        return ""
    return f"The face is dark (brightness {100 * light:.0f} %); more light shows more detail."


def _distance(landmarks: np.ndarray, first: int, second: int) -> float:
    return max(float(np.linalg.norm(landmarks[first, :2] - landmarks[second, :2])), 1e-6)
