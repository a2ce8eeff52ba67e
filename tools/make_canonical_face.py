"""Makes real3d_core/face_model/canonical_face.npz: the mean of measured faces, symmetrised, with triangles.

    python -m tools.make_canonical_face --models models photo.jpg [photo.jpg ...]

The landmarks of every photo's largest face are aligned to their mean (scale, turn and shift), averaged,
mirrored and averaged again, and set to centimetres. The triangles are a Delaunay triangulation of the
frontal projection with the slits pushed open, so that none of them bridges a slit, then flipped edge by
edge to fit the true geometry.
See docs/model.md, "Face mesh".
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from real3d_core.face_model import topology as t
from real3d_core.face_model.mesh import fit_similarity

EYE_DISTANCE = 8.9  # cm between the outer corners
EYES_AT = np.array([0.0, 2.66, 3.17])  # puts the joint of the jaw near (0, 0.6, -1.6)
OPENED = {"mouth": (0.7, 1.7), "rightEye": (0.3, 1.6), "leftEye": (0.3, 1.6)}  # cm: push, and its reach

Triangle = tuple[int, int, int]


def measured_faces(photos: list[Path], models: Path) -> list[np.ndarray]:
    """[468, 3] landmarks of each photo's largest face; x right, y up, z towards the viewer, pixels."""
    from real3d_core.portrait.faces import find_faces
    from real3d_core.portrait.nets import load_face_nets
    from real3d_core.portrait.read_photo import read_photo

    nets = load_face_nets([models / "real3d_portrait"])
    faces = []
    for photo in photos:
        found = find_faces(read_photo(photo).pixels, nets)
        if not found:
            raise SystemExit(f"{photo}: no face; leave it out.")
        faces.append(found[0].landmarks[:468] * [1, -1, -1])
    return faces


def mean_face(faces: list[np.ndarray]) -> np.ndarray:
    """Generalised Procrustes mean, unit size, centred."""
    mean = faces[0] - faces[0].mean(0)
    mean = mean / np.linalg.norm(mean)
    for _ in range(20):
        mean = np.mean([fit_similarity(face, mean)(face) for face in faces], 0)
        mean = mean - mean.mean(0)
        mean = mean / np.linalg.norm(mean)
    return mean


def mirror_of(face: np.ndarray) -> np.ndarray:
    """[468] index of each point's mirror image, found by assignment of the reflected face to the face."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    reflected = face * [-1, 1, 1]
    for _ in range(10):
        order = linear_sum_assignment(cdist(face, reflected))[1]
        reflected = fit_similarity(reflected[order], face)(reflected)
    return linear_sum_assignment(cdist(face, reflected))[1]


def symmetric(face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(vertices in centimetres, mirror indices)."""
    across = face[263] - face[33]
    across = across / np.linalg.norm(across)
    up = face[t.FOREHEAD_TOP] - face[t.CHIN_TIP]
    up = up - across * (up @ across)
    up = up / np.linalg.norm(up)
    face = face @ np.stack([across, up, np.cross(across, up)], 1)
    mirror = mirror_of(face)
    centred = face - face[[33, 263]].mean(0)
    vertices = (centred + centred[mirror] * [-1, 1, 1]) / 2
    vertices = vertices * EYE_DISTANCE / np.linalg.norm(vertices[33] - vertices[263])
    vertices = vertices - vertices[[33, 263]].mean(0) + EYES_AT
    return (vertices + vertices[mirror] * [-1, 1, 1]) / 2, mirror


def pushed_open(xy: np.ndarray, slit: t.Slit) -> np.ndarray:
    """The frontal projection with one slit opened; columns keep their order."""
    push, reach = OPENED[slit.name]
    upper, lower = xy[list(slit.upper)], xy[list(slit.lower)]
    a, b = np.argsort(upper[:, 0]), np.argsort(lower[:, 0])
    middle = (upper[a, 1] + np.interp(upper[a, 0], lower[b, 0], lower[b, 1])) / 2
    line = np.interp(xy[:, 0], upper[a, 0], middle)
    half = np.ptp(upper[:, 0]) / 2
    across = (xy[:, 0] - upper[:, 0].mean()) / half
    side = np.sign(xy[:, 1] - line)
    side[list(slit.upper[1:-1])], side[list(slit.lower[1:-1])] = 1, -1
    side[[slit.upper[0], slit.upper[-1]]] = 0
    lens = np.sqrt(np.clip(1 - across**2, 0, None)) * np.clip(1 - np.abs(xy[:, 1] - line) / reach, 0, 1)
    out = xy.copy()
    out[:, 1] += side * push * lens
    return out


def bridges(triangle: Triangle, slit: t.Slit) -> bool:
    """Whether a triangle touches both edges of a slit, or lies in it."""
    corners = set(triangle)
    both = corners & set(slit.upper[1:-1]) and corners & set(slit.lower[1:-1])
    return bool(both) or corners <= set(slit.upper + slit.lower)


def area(xy: np.ndarray, a: int, b: int, c: int) -> float:
    """Twice the signed area of a triangle."""
    p, q, r = xy[a], xy[b], xy[c]
    return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))


def triangulated(vertices: np.ndarray) -> list[Triangle]:
    """Counter-clockwise triangles."""
    from scipy.spatial import Delaunay

    opened = vertices[:, :2].copy()
    for slit in t.SLITS:
        opened = pushed_open(opened, slit)
    triangles = []
    for corners in Delaunay(opened).simplices.tolist():
        a, b, c = corners if area(opened, *corners) > 0 else (corners[0], corners[2], corners[1])
        longest = max(np.linalg.norm(opened[i] - opened[j]) for i, j in ((a, b), (b, c), (c, a)))
        sliver = area(opened, a, b, c) < 0.05 * longest**2 and longest > 1.5  # along the convex hull
        if not sliver and not any(bridges((a, b, c), slit) for slit in t.SLITS):
            triangles.append((a, b, c))
    return flipped(triangles, vertices[:, :2], opened)


def flipped(triangles: list[Triangle], xy: np.ndarray, opened: np.ndarray) -> list[Triangle]:
    """Lawson flips: an edge whose opposite angles exceed 180 degrees is replaced by the other diagonal."""
    fixed = {frozenset(e) for s in t.SLITS for ring in (s.upper, s.lower) for e in pairwise(ring)}

    def angle(p: int, q: int, r: int) -> float:
        a, b = xy[p] - xy[q], xy[r] - xy[q]
        return float(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))

    for _ in range(40):
        owners: dict[frozenset[int], list[int]] = {}
        for index, (a, b, c) in enumerate(triangles):
            for edge in ((a, b), (b, c), (c, a)):
                owners.setdefault(frozenset(edge), []).append(index)
        changed: set[int] = set()
        for edge, pair in owners.items():
            if len(pair) != 2 or edge in fixed or changed & set(pair):
                continue
            a, b = edge
            c, d = (next(v for v in triangles[k] if v not in edge) for k in pair)
            if angle(a, c, b) + angle(a, d, b) <= np.pi + 1e-6:
                continue
            convex = all(area(p, c, d, a) * area(p, c, d, b) < 0 for p in (xy, opened))
            if not convex or any(bridges((c, d, v), s) for s in t.SLITS for v in (a, b)):
                continue
            for k, v in zip(pair, (a, b), strict=True):
                triangles[k] = (c, d, v) if area(xy, c, d, v) > 0 else (d, c, v)
            changed |= set(pair)
        if not changed:
            break
    return triangles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--output", type=Path, default=Path("real3d_core/face_model/canonical_face.npz"))
    args = parser.parse_args()
    vertices, mirror = symmetric(mean_face(measured_faces(args.photos, args.models)))
    triangles = triangulated(vertices)
    part = args.output.with_name(".part_" + args.output.name)
    np.savez_compressed(
        part,
        vertices=vertices.astype(np.float32),
        triangles=np.array(triangles, np.int16),
        mirror=mirror.astype(np.int16),
    )
    part.replace(args.output)
    print(f"{args.output}: {len(args.photos)} faces, {len(vertices)} vertices, {len(triangles)} triangles")


if __name__ == "__main__":
    main()
