"""Movements of a face read off landmarks, and the blendshapes that make these movements.

A net that was trained on faces at rest shows less of an unusual movement than there is, and shows it
elsewhere too: lids that close seem to draw the brows down and to tip the head, a turned head seems to round
its lips. So no movement is measured between single points: one linear map (reading.npz, made by
tools/make_reading.py), the ridge regression from what the nets see of rendered faces to how these were moved,
says how far lips, corners and brows have moved. Blendshapes are then least squares on these movements. See
docs/model.md, "Video-to-Motion".

Convention
    Movements are against the neutral face, in centimetres on the canonical face (x to the image's right, y
    up), the pose taken out; lids and gaze are weights. `gazeAcross` is eyeLookOutLeft and eyeLookInRight (to
    the person's left), less the opposite pair; `gazeUp` is eyeLookUp less eyeLookDown.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np

from ..face_model import topology as t
from ..face_model.blendshapes import canonical_shapes
from ..wires import ARKIT_INDEX, ARKIT_NAMES

TURN_UNIT = 0.2  # rad: about the spread of the head's turns in learning
TURN_WEIGHT = 0.3  # of the head's turn among the features
MOST_TURN = 0.45  # rad: the map has not been beyond it
TOP = 1.2  # the highest weight; beyond it the avatar's skin folds
SHUT = 0.7  # of a blink: behind lids as low as this an iris is not seen
NOTHING = 0.11  # a weight as small as this is the remainder of another one
SMILE_NOTHING = 0.26  # and a smile: most that seems one is another shape of the mouth
NOD_COUNTS = 1.2  # a nod disturbs the nets so many times as much as a turn
ROUNDS = 60  # of coordinate descent; weights settle in about 30
USUAL_WEIGHT = 0.36  # weights are about this large: so much holds back those that movements do not tell apart


@dataclass(frozen=True)
class Movement:
    """What is read of a face.

    doubt       of it is not believed, because a face at rest seems to have as much.
    turned      more per radian that the head is turned (yaw and pitch together).
    blinking    more per blink.
    opened      more per centimetre that the lips have parted: the nets draw an open mouth narrow.
    narrowed    more per centimetre that the mouth has narrowed: the nets part lips that are pursed.
    error       what is believed is wrong by about this much.
    hold        frames: so long about a movement that was certain, it is believed.
    """

    doubt: float
    turned: float = 0.0
    blinking: float = 0.0
    opened: float = 0.0
    narrowed: float = 0.0
    error: float = 0.1
    hold: int = 51


@dataclass(frozen=True)
class Disturbance:
    """What makes movements doubtful, each [T]: the head's turn (yaw and pitch together, rad), the higher of
    both blinks, the lips' parting and the mouth's narrowing in cm.
    """

    turned: np.ndarray
    blinking: np.ndarray
    opened: np.ndarray
    narrowed: np.ndarray


MOVEMENTS = {
    "lipsParted": Movement(0.35, 0.06, 0.19, narrowed=0.4, error=0.09, hold=31),
    "mouthWidth": Movement(0.39, opened=0.6, error=0.09),
    "cornerRight": Movement(0.085, 0.4, 0.07, error=0.07),
    "cornerLeft": Movement(0.085, 0.4, 0.07, error=0.07),
    "browInnerRight": Movement(0.11, 0.72, 0.18, error=0.11),
    "browInnerLeft": Movement(0.11, 0.72, 0.18, error=0.11),
    "browOuterRight": Movement(0.11, 0.72, 0.18, error=0.11),
    "browOuterLeft": Movement(0.11, 0.72, 0.18, error=0.11),
    "eyeBlinkRight": Movement(0.14, 0.33, 0.15),
    "eyeBlinkLeft": Movement(0.14, 0.33, 0.15),
    "gazeAcross": Movement(0.22, 0.27, 0.05),
    "gazeUp": Movement(0.22, 0.27, 0.05),
}
NAMES = tuple(MOVEMENTS)
SKIN = NAMES[:8]
"""Movements of the skin, in centimetres."""
SHAPES = (
    "jawOpen",
    "mouthPucker",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "browDownLeft",
    "browDownRight",
)
"""Blendshapes that make them. Others are not told apart by the nets and stay at rest."""
GAZES = (
    ("gazeAcross", ("eyeLookOutLeft", "eyeLookInRight"), ("eyeLookInLeft", "eyeLookOutRight")),
    ("gazeUp", ("eyeLookUpLeft", "eyeLookUpRight"), ("eyeLookDownLeft", "eyeLookDownRight")),
)


@dataclass(frozen=True)
class Reading:
    """What is read of T faces: movements [T, 12] in the order of NAMES, and turn_error [T, 3] rad, what
    expressions and the nets add to the turn of the head as a rigid fit finds it.
    """

    movements: np.ndarray
    turn_error: np.ndarray

    def __getitem__(self, name: str) -> np.ndarray:
        """[T] one movement."""
        return self.movements[:, NAMES.index(name)]


def skin_movements(moved: np.ndarray) -> np.ndarray:
    """[..., 8] movements SKIN of true displacements [..., 468, 3] cm."""

    def height(points: tuple[int, ...] | list[int]) -> np.ndarray:
        return moved[..., list(points), 1].mean(-1)

    right, left = t.MOUTH.upper[0], t.MOUTH.upper[-1]
    brows = [sorted(brow, key=lambda i: abs(_rest_x(i))) for brow in (t.RIGHT_BROW, t.LEFT_BROW)]
    halves = [(brow[: len(brow) // 2], brow[len(brow) // 2 :]) for brow in brows]
    return np.stack(
        [
            height(t.MOUTH.upper[3:-3]) - height(t.MOUTH.lower[3:-3]),
            moved[..., left, 0] - moved[..., right, 0],
            moved[..., right, 1],
            moved[..., left, 1],
            *(height(half) for which in (0, 1) for half in (halves[0][which], halves[1][which])),
        ],
        -1,
    )


def _rest_x(vertex: int) -> float:
    from ..face_model.canonical import canonical_face

    return float(canonical_face().vertices[vertex, 0])


def point_weights() -> np.ndarray:
    """[478] how much each landmark says about the expression; 0 for most."""
    weights = np.zeros(478)
    lids = [i for slit in (t.RIGHT_EYE, t.LEFT_EYE) for i in (*slit.upper, *slit.lower)]
    for group, weight in (
        ((*t.RIGHT_CREASE, *t.LEFT_CREASE), 0.3),
        (t.JAW_LINE, 0.3),
        (t.CHIN, 0.7),
        (t.LIPS, 1.0),
        ((*t.RIGHT_BROW, *t.LEFT_BROW), 1.5),
        (lids, 0.6),
        ((*t.RIGHT_IRIS, *t.LEFT_IRIS), 0.4),
    ):
        weights[list(group)] = weight
    return weights


def features(moved: np.ndarray, euler: np.ndarray) -> np.ndarray:
    """[T, F] what the map sees of faces: no depth, which the nets guess.

    moved   [T, 478, 3] cm against the neutral face, the head's pose taken out.
    euler   [T, 3] rad against the resting head: the nets' errors grow with it.
    """
    weights = point_weights()
    used = weights > 0
    turn = euler.clip(-MOST_TURN, MOST_TURN) / TURN_UNIT
    powers = np.stack([turn[:, i] * turn[:, j] for i in range(3) for j in range(i, 3)], 1)
    points = (moved[:, used, :2] * np.sqrt(weights[used])[:, None]).reshape(len(moved), -1)
    return np.concatenate([points, TURN_WEIGHT * turn, TURN_WEIGHT * powers], 1)


@cache
def _map() -> np.ndarray:
    """[F, 12 + 3] features -> movements and turn error; of the file that comes with the package."""
    with np.load(Path(__file__).with_name("reading.npz")) as data:
        return data["map"].astype(np.float64) * data["unit"]


def read(moved: np.ndarray, euler: np.ndarray) -> Reading:
    """Movements and turn error of faces; arguments as of `features`."""
    found = features(moved, euler) @ _map()
    return Reading(found[:, : len(NAMES)], found[:, len(NAMES) :])


def weights_of(reading: Reading, euler: np.ndarray) -> np.ndarray:
    """[T, 52] blendshapes that make the movements of a clip's frames, less their doubts.

    euler   [T, 3] rad against the resting head.

    Minimises  |(w shapes - movements) / error|^2 + |w / USUAL_WEIGHT|^2,  0 <= w <= TOP.
    """
    none = np.zeros(len(euler))
    turned = np.linalg.norm(euler[:, :2] * (NOD_COUNTS, 1.0), axis=1)
    alone = Disturbance(turned, none, none, none)
    sides = ("eyeBlinkLeft", "eyeBlinkRight")
    blinks = [_believed(reading[name], MOVEMENTS[name], alone).clip(0, 1) for name in sides]
    blinking = np.maximum(*blinks)
    opened, narrowed = reading["lipsParted"].clip(min=0), (-reading["mouthWidth"]).clip(min=0)
    disturbance = Disturbance(turned, blinking, opened, narrowed)
    skin = [_believed(reading[name], MOVEMENTS[name], disturbance) for name in SKIN]
    gram, pull = _normal_form(np.stack(skin, 1))
    out = np.zeros((len(euler), len(ARKIT_NAMES)))
    weights = descend(gram, pull)
    nothing = np.array([SMILE_NOTHING if name.startswith("mouthSmile") else NOTHING for name in SHAPES])
    out[:, [ARKIT_INDEX[name] for name in SHAPES]] = np.maximum(weights - nothing, 0) / (1 - nothing)
    out[:, [ARKIT_INDEX[name] for name in sides]] = np.stack(blinks, 1)
    open_share = (1 - blinking / SHUT).clip(0, 1)
    for name, plus, minus in GAZES:
        gaze = _believed(reading[name], MOVEMENTS[name], disturbance) * open_share
        for sign, names in ((1, plus), (-1, minus)):
            out[:, [ARKIT_INDEX[one] for one in names]] = (sign * gaze).clip(0, TOP)[:, None]
    return out


def signed_weights(reading: Reading) -> dict[str, np.ndarray]:
    """name -> [T] weights of SHAPES, below 0 too: of two readings against an unknown rest only the difference
    counts.
    """
    gram, pull = _normal_form(np.stack([reading[name] for name in SKIN], 1))
    return dict(zip(SHAPES, np.linalg.solve(gram, pull.T), strict=True))


def _normal_form(skin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """gram [C, C] and pull [T, C] of the least squares in `weights_of`, of movements SKIN [T, 8]."""
    errors = np.array([MOVEMENTS[name].error for name in SKIN])
    shapes = np.stack([skin_movements(canonical_shapes()[name]) for name in SHAPES]) / errors
    return shapes @ shapes.T + np.eye(len(SHAPES)) / USUAL_WEIGHT**2, (skin / errors) @ shapes.T


def _believed(values: np.ndarray, movement: Movement, disturbance: Disturbance) -> np.ndarray:
    """A movement [T] brought nearer to 0 by its doubt, but less about a time when it was beyond doubt."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    doubt = movement.doubt + sum(
        getattr(movement, one.name) * getattr(disturbance, one.name) for one in fields(Disturbance)
    )
    certain = (np.abs(values) / doubt - 1).clip(0, 1)
    held = maximum_filter1d(certain, movement.hold, mode="nearest")
    held = uniform_filter1d(held, movement.hold // 2, mode="nearest")
    return np.sign(values) * np.maximum(np.abs(values) - doubt * (1 - held), 0)


def descend(gram: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """[T, C] the w in 0..TOP with the smallest 1/2 w gram w - pull w, by coordinate descent on all rows."""
    weights = np.zeros_like(pull)
    for _ in range(ROUNDS):
        before = weights.copy()
        for c in range(len(gram)):
            step = (pull[:, c] - weights @ gram[c]) / gram[c, c]
            weights[:, c] = np.clip(weights[:, c] + step, 0, TOP)
        if np.abs(weights - before).max() < 1e-4:
            break
    return weights
