"""The shape of a face between two: landmarks mixed point by point in the frame of the canonical face.

Convention
    Landmarks are float64 [478, 3] in crop pixels, z on the scale of x, smaller is nearer (wires.py). Both
    faces are taken to the canonical face's centimetres first, so that size, place and pose do not count as
    shape; the mix has the first's size, its jaw on the first's neck, and a pose between the two.

See docs/model.md, "Blend Avatars".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..face_model import topology as t
from ..face_model.canonical import VERTEX_COUNT, canonical_face
from ..face_model.mesh import fit_similarity
from ..image_to_plane.geometry import DEPTH_SCALE, project, world_landmarks
from ..render_triplane.cameras import DISTANCE, FOCAL
from ..wires import PORTRAIT_SIZE

Points = NDArray[np.float64]

EYES = ((t.RIGHT_EYE, t.RIGHT_IRIS), (t.LEFT_EYE, t.LEFT_IRIS))


def mixed_landmarks(first: Points, second: Points, amount: float) -> Points:
    """[478, 3] landmarks of the face that is `amount` (0..1) on the way from the first to the second."""
    worlds = [world_landmarks(one)[:VERTEX_COUNT] for one in (first, second)]
    placed = [fit_similarity(canonical_face().vertices, world) for world in worlds]
    own = [
        (world - at.translation) @ at.rotation / at.scale for world, at in zip(worlds, placed, strict=True)
    ]
    rotation = _between(placed[0].rotation, placed[1].rotation, amount)
    world = (own[0] + (own[1] - own[0]) * amount) @ rotation.T * placed[0].scale
    jaw = list(t.JAW_LINE)
    world += worlds[0][jaw].mean(0) - world[jaw].mean(0)
    points = np.zeros((len(first), 3))
    points[:VERTEX_COUNT] = _to_pixels(world)
    for slit, iris in EYES:
        points[list(iris)] = _mixed_iris(first, second, points, slit, iris, amount)
    return points


def _between(one: NDArray[np.float64], other: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """[3, 3] the rotation on the shortest way between two."""
    from scipy.spatial.transform import Rotation

    step = Rotation.from_matrix(other @ one.T).as_rotvec()
    return Rotation.from_rotvec(step * amount).as_matrix() @ one


def _to_pixels(world: Points) -> Points:
    """What `world_landmarks` made of crop pixels, made crop pixels again."""
    world = world - [0, 0, world[[t.EAR_RIGHT, t.EAR_LEFT], 2].mean()]
    u, v = project(world[:, 0], world[:, 1], world[:, 2])
    z = -world[:, 2] * FOCAL / (DISTANCE * DEPTH_SCALE)
    return np.stack([u, v, z], 1) * PORTRAIT_SIZE


def _eye_frame(points: Points, slit: t.Slit) -> tuple[Points, Points]:
    """(middle [2] of an eye's corners, [2, 2] its axes as columns, along the eye and down)."""
    ends = points[[slit.upper[0], slit.upper[-1]], :2]
    along = ends[1] - ends[0]
    return ends.mean(0), np.stack([along, [-along[1], along[0]]], 1)


def _mixed_iris(
    first: Points, second: Points, mixed: Points, slit: t.Slit, iris: tuple[int, ...], amount: float
) -> Points:
    """[5, 3] the iris, mixed in the frame of the eye's corners: gaze and size are part of the shape."""
    rows, at = list(iris), []
    for points in (first, second):
        middle, axes = _eye_frame(points, slit)
        at.append((points[rows, :2] - middle) @ np.linalg.inv(axes).T)
    middle, axes = _eye_frame(mixed, slit)
    xy = (at[0] + (at[1] - at[0]) * amount) @ axes.T + middle
    return np.column_stack([xy, np.full(len(rows), mixed[list(slit.upper), 2].mean())])
