"""Expression shapes as dense displacement fields on the xy plane, made once per portrait.

Convention
    A field lives on a grid over `box` (rows and columns of the 256-texel plane) with one node per `STEP`
    texels. It tells where the skin at a point goes: (dx, dy, dz) in world units, and (ax, ay), how much
    farther out the photo is to be read. At a slit there are two versions, the skin above and the skin
    below, each continued smoothly across the slit, so that neither smears into the other.

See docs/model.md, "Motion Adapter".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..face_model import topology as t
from ..face_model.blendshapes import canonical_shapes, personal_shapes
from ..face_model.canonical import canonical_face
from ..face_model.mesh import rasterise
from ..image_to_plane.geometry import HeadGeometry, grid, project, sample_picture
from ..portrait.filters import blur
from ..wires import PLANE_SIZE, _Movable

STEP = 2  # plane texels per field node: the fields are smooth, and a quarter of the numbers is read per frame
COMPONENTS = 5  # dx, dy, dz, ax, ay

# The motion fades out over rings around the face oval: (scale of the oval, share of the oval's motion).
HALO = ((1.06, 0.93), (1.15, 0.72), (1.28, 0.42), (1.45, 0.14), (1.7, 0.0))

# The photo is read this far outside of a lid or lip (cm at full weight), so that lashes, the dark line and
# the gleam of teeth on the lip are not smeared over the skin that slides into view: (upper edge, lower
# edge).
LOWER_LID_MARGIN = 0.16
UPPER_LID_MARGINS = np.arange(0.14, 0.44, 0.03)  # the first one that is out of the lashes' dark line is taken
LASHES_END = 0.82  # share of the lid's brightness at which the dark line is over
LIP_MARGIN = {
    "mouthClose": (0.04, 0.08),
    "jawOpen": (0.03, 0.12),
    "mouthPucker": (0.02, 0.06),
    "mouthFunnel": (0.02, 0.06),
}


@dataclass(frozen=True)
class ExpressionFields(_Movable):
    """names     the K shapes, in the order of the rows below
    displacements   [K, 468, 3] world units, of the landmarks
    upper, lower    [K, h * w * 5] the fields, skin above and below the slits
    box             rows and columns of the plane that an expression may change (r0, r1, c0, c1), multiples
                    of STEP
    """

    names: tuple[str, ...]
    displacements: Tensor
    upper: Tensor
    lower: Tensor
    box: tuple[int, int, int, int]

    @property
    def nodes(self) -> tuple[int, int]:
        """(h, w) of the field grid."""
        r0, r1, c0, c1 = self.box
        return (r1 - r0) // STEP, (c1 - c0) // STEP


@dataclass(frozen=True)
class _HaloMesh:
    """The face mesh with rings around it: xy [V, 2], z [V], triangles, and where each ring point gets its
    motion.
    """

    xy: NDArray[np.float64]
    z: NDArray[np.float64]
    triangles: NDArray[np.int64]
    source: NDArray[np.int64]
    share: NDArray[np.float64]

    def carried(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """[468, C] values of the mesh -> [V, C] with the rings."""
        return np.concatenate([values, values[self.source] * self.share[:, None]])


def _halo_mesh(geometry: HeadGeometry) -> _HaloMesh:
    points, oval = geometry.points, np.array(t.FACE_OVAL)
    centre = points[oval].mean(0)
    xy = np.concatenate([centre[:2] + (points[oval, :2] - centre[:2]) * scale for scale, _ in HALO])
    triangles, previous, n = [canonical_face().triangles], oval, len(oval)
    for ring in range(len(HALO)):
        current = 468 + ring * n + np.arange(n)
        nxt, cur_nxt = np.roll(previous, -1), np.roll(current, -1)
        triangles += [np.stack([previous, nxt, cur_nxt], 1), np.stack([previous, cur_nxt, current], 1)]
        previous = current
    return _HaloMesh(
        np.concatenate([points[:, :2], xy]),
        np.concatenate([points[:, 2], np.full(len(xy), -1.0)]),  # rings never hide the face
        np.concatenate(triangles),
        np.tile(oval, len(HALO)),
        np.repeat([share for _, share in HALO], n),
    )


def upper_lid_margin(grey: NDArray[np.float32], geometry: HeadGeometry, slit: t.Slit) -> float:
    """Centimetres above an eye's upper lid where the photo shows clean skin: painted eyes have broad lines.

    grey [512, 512] brightness of the portrait.
    """
    up = geometry.placed.rotation[:2, 1] * geometry.placed.scale
    middle = geometry.points[list(slit.upper[2:-2])]
    bright = []
    for margin in UPPER_LID_MARGINS:
        at = middle[:, :2] + up * margin
        u, v = project(at[:, 0], at[:, 1], middle[:, 2])
        bright.append(float(sample_picture(grey, u[None], v[None]).mean()))
    clean = np.array(bright) >= LASHES_END * max(bright)
    return float(UPPER_LID_MARGINS[np.argmax(clean)])


def _reading_offsets(
    name: str, up: NDArray[np.float64], lid_margins: dict[str, float]
) -> NDArray[np.float64]:
    """[468, 2] how far outside of the moved edge the photo is read at full weight of a shape.

    up: 1 cm in the world; lid_margins: of the upper lids, cm.
    """
    offset = np.zeros((468, 2))
    if name in LIP_MARGIN:
        offset[list(t.UPPER_LIP_RINGS[0])] += up * LIP_MARGIN[name][0]
        offset[list(t.LOWER_LIP_RINGS[0])] -= up * LIP_MARGIN[name][1]
    for slit, shape in ((t.LEFT_EYE, "eyeBlinkLeft"), (t.RIGHT_EYE, "eyeBlinkRight")):
        if name == shape:
            offset[list(slit.upper[1:-1])] += up * lid_margins[slit.name]
            offset[list(slit.lower[1:-1])] -= up * LOWER_LID_MARGIN
    return offset


def _sides(geometry: HeadGeometry) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Texels near a slit that belong to the skin (above it, below it), for the neutral face."""
    x, y = grid()
    axis = geometry.placed.rotation[:2, 0] / np.linalg.norm(geometry.placed.rotation[:2, 0])
    normal = np.array([-axis[1], axis[0]])
    above, below = np.zeros(x.shape, bool), np.zeros(x.shape, bool)
    for slit in t.SLITS:
        upper, lower = geometry.points[list(slit.upper), :2], geometry.points[list(slit.lower), :2]
        centre = (upper[0] + upper[-1]) / 2
        s, across = [(x - centre[0]) * v[0] + (y - centre[1]) * v[1] for v in (axis, normal)]
        half = abs((upper[-1] - centre) @ axis)

        def line(p: np.ndarray, centre=centre, s=s) -> np.ndarray:
            order = np.argsort((p - centre) @ axis)
            return np.interp(s, ((p - centre) @ axis)[order], ((p - centre) @ normal)[order])

        middle = (line(upper) + line(lower)) / 2
        reach = (np.abs(s) < half * 1.05) & (np.abs(across - middle) < 0.06)
        above |= reach & (across >= middle)
        below |= reach & (across < middle)
    return above, below


def expression_fields(geometry: HeadGeometry, image: NDArray[np.float32]) -> ExpressionFields:
    """Builds the fields of every shape for one portrait; image [512, 512, 3] is its picture."""
    grey = np.ascontiguousarray(image.mean(-1))
    margins = {slit.name: upper_lid_margin(grey, geometry, slit) for slit in (t.LEFT_EYE, t.RIGHT_EYE)}
    shapes = canonical_shapes() | personal_shapes(geometry.points, geometry.placed)
    names = tuple(shapes)
    linear = geometry.placed.linear
    up = geometry.placed.rotation[:2, 1] * geometry.placed.scale
    mesh = _halo_mesh(geometry)
    displacements = np.stack([shapes[name] @ linear.T for name in names])
    columns = [
        np.concatenate([mesh.carried(d), mesh.carried(_reading_offsets(name, up, margins))], 1)
        for name, d in zip(names, displacements, strict=True)
    ]
    drawn = rasterise(mesh.xy, mesh.triangles, np.concatenate(columns, 1), mesh.z, PLANE_SIZE)
    face = _hull(mesh.xy[468:])
    box = _box(face)
    r0, r1, c0, c1 = box
    above, below = _sides(geometry)
    fade = blur(face.astype(np.float32), 0.8)[r0:r1, c0:c1, None]

    def version(known: NDArray[np.bool_]) -> Tensor:
        # Across a slit the skin's edge is carried on unchanged: a lid arrives at the lower lid with its own
        # motion.
        nearest = _nearest(known[r0:r1, c0:c1])
        rows = []
        for k in range(len(names)):  # one shape at a time: OpenCV takes few channels
            shape = drawn.values[r0:r1, c0:c1, k * COMPONENTS : (k + 1) * COMPONENTS]
            rows.append(_halved(blur(shape[nearest], 0.8) * fade).ravel())
        return torch.from_numpy(np.stack(rows))

    return ExpressionFields(
        names=names,
        displacements=torch.from_numpy(displacements.astype(np.float32)),
        upper=version(drawn.mask & ~below),
        lower=version(drawn.mask & ~above),
        box=box,
    )


def _nearest(known: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For every texel the row and column of the nearest known one."""
    from scipy.ndimage import distance_transform_edt

    rows, cols = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return rows, cols


def _hull(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Texels inside the convex hull of world points [N, 2]."""
    import cv2

    hull = cv2.convexHull(np.round((points + 0.5) * PLANE_SIZE - 0.5).astype(np.int32))
    mask = np.zeros((PLANE_SIZE, PLANE_SIZE), np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    return mask > 0


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, cols = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    r0, c0 = (max(int(v[0]) - 2, 0) // STEP * STEP for v in (rows, cols))
    r1, c1 = (min(-(-(int(v[-1]) + 3) // STEP) * STEP, PLANE_SIZE) for v in (rows, cols))
    return r0, r1, c0, c1


def _halved(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over STEP x STEP texels, so that a node lies in the middle of its texels."""
    h, w, c = field.shape
    return field.reshape(h // STEP, STEP, w // STEP, STEP, c).mean((1, 3))
