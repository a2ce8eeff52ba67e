"""478 landmarks of one face: the mesh net on a turned square about the face, then the iris net on each eye.

Convention
    Landmarks are float64 [478, 3], photo pixels; z on the scale of x, smaller is nearer to the viewer.
    "Right" and "left" are the person's own: the right eye has the corners 33 (outer) and 133 (inner).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .detector import Detection, Window
from .geometry import apply, apply_3d, sample, square_map
from .nets import FaceNets, Net

BOX_GROWTH = 1.5  # the square that the mesh net was trained on, relative to the face's box
MAX_REFITS = 3  # a face turned by 60 degrees settles in two
SETTLED = 0.005  # of the distance between the outer eye corners: far below the net's own error
EYE_GROWTH = 2.3  # the square that the iris net was trained on, relative to the eye's width

RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398)
"""Eye contours in the order of the iris net's first 16 points: lower lid from the outer corner to the inner,
then the upper lid without the corners."""

RIGHT_IRIS, LEFT_IRIS = slice(468, 473), slice(473, 478)
"""Centre, then the points at the image's right, top, image's left, bottom of the iris."""


@dataclass(frozen=True)
class MeshFit:
    """Landmarks [468 or 478, 3] and the net's belief 0..1 that its square shows a face."""

    landmarks: np.ndarray
    presence: float


def window_of_detection(found: Detection) -> Window:
    """The mesh net's square for a detected box."""
    return Window(found.x, found.y, found.side * BOX_GROWTH, found.angle)


def window_of_landmarks(landmarks: np.ndarray) -> Window:
    """The mesh net's square for a face whose landmarks are known: turned with the eyes, around the mesh."""
    across = landmarks[263, :2] - landmarks[33, :2]
    angle = math.atan2(across[1], across[0])
    turn = square_map(0, 0, 1, angle, 1)[:, :2]
    upright = landmarks[:468, :2] @ turn  # rotated back by the angle
    low, high = upright.min(0), upright.max(0)
    x, y = turn @ ((low + high) / 2)
    return Window(x, y, float((high - low).max()) * BOX_GROWTH, angle)


def fit_mesh(photo: np.ndarray, window: Window, nets: FaceNets, mirrored: bool = False) -> MeshFit:
    """The mesh in one window of a photo uint8 [H, W, 3]: 468 or 478 points, as the net gives them.

    mirrored    the net sees the window in a mirror; its left is then the photo's right.
    """
    net = nets.mesh
    to_photo = square_map(window.x, window.y, window.side, window.angle, net.side)
    if mirrored:
        to_photo = in_mirror(to_photo, net.side)
    outputs = net(sample(photo, to_photo, net.side).astype(np.float32) / 255)
    points = max(outputs, key=np.size).reshape(-1, 3).astype(np.float64)
    presence = next(float(out.reshape(-1)[0]) for out in outputs if out.size == 1)
    return MeshFit(apply_3d(to_photo, points), 1 / (1 + math.exp(-min(max(presence, -80), 80))))


def in_mirror(to_photo: np.ndarray, side: int) -> np.ndarray:
    """The map of a picture with `side` pixels a side as it is for that picture's mirror image."""
    return np.column_stack([-to_photo[:, 0], to_photo[:, 1], apply(to_photo, np.array([side, 0]))])


def settled_fit(photo: np.ndarray, window: Window, nets: FaceNets) -> MeshFit:
    """The mesh after its own square was taken anew until it stays: exact for turned and badly boxed faces
    too.
    """
    fit = fit_mesh(photo, window, nets)
    for _ in range(MAX_REFITS):
        last, fit = fit, fit_mesh(photo, window_of_landmarks(fit.landmarks), nets)
        across = np.linalg.norm(fit.landmarks[263, :2] - fit.landmarks[33, :2])
        if np.abs(fit.landmarks - last.landmarks)[:468, :2].mean() < SETTLED * across:
            break
    return fit


def with_irises(photo: np.ndarray | None, landmarks: np.ndarray, net: Net | None) -> np.ndarray:
    """[478, 3]: the first 468 landmarks with refined lids, and the irises. Without a net both are
    estimated.
    """
    whole = np.concatenate([landmarks[:468], np.zeros((10, 3))])
    for contour, iris, mirrored in ((RIGHT_EYE, RIGHT_IRIS, False), (LEFT_EYE, LEFT_IRIS, True)):
        found = None
        if net is not None and photo is not None:
            found = _run_iris_net(photo, whole, contour, mirrored, net)
        if found is None:
            whole[iris] = estimated_iris(whole, contour)
            continue
        lids, whole[iris] = found
        whole[list(contour), :2] = lids
    return whole


def _run_iris_net(
    photo: np.ndarray, landmarks: np.ndarray, contour: tuple[int, ...], mirrored: bool, net: Net
) -> tuple[np.ndarray, np.ndarray] | None:
    """Refined lids [16, 2] and iris [5, 3] in photo pixels; None where the net's answer cannot be an eye."""
    outer, inner = landmarks[contour[0]], landmarks[contour[8]]
    across = (outer - inner if mirrored else inner - outer)[:2]
    length = float(np.hypot(*across))
    x, y = (outer[:2] + inner[:2]) / 2
    to_photo = square_map(x, y, EYE_GROWTH * length, math.atan2(across[1], across[0]), net.side)
    if mirrored:  # the net knows right eyes only
        to_photo = in_mirror(to_photo, net.side)
    picture = sample(photo, to_photo, net.side).astype(np.float32) / 255
    small, large = sorted(net(picture), key=np.size)
    iris = apply(to_photo, small.reshape(5, 3)[:, :2].astype(np.float64))
    lids = apply(to_photo, large.reshape(-1, 3)[:16, :2].astype(np.float64))
    moved = np.abs(lids - landmarks[list(contour), :2]).max() / length
    radius = _radius(iris) / length
    if moved > 0.35 or not 0.1 < radius < 0.4:
        return None
    depth = landmarks[list(contour), 2].mean()
    return lids, np.column_stack([_in_order(iris, across), np.full(5, depth)])


def _radius(iris: np.ndarray) -> float:
    return float(np.linalg.norm(iris[1:, :2] - iris[0, :2], axis=1).mean())


def _in_order(iris: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The four rim points as right, top, left, bottom of the upright face."""
    across = across / np.hypot(*across)
    down = np.array([-across[1], across[0]])
    rim = iris[1:] - iris[0]
    order = [np.argmax(rim @ across), np.argmin(rim @ down), np.argmin(rim @ across), np.argmax(rim @ down)]
    return np.concatenate([iris[:1], iris[1:][order]])


def estimated_iris(landmarks: np.ndarray, contour: tuple[int, ...]) -> np.ndarray:
    """[5, 3] an iris in the middle of the lids: its diameter is .42 of the eye's width in an average face."""
    points = landmarks[list(contour)]
    outer, inner = points[0, :2], points[8, :2]
    across = inner - outer if contour is RIGHT_EYE else outer - inner
    radius = 0.21 * float(np.hypot(*across))
    across = across / max(np.hypot(*across), 1e-9)
    down = np.array([-across[1], across[0]])
    centre = points[:, :2].mean(0)
    rim = [centre, centre + radius * across, centre - radius * down, centre - radius * across]
    return np.column_stack([[*rim, centre + radius * down], np.full(5, points[:, 2].mean())])
