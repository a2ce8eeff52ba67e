"""Where each pixel of a mixed head lies in the picture of one of the two heads.

Convention
    A map is float32 [512, 512, 2]: the crop pixel (x, y) of the head's own picture that a pixel of the mixed
    picture shows, continuous pixels.

From the brows down the mesh of landmarks tells, triangle by triangle, with eyes and lips closed by triangles
of their own. Around it a thin-plate spline carries on from the face's oval and the brows to the hairline and
to the head's outline, which are found along rays from the middle of the face.

See docs/model.md, "Blend Avatars".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face_model import topology as t
from ..face_model.canonical import canonical_face
from ..face_model.mesh import rasterise
from ..portrait.filters import blur, smoothstep
from ..portrait.regions import face_mask, face_width
from ..wires import PORTRAIT_SIZE
from .hair import brow_line, hairline
from .shape import EYES, Points

Map = NDArray[np.float32]

RAYS = 41  # over the head from below one ear to below the other
LOWEST = 0.30  # radians below the ears' line where the first and the last ray point
STEP, FARTHEST = 0.005, 2.0  # face widths between the places that a ray looks at, and where it ends
BROW_GAP = 0.03  # face widths above the brows where a hairline may lie at the lowest
TEMPLES = 1.1  # radians from straight up within which a ray meets a hairline
MOST_FOREHEAD = 0.95  # of the way to the outline: no hair is thinner
OVAL = tuple(i for i in t.FACE_OVAL if i not in (10, 338, 297, 332, 284, 103, 67, 109, 54))
COARSE = 4  # pixels per node of the spline's grid
BODY = ((-0.6, 0.35), (0.0, 0.35), (0.6, 0.35), (-1.2, 1.0), (0.0, 1.0), (1.2, 1.0))
"""Points on neck and shoulders from the chin, in face widths: there a map is a mere similarity."""


@dataclass(frozen=True)
class Outline:
    """How far from the middle of the face a head reaches along each ray, in face widths, [RAYS] each.

    outer       to the edge of the head; where the picture ends, there.
    hairline    to where hair begins above the brows; NaN where none is found.
    """

    outer: Points
    hairline: Points


def mixed_outline(one: Outline, other: Outline, shape: float) -> Outline:
    """The outline between two. A hairline that one of them does not have, the mix does not have."""
    return Outline(
        one.outer + (other.outer - one.outer) * shape,
        one.hairline + (other.hairline - one.hairline) * shape,
    )


@dataclass(frozen=True)
class _Frame:
    """Axes of a face in its picture: middle [2] between the ears, axes [2, 2] columns one face width along
    and down.
    """

    middle: Points
    axes: Points

    def at(self, places: Points) -> Points:
        """[N, 2] pixels of places [N, 2] in face widths."""
        return places @ self.axes.T + self.middle


def _face_frame(points: Points) -> _Frame:
    ends = points[[t.EAR_RIGHT, t.EAR_LEFT], :2]
    along = ends[1] - ends[0]
    return _Frame(ends.mean(0), np.stack([along, [-along[1], along[0]]], 1))


def outline_of(points: Points, head: NDArray[np.float32], odds: NDArray[np.float64] | None) -> Outline:
    """Looks along the rays of a face with landmarks [478, 3].

    head [512, 512] 0..1: the head's matte; odds: its `hair_odds`.
    """
    frame, far = _face_frame(points), np.arange(0, FARTHEST, STEP)
    at = np.floor(frame.at((_directions()[:, None] * far[:, None]).reshape(-1, 2))).astype(int)
    at = at.reshape(RAYS, len(far), 2)
    there = ((at >= 0) & (at < PORTRAIT_SIZE)).all(-1)
    columns, rows = np.moveaxis(np.clip(at, 0, PORTRAIT_SIZE - 1), -1, 0)
    covered = np.maximum(head, face_mask(points))[rows, columns] > 0.5
    ends = np.argmin(there & covered, 1)
    line = np.full(RAYS, np.nan)
    if odds is not None:
        above = rows + 0.5 < (brow_line(points) - BROW_GAP * face_width(points))[columns]
        possible = above & (np.arange(len(far)) < MOST_FOREHEAD * ends[:, None])
        looked = (np.abs(_angles() - 1.5 * np.pi) < TEMPLES) & possible.any(1)
        if looked.any():
            evidence = np.where(above, odds[rows, columns], 0)
            line[looked] = far[hairline(evidence[looked], possible[looked], STEP)]
    return Outline(_smooth(far[ends]), _smooth(line))


def _smooth(radii: Points) -> Points:
    """Without the teeth that single locks cut into an outline; NaN where a neighbour is."""
    return np.convolve(np.pad(radii, 2, mode="edge"), [1 / 9, 2 / 9, 3 / 9, 2 / 9, 1 / 9], "valid")


def _angles() -> Points:
    return np.linspace(np.pi - LOWEST, 2 * np.pi + LOWEST, RAYS)


def _directions() -> Points:
    """[RAYS, 2] unit vectors along and down, from the image's left over the crown to its right."""
    return np.stack([np.cos(_angles()), np.sin(_angles())], 1)


def _places(points: Points, outline: Outline) -> Points:
    """[N, 2] what the spline holds on to, in the same order for any head; NaN where a head has no hairline.

    The oval below the temples, the brows, hairline and outline, neck and shoulders.
    """
    frame = _face_frame(points)
    rays = [frame.at(_directions() * radii[:, None]) for radii in (outline.outer, outline.hairline)]
    body = frame.at(np.array(BODY)) - frame.middle + points[t.CHIN_TIP, :2]
    brows = points[[*t.RIGHT_BROW[:5], *t.LEFT_BROW[:5]], :2]
    return np.concatenate([points[list(OVAL), :2], brows, *rays, body])


def _closed_triangles() -> NDArray[np.int64]:
    """[T, 3] the mesh with its openings closed: a fan from each iris, a strip between the lips."""
    fans = []
    for slit, iris in EYES:
        ring = (*slit.upper, *slit.lower[-2:0:-1])
        fans += [(a, b, iris[0]) for a, b in zip(ring, (*ring[1:], ring[0]), strict=True)]
    upper, lower = t.MOUTH.upper, t.MOUTH.lower
    for i in range(len(upper) - 1):
        fans += [(upper[i], upper[i + 1], lower[i + 1]), (upper[i], lower[i + 1], lower[i])]
    return np.concatenate([canonical_face().triangles, np.array(fans)])


def map_to(mixed: Points, outline: Outline, own: Points, own_outline: Outline) -> Map:
    """Where the pixels of the head with landmarks `mixed` and that outline lie in the head `own`."""
    from scipy.interpolate import RBFInterpolator

    nodes = (np.arange(PORTRAIT_SIZE // COARSE) + 0.5) * COARSE
    grid = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    sites, values = _places(mixed, outline), _places(own, own_outline)
    known = np.isfinite(sites + values).all(1)
    sites, values = sites[known], values[known]
    moved = RBFInterpolator(sites, values - sites, smoothing=1.0)(grid)
    around = _enlarged(moved.reshape(len(nodes), len(nodes), 2).astype(np.float32))

    shift = own[:, :2] - mixed[:, :2]
    drawn = rasterise(
        mixed[:, :2] / PORTRAIT_SIZE - 0.5, _closed_triangles(), shift, -mixed[:, 2], PORTRAIT_SIZE
    )
    inside = blur(drawn.mask.astype(np.float32), 4.0)
    rows = np.arange(PORTRAIT_SIZE, dtype=np.float32)[:, None] + 0.5
    below = smoothstep(-0.06, 0.0, (rows - brow_line(mixed)[None]) / face_width(mixed))
    share = (smoothstep(0.5, 1.0, inside) * drawn.mask * below)[..., None]
    centres = np.stack(np.meshgrid(*[np.arange(PORTRAIT_SIZE, dtype=np.float32) + 0.5] * 2), -1)
    return (centres + around + (drawn.values - around) * share).astype(np.float32)


def _enlarged(nodes: Map) -> Map:
    import cv2

    return cv2.resize(nodes, (PORTRAIT_SIZE, PORTRAIT_SIZE), interpolation=cv2.INTER_CUBIC)
