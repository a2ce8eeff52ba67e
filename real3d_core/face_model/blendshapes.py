"""ARKit-52 blendshapes of the analytic avatar, as displacements of the canonical mesh.

Each shape is a handful of control displacements (centimetres on the canonical face) that are spread over
the mesh; a symmetric shape is split into the person's left and right by a smooth weight across the
midline. Two shapes depend on the person, because "closed" is measured on the photo: mouthClose and
eyeBlink (see `personal_shapes`). The eyes' own turning (eyeLook*) moves the picture of the iris, not the
mesh; tongueOut has no counterpart here. See docs/model.md, "Blendshapes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from . import topology as t
from .canonical import canonical_face
from .mesh import Similarity, extend

Shape = np.ndarray  # [468, 3]
Controls = dict[int, np.ndarray]

JAW_AXIS = np.array([0.0, 0.6, -1.6])  # cm: the joint of the jaw
JAW_ANGLE = np.radians(15.0)  # jawOpen = 1

CORRECTIVES = ("jawOpenLipsTogether", "eyeHalfClosedLeft", "eyeHalfClosedRight", "smileRelax")
"""Shapes that no ARKit weight drives alone: the motion adapter derives their weights."""


def _zero(vertices: Iterable[int]) -> Controls:
    return {v: np.zeros(3) for v in vertices}


def _vertices() -> np.ndarray:
    return canonical_face().vertices


def _across(vertex: int) -> float:
    """Position across the mouth: 0 on the midline, 1 at the corners."""
    v = _vertices()
    return min(1.0, abs(v[vertex, 0]) / abs(v[291, 0]))


def _jaw_turn(vertex: int, share: float) -> np.ndarray:
    v = _vertices()[vertex]
    c, s = np.cos(JAW_ANGLE), np.sin(JAW_ANGLE)
    rotation = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return share * (rotation @ (v - JAW_AXIS) + JAW_AXIS - v)


def _jaw_share() -> dict[int, float]:
    """How far each controlled vertex follows the jaw (1 = fully)."""
    share = {k: 1.0 for k in t.CHIN} | {k: 0.85 for k in (136, 365, 172, 397)}
    share |= {58: 0.6, 288: 0.6, 132: 0.25, 361: 0.25}
    share |= {k: 1 - 0.45 * _across(k) ** 3 for k in t.LOWER_LIP}
    share |= {k: 0.02 + 0.22 * _across(k) ** 4 for k in t.UPPER_LIP}
    return share | {k: 0.42 for k in t.CORNERS}


def _jaw_open() -> Shape:
    return extend(_zero(t.UPPER_FACE) | {k: _jaw_turn(k, s) for k, s in _jaw_share().items()})


def _jaw_lips_together() -> Shape:
    """Undoes the parting of the lips that jawOpen causes: the chin stays down, the lips meet."""
    controls = _zero((*t.UPPER_FACE, 152, 148, 377, 176, 400, 175))
    share = _jaw_share()
    for k in t.LOWER_LIP:
        controls[k] = -_jaw_turn(k, share[k]) * 0.66
    for k in t.UPPER_LIP:
        controls[k] = _jaw_turn(k, 1 - 0.45 * _across(k) ** 3) * 0.34 - _jaw_turn(k, share[k])
    for k in t.CORNERS:
        controls[k] = -_jaw_turn(k, share[k]) * 0.4
    return extend(controls)


def _jaw_shift(offset: tuple[float, float, float]) -> Shape:
    d = np.array(offset)
    return extend(_zero(t.UPPER_FACE) | {k: d * s for k, s in _jaw_share().items()})


def _lips(move: Callable[[int, float, bool], tuple[float, float, float]], fixed: Iterable[int] = ()) -> Shape:
    """A shape given on all lip vertices by move(vertex, across 0..1, is upper) -> cm."""
    controls = _zero((*t.UPPER_FACE, 152, 175, *fixed))
    for k in t.LIPS:
        upper = k in t.UPPER_LIP
        controls[k] = np.array(move(k, _across(k), upper), float)
    return extend(controls)


def _pucker() -> Shape:
    x = _vertices()[:, 0]
    outer = {0, 37, 267, 11, 72, 302, 17, 84, 314, 16, 85, 315}

    def move(k: int, q: float, upper: bool) -> tuple[float, float, float]:
        lift = (0.10 if upper else -0.10) if k in outer else 0.0
        return (-0.32 * x[k], lift, 0.45 * (1 - 0.4 * q * q))

    return _lips(move, fixed=(199,))


def _funnel() -> Shape:
    x = _vertices()[:, 0]

    def move(k: int, q: float, upper: bool) -> tuple[float, float, float]:
        bow = 1 - q * q
        return (-0.14 * x[k], (0.17 if upper else -0.33) * bow, 0.22 * (1 - 0.5 * q * q))

    return _lips(move)


def _stretch() -> Shape:
    x = _vertices()[:, 0]
    return _lips(lambda k, q, upper: (0.16 * x[k], 0.05 * q * q, -0.22 * q * q))


def _dimple() -> Shape:
    x = _vertices()[:, 0]
    return _lips(lambda k, q, upper: (0.09 * x[k] * q, 0.08 * q**3, -0.28 * q**3))


def _corners(offset: Callable[[float], tuple[float, float, float]], cheeks: bool) -> Shape:
    """A shape that pulls the corners of the mouth; offset(x of the corner) -> cm."""
    free = {101, 330, 36, 266, 50, 280, 118, 347, 119, 348}
    controls = _zero((*(set(t.UPPER_FACE) - free), 152, 175, 0, 13))
    for k in t.CORNERS:
        controls[k] = np.array(offset(_vertices()[k, 0]))
    if cheeks:
        controls |= {k: np.array([0, 0.20, 0.09]) for k in (50, 280)}
    else:  # closed lips stay closed
        controls |= _zero((14, 17))
    return extend(controls)


def _roll(upper: bool) -> Shape:
    """The red of one lip turns inwards: outer rings go towards the slit and back."""
    rings = t.UPPER_LIP_RINGS if upper else t.LOWER_LIP_RINGS
    controls = _zero((*t.UPPER_FACE, *t.CORNERS, 152, 175, *(t.LOWER_LIP if upper else t.UPPER_LIP)))
    sign = -1.0 if upper else 1.0
    for ring, (dy, dz) in zip(
        rings, ((0.02, -0.10), (0.10, -0.16), (0.17, -0.14), (0.20, -0.06)), strict=True
    ):
        controls |= {k: np.array([0, sign * dy, dz]) * (1 - 0.6 * _across(k) ** 2) for k in ring}
    return extend(controls)


def _one_lip(upper: bool, dy: float, dz: float) -> Shape:
    """Raises or lowers one lip, most at the middle."""
    lip, other = (t.UPPER_LIP, t.LOWER_LIP) if upper else (t.LOWER_LIP, t.UPPER_LIP)
    controls = _zero((*t.UPPER_FACE, *t.CORNERS, *other, 152))
    controls |= {k: np.array([0, dy, dz]) * (1 - _across(k) ** 2) for k in lip}
    return extend(controls)


def _shrug_lower() -> Shape:
    controls = _zero((*t.UPPER_FACE, *t.CORNERS, *t.UPPER_LIP))
    controls |= {k: np.array([0, 0.28, 0.12]) * (1 - _across(k) ** 2) for k in t.LOWER_LIP}
    controls |= {k: np.array([0, 0.22, 0.08]) for k in (199, 200, 18, 175, 152, 83, 313)}
    return extend(controls)


def _press() -> Shape:
    def move(k: int, q: float, upper: bool) -> tuple[float, float, float]:
        ring = t.UPPER_LIP_RINGS if upper else t.LOWER_LIP_RINGS
        depth = next((i for i, r in enumerate(ring) if k in r), 0)
        return (0.0, (-0.05 if upper else 0.05) * depth, -0.05 * (1 - q * q))

    return _lips(move)


def _brows(vertical: Callable[[float], float], inwards: float = 0.0) -> Shape:
    """Moves the brows; vertical(position 0 inner .. 1 outer) -> cm."""
    v = _vertices()
    controls = _zero((*t.UPPER_FACE, 152, 61, 291, *t.RIGHT_CREASE, *t.LEFT_CREASE, 21, 251))
    inner, outer = abs(v[107, 0]), abs(v[70, 0])
    for k in t.RIGHT_BROW + t.LEFT_BROW:
        along = float(np.clip((abs(v[k, 0]) - inner) / (outer - inner), 0, 1))
        controls[k] = np.array([-np.sign(v[k, 0]) * inwards, vertical(along), 0.05])
    for k in (10, 338, 109, 151):
        controls[k] = np.array([0, 0.12 * vertical(0.5), 0])
    return extend(controls)


def _cheeks(offset: tuple[float, float, float], vertices: tuple[int, ...]) -> Shape:
    fixed = set(t.UPPER_FACE) - {101, 330, 36, 266, 50, 280, 118, 347, 119, 348, 117, 346, 116, 345}
    controls = _zero((*fixed, *t.LIPS, 152))
    for k in vertices:
        for vertex in (k, int(canonical_face().mirror[k])):
            side = np.sign(_vertices()[vertex, 0])
            controls[vertex] = np.array([side * offset[0], offset[1], offset[2]])
    return extend(controls)


def _nose_sneer() -> Shape:
    fixed = set(t.UPPER_FACE) - {98, 327, 64, 294, 36, 266, 101, 330}
    controls = _zero((*fixed, *t.LOWER_LIP, *t.CORNERS, 152))
    for k in (98, 64, 48, 129, 327, 294, 278, 358):
        controls[k] = np.array([0, 0.22, 0.03])
    for k in t.UPPER_LIP:
        controls[k] = np.array([0, 0.10 * (1 - _across(k) ** 2), 0])
    return extend(controls)


def _split(shape: Shape, name: str, soft: float = 1.0) -> dict[str, Shape]:
    """Left and right half of a symmetric shape; they add up to the whole. soft: cm of the cross-fade's half
    width.
    """
    x = np.clip(_vertices()[:, :1] / soft, -1, 1)
    left = 0.5 + 0.75 * x - 0.25 * x**3
    return {name + "Left": shape * left, name + "Right": shape * (1 - left)}


@cache
def canonical_shapes() -> dict[str, Shape]:
    """name -> [468, 3] cm: every shape that is the same for all people."""
    shapes = {
        "jawOpen": _jaw_open(),
        "jawForward": _jaw_shift((0, 0, 0.5)),
        "jawLeft": _jaw_shift((0.6, 0, 0)),
        "jawRight": _jaw_shift((-0.6, 0, 0)),
        "mouthPucker": _pucker(),
        "mouthFunnel": _funnel(),
        "mouthLeft": _lips(lambda k, q, upper: (0.55, 0.0, -0.1 * q)),
        "mouthRight": _lips(lambda k, q, upper: (-0.55, 0.0, -0.1 * q)),
        "mouthRollLower": _roll(upper=False),
        "mouthRollUpper": _roll(upper=True),
        "mouthShrugLower": _shrug_lower(),
        "mouthShrugUpper": _one_lip(True, 0.20, 0.12),
        "browInnerUp": _brows(lambda a: 0.50 * (1 - a) ** 1.5),
        "cheekPuff": _cheeks((0.45, 0.0, 0.35), (205, 207, 187, 50)),
        "jawOpenLipsTogether": _jaw_lips_together(),
    }
    shapes |= _split(_stretch(), "mouthStretch")
    shapes |= _split(_dimple(), "mouthDimple")
    shapes |= _split(_corners(lambda x: (0.13 * x, 0.42, -0.18), cheeks=True), "mouthSmile")
    shapes |= _split(_corners(lambda x: (0.02 * x, -0.38, -0.05), cheeks=False), "mouthFrown")
    shapes |= _split(_one_lip(True, 0.38, 0.06), "mouthUpperUp")
    shapes |= _split(_one_lip(False, -0.36, 0.05), "mouthLowerDown")
    shapes |= _split(_press(), "mouthPress")
    shapes |= _split(_brows(lambda a: -0.34, inwards=0.12), "browDown")
    shapes |= _split(_brows(lambda a: 0.45 * a + 0.05), "browOuterUp")
    shapes |= _split(_cheeks((0.0, 0.28, 0.12), (50, 101, 118, 117)), "cheekSquint")
    shapes |= _split(_nose_sneer(), "noseSneer")
    return shapes


def _mouth_close(points: np.ndarray, to_canonical: np.ndarray) -> Shape:
    """Brings the photo's lips together, a little too far: a hairline of teeth would show as a white slit."""
    controls = _zero((*t.UPPER_FACE, *t.CORNERS))
    for a, b in zip(t.UPPER_LIP_RINGS[0], t.LOWER_LIP_RINGS[0], strict=True):
        gap = to_canonical @ (points[b] - points[a])
        controls[a], controls[b] = gap * 0.36, gap * -0.82
    for rings, inner, follow in (
        (t.UPPER_LIP_RINGS, t.UPPER_LIP_RINGS[0], 0.80),
        (t.LOWER_LIP_RINGS, t.LOWER_LIP_RINGS[0], 0.85),
    ):
        for ring in rings[1:]:
            controls |= {k: controls[i] * follow for k, i in zip(ring, inner, strict=True)}
    controls[t.CHIN_TIP] = controls[14] * 0.30
    return extend(controls)


def _eye_shapes(points: np.ndarray, to_canonical: np.ndarray, left: bool) -> dict[str, Shape]:
    """Blink, half-closed corrective, squint and wide of one eye, measured on the photo's own lids."""
    v = _vertices()
    slit, side = (t.LEFT_EYE, "Left") if left else (t.RIGHT_EYE, "Right")
    crease = t.LEFT_CREASE if left else t.RIGHT_CREASE
    still = _zero(k for k in range(len(v)) if np.linalg.norm(v[k] - v[slit.upper[4]]) > 4.2)
    still |= _zero((slit.upper[0], slit.upper[-1], *(t.LEFT_BROW if left else t.RIGHT_BROW)))
    pairs = list(zip(slit.upper[1:-1], slit.lower[1:-1], strict=True))
    gaps = {a: to_canonical @ (points[b] - points[a]) for a, b in pairs}
    middle = gaps[slit.upper[4]]

    def shape(upper: float, lower: float, fold: float, bow: bool = False) -> Shape:
        controls = dict(still)
        for i, (a, b) in enumerate(pairs):
            bend = np.sin(np.pi * (i + 1) / (len(pairs) + 1)) if bow else 1.0
            controls[a], controls[b] = gaps[a] * upper * bend, -gaps[a] * lower * bend
        for k, share in zip(crease, (0.15, 0.24, 0.28, 0.30, 0.26, 0.16, 0.10), strict=True):
            controls[k] = middle * share * fold
        return extend(controls)

    return {
        "eyeBlink" + side: shape(1.02, 0.10, 1.0),
        # Half-way down the lid keeps its arch: the middle lags, the corners lead.
        "eyeHalfClosed" + side: shape(-0.03, 0.0, 0.0, bow=True),
        "eyeSquint" + side: shape(0.12, 0.34, 0.15),
        "eyeWide" + side: shape(-0.28, -0.06, -0.3),
    }


def personal_shapes(points: np.ndarray, placed: Similarity) -> dict[str, Shape]:
    """name -> [468, 3] cm: the shapes that depend on how far the photo's mouth and eyes are open.

    points  [468, 3] the portrait's landmarks in world units; placed: canonical cm -> world.
    """
    to_canonical = placed.rotation.T / placed.scale
    shapes = {"mouthClose": _mouth_close(points, to_canonical)}
    for left in (True, False):
        shapes |= _eye_shapes(points, to_canonical, left)
    # A smiling photo keeps folds and raised corners while it speaks; this takes that share of the smile back.
    smiling = smile_of(points, placed)
    left, right = canonical_shapes()["mouthSmileLeft"], canonical_shapes()["mouthSmileRight"]
    shapes["smileRelax"] = -(left + right) * smiling
    # A face that smiles already has less smile left to add.
    shapes["mouthSmileLeft"], shapes["mouthSmileRight"] = (s * (1 - 0.6 * smiling) for s in (left, right))
    return shapes


def smile_of(points: np.ndarray, placed: Similarity) -> float:
    """How much the photo smiles, 0..1: rise and width of the mouth's corners against the canonical face."""
    inverse = (points - placed.translation) @ placed.rotation / placed.scale
    v = _vertices()
    width = (inverse[291, 0] - inverse[61, 0]) / (v[291, 0] - v[61, 0]) - 1
    middle = (inverse[13, 1] + inverse[14, 1]) / 2
    rise = (inverse[[61, 291], 1].mean() - middle) - (v[[61, 291], 1].mean() - (v[13, 1] + v[14, 1]) / 2)
    return float(np.clip(0.5 * width / 0.13 + 0.5 * rise / 0.42, 0, 1))
