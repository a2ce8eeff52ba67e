"""The head of a photo as two height fields inside an outline.

Convention
    Grids are [256, 256] on the xy plane of the tri-plane (row 0 = y -0.5). World units: the box side is 1.
    z = 0 lies at the ears; the camera at z = DISTANCE looks along -z. The frame is the photo's own view:
    in it a height field is exact, and the frontal picture is the photo.

See docs/model.md, "From landmarks to depth".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face_model import topology as t
from ..face_model.canonical import canonical_face
from ..face_model.mesh import Similarity, fit_similarity, rasterise
from ..portrait.filters import blur, shrink, smoothstep
from ..portrait.regions import jaw_distance
from ..render_triplane.cameras import DISTANCE, FOCAL
from ..wires import PLANE_SIZE, PORTRAIT_SIZE, Portrait

Field = NDArray[np.float32]  # [256, 256]

HALF = PLANE_SIZE // 2  # the linear systems are solved on a grid of half the size: 4 times fewer unknowns
DEPTH_SCALE = 1.18  # factor on the landmark net's z, too flat: turned heads fell 17 % short of the command
SHEET = 0.004  # half thickness at the rim: thin, but thicker than a step of the sampler's fine pass
RIM_PIXELS = 2.0  # the outline is the matte's contour grown by this, so that soft hair lies on the volume
NECK_THICKNESS = 0.045  # world units, of the sheet that the volume becomes below the jaw
NECK_END = 0.42  # the head's volume ends this far below the jaw, in face heights
PIVOT_Z = -0.03  # the head turns about an axis a little behind the ears


@dataclass(frozen=True)
class HeadGeometry:
    """The static shape.

    front, back     [256, 256] z of the surfaces
    outline         [256, 256] signed distance to the outline, clipped to +-0.03, positive inside
    jaw             [256, 256] distance below the jaw line in face heights
    points          [468, 3] landmarks in world units
    placed          canonical centimetres -> world
    pivot           [3] the point about which the head turns
    face_width      world units
    """

    front: Field
    back: Field
    outline: Field
    jaw: Field
    points: NDArray[np.float64]
    placed: Similarity
    pivot: NDArray[np.float64]
    face_width: float


def grid() -> tuple[Field, Field]:
    """x and y of the texel centres, [256, 256] each."""
    c = ((np.arange(PLANE_SIZE) + 0.5) / PLANE_SIZE - 0.5).astype(np.float32)
    x, y = np.meshgrid(c, c)
    return x, y


def project(x, y, z):
    """World -> address (u, v) in the portrait's picture, 0..1 (works on arrays and tensors)."""
    d = DISTANCE - z
    return FOCAL * x / d + 0.5, 0.5 - FOCAL * y / d


def sample_picture(picture: np.ndarray, u: Field, v: Field) -> np.ndarray:
    """Bilinear look-up in a [H, W(, C)] picture at addresses 0..1, edges repeated."""
    import cv2

    h, w = picture.shape[:2]
    return cv2.remap(
        np.ascontiguousarray(picture, np.float32),
        (u * w - 0.5).astype(np.float32),
        (v * h - 0.5).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def world_landmarks(landmarks: np.ndarray) -> NDArray[np.float64]:
    """[N, 3] landmarks in crop pixels -> world units; z = 0 in the middle between the ears."""
    uv = landmarks[:, :2].astype(np.float64) / PORTRAIT_SIZE
    z = -landmarks[:, 2].astype(np.float64) / PORTRAIT_SIZE
    z = (z - (z[t.EAR_RIGHT] + z[t.EAR_LEFT]) / 2) * DEPTH_SCALE * DISTANCE / FOCAL
    d = (DISTANCE - z) / FOCAL
    return np.stack([(uv[:, 0] - 0.5) * d, -(uv[:, 1] - 0.5) * d, z], 1)


def _laplacian(n: int):
    import scipy.sparse as sp

    line = sp.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n, n)).tolil()
    line[0, 0] = line[-1, -1] = -1  # mirrored edge
    return (sp.kron(sp.identity(n), line.tocsr()) + sp.kron(line.tocsr(), sp.identity(n))).tocsr()


def _half(a: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.resize(a.astype(np.float32), (HALF, HALF), interpolation=cv2.INTER_AREA)


def _full(a: np.ndarray) -> Field:
    import cv2

    return cv2.resize(a.astype(np.float32), (PLANE_SIZE, PLANE_SIZE), interpolation=cv2.INTER_CUBIC)


def _outline(person: np.ndarray, u: Field, v: Field) -> Field:
    """Signed distance to the matte's contour, world units, smooth: a binary outline speckles."""
    import cv2

    inside = (person > 0.3).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(
        1 - inside, cv2.DIST_L2, 5
    )
    distance = blur(distance, 1.6) + RIM_PIXELS
    return sample_picture(distance, u, v) / PORTRAIT_SIZE * DISTANCE / FOCAL


def _inflation(inside: np.ndarray, jaw: np.ndarray, distance: Field) -> Field:
    """Height of a balloon over the silhouette: sqrt(2 phi) with lap(phi) = -1, phi = 0 on the outline.

    The low cut through the neck is left free, so that the balloon does not close there.
    """
    import scipy.sparse.linalg as spl

    domain, low = _half(inside) > 0.5, _half(jaw) >= 0.85
    free = np.where((domain | low).ravel())[0]
    laplacian = _laplacian(HALF)
    phi = np.zeros(HALF * HALF)
    phi[free] = spl.spsolve((-laplacian[free][:, free]).tocsc(), np.full(len(free), (1 / HALF) ** 2))
    height = np.sqrt(2 * _full(np.clip(phi, 0, None).reshape(HALF, HALF)).clip(0))
    return blur(height, 1.2) * smoothstep(0, 0.006, distance - RIM_PIXELS / PORTRAIT_SIZE)


def _residual(known: np.ndarray, value: np.ndarray, jaw, inside, neck_target, base) -> Field:
    """Smooth correction of the balloon: exact inside the mesh, 0 outside the person, the neck drawn back."""
    import scipy.sparse as sp
    import scipy.sparse.linalg as spl

    jaw_h, inside_h = _half(jaw), _half(inside) > 0.5
    weight_known = _half(known) > 0.99
    target = np.where(weight_known, _half(np.where(known, value, 0)), 0.0)
    weight = np.where(weight_known, 1e3, 0.0) + np.where(~inside_h & (jaw_h < 0.85), 3.0, 0.0)
    neck = (jaw_h > 0.16) & (jaw_h < 0.9) & inside_h
    weight = weight + np.where(neck, 2.0, 0.0)
    target = np.where(neck, neck_target - _half(base), target)
    laplacian = _laplacian(HALF)
    scale = (HALF / 64) ** 2
    system = (laplacian @ laplacian) * scale**2 * 0.1 - 1e-3 * laplacian * scale + sp.diags(weight.ravel())
    solution = spl.spsolve(system.tocsc(), (weight * target).ravel())
    return _full(solution.reshape(HALF, HALF))


def head_geometry(portrait: Portrait) -> HeadGeometry:
    """Measures the head of a portrait."""
    landmarks = portrait.landmarks.numpy()
    points = world_landmarks(landmarks)[:468]
    placed = fit_similarity(canonical_face().vertices, points)
    x, y = grid()
    u, v = project(x, y, 0.0)
    jaw = sample_picture(jaw_distance(landmarks), u, v)
    distance = _outline(portrait.person.numpy(), u, v)
    inside = (distance > 0) & (jaw < 0.9)
    balloon = _inflation(inside, jaw, distance)

    face = rasterise(points[:, :2], canonical_face().triangles, points[:, 2:], points[:, 2], PLANE_SIZE)
    mesh = _filled(face.values[..., 0], face.mask)
    covered = _closed(face.mask)
    core = shrink(covered, 2) > 0
    # The balloon meets the mesh at forehead and temples: one factor makes it do so.
    edge = core & ~(shrink(core, 4) > 0) & (jaw < -0.25)
    factor = float(np.clip(np.median(mesh[edge] / np.maximum(balloon[edge], 1e-3)), 0.6, 1.3))
    base = factor * balloon

    width = points[t.EAR_LEFT, 0] - points[t.EAR_RIGHT, 0]
    across = (_half(x) - points[t.CHIN_TIP, 0]) / (0.75 * width)
    neck_target = 0.18 * width * np.sqrt(np.clip(1 - across**2, 0, 1))
    front = base + _residual(core, mesh - base, jaw, inside, neck_target, base)
    front = _blend_mesh(front, mesh, core, covered)
    front = blur(np.maximum(front, SHEET).clip(-0.02, 0.45), 0.7)

    back = -np.clip(1.15 * base, 0, 0.40)
    # Down the neck the volume thins to a sheet: a turned head would show the side of a block there.
    neck = smoothstep(-0.22, 0.08, jaw)
    sheet = _lowest_near(front) - NECK_THICKNESS
    back = np.minimum(back * (1 - neck) + sheet * neck, front - 2 * SHEET)
    pixels = 1 / PORTRAIT_SIZE * DISTANCE / FOCAL
    height = landmarks[t.CHIN_TIP, 1] - landmarks[t.FOREHEAD_TOP, 1]
    outline = np.minimum(distance, (NECK_END - jaw) * height * pixels)
    ears = points[[t.EAR_RIGHT, t.EAR_LEFT], 0].mean()
    pivot = np.array([ears, points[[132, 361], 1].mean(), PIVOT_Z])
    return HeadGeometry(
        front.astype(np.float32),
        back.astype(np.float32),
        np.clip(outline, -0.03, 0.03).astype(np.float32),
        jaw,
        points,
        placed,
        pivot,
        float(width),
    )


def _closed(mask: np.ndarray) -> np.ndarray:
    """The face's area without the holes of eyes and mouth."""
    import cv2

    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    out = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(out, contours, -1, 1, cv2.FILLED)
    return out > 0


def _filled(values: np.ndarray, mask: np.ndarray) -> Field:
    """Holes (eyes, mouth) filled smoothly from their rim."""
    out, known = values.astype(np.float32), mask.astype(np.float32)
    for sigma in (1.2, 3.0, 8.0):
        weight = blur(known, sigma)
        guess = blur(values * mask, sigma) / np.maximum(weight, 1e-6)
        need = (known == 0) & (weight > 0.02) & (out == 0)
        out = np.where(need, guess, out)
    return out


def _lowest_near(height: Field) -> Field:
    """The lowest height within two texels: a sheet hung on it has no gaps where the surface is steep."""
    import cv2

    return cv2.erode(height, np.ones((5, 5), np.uint8))


def _blend_mesh(front: Field, mesh: Field, core: np.ndarray, covered: np.ndarray) -> Field:
    """Puts the mesh's own depth inside the face and smooths the seam between mesh and skull."""
    weight = smoothstep(0.5, 0.98, blur(core.astype(np.float32), 2.0))
    front = front * (1 - weight) + np.where(core, mesh, front) * weight
    soft = blur(covered.astype(np.float32), 4.0)
    band = smoothstep(0.02, 0.35, soft) * (1 - smoothstep(0.80, 0.995, soft))
    return front * (1 - band) + blur(front, 3.0) * band
