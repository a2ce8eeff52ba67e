"""What the landmark nets see of each blendshape, and weights found from what they see.

A net that was trained on faces at rest shows less of an unusual movement than there is, and shows it
elsewhere too: lids that close seem to draw the brows down and to tip the head. So the weights of a face are
not read off single points. They are those whose *seen* shapes (seen_shapes.npz, made by
tools/make_seen_shapes.py) add up to what is seen. See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..face_model import topology as t

DEPTH_WEIGHT = 0.25  # of z against x and y in the square of an error: the nets guess it
TOP = 1.3  # the highest weight; beyond it the avatar's skin folds
DOUBT = 0.15  # cm: movements of all points together below this are the nets' own noise
DOUBT_PER_RADIAN = 0.4  # cm more for a turned head, whose far side is guessed
DOUBT_SHARE = 0.12  # of the whole movement more: no face moves quite like the mean of others
ALIKE = 1.5  # how much the left and the right of a face are held together
ROUNDS = 200  # of coordinate descent; the weights settle in about 100

SUBTLE = ("eyeWide", "mouthPress", "mouthRoll", "mouthShrug", "noseSneer", "cheekPuff", "jawForward")
"""Channels of which the nets see less than their own noise: they are left at rest."""
BY_FORMULA = ("eyeBlink", "eyeLook")
"""Channels that eyes.py measures."""
HESITANT = {
    "browDown": 3.0,
    "eyeSquint": 3.0,
    "jawLeft": 2.5,
    "jawRight": 2.5,
    "mouthClose": 2.5,
    "mouthFrown": 3.5,
    "mouthFunnel": 3.0,
    "mouthLeft": 3.0,
    "mouthLowerDown": 2.5,
    "mouthPucker": 1.5,
    "mouthRight": 3.0,
    "mouthSmile": 1.3,
    "mouthStretch": 1.3,
    "mouthUpperUp": 2.5,
}
"""Factors on the doubt for channels that are easily taken for others."""
TURNED = {
    "browInnerUp": 2.6,
    "browOuterUp": 3.5,
    "jawOpen": 0.8,
    "mouthLowerDown": 2.5,
    "mouthPucker": 1.0,
    "mouthSmile": 1.6,
    "mouthStretch": 1.8,
}
"""Weight per radian of turn that a channel must have, because a turned face seems to have it."""
OPENING = ("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel")
"""Channels that part the lips: together they may not part them more than is seen."""
APART = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")  # no halves of one movement


@dataclass(frozen=True)
class SeenShapes:
    """names [C] channels; shapes [C, 478, 3] cm and turns [C, 3] rad per unit of weight.

    pose_shapes [3, 2, 478, 3] cm and pose_turns [3, 2, 3] rad: what the nets add to a face that is turned,
    per radian and per squared radian of pitch, yaw and roll.
    """

    names: tuple[str, ...]
    shapes: np.ndarray
    turns: np.ndarray
    pose_shapes: np.ndarray
    pose_turns: np.ndarray

    def pose_error(self, euler: np.ndarray) -> np.ndarray:
        """[T, 478, 3] cm what the nets add to faces turned by euler [T, 3]."""
        return np.einsum("tap,apvi->tvi", _powers(euler), self.pose_shapes)

    def turn_error(self, euler: np.ndarray) -> np.ndarray:
        """[T, 3] rad what the nets add to the turn."""
        return np.einsum("tap,api->ti", _powers(euler), self.pose_turns)


def _powers(euler: np.ndarray) -> np.ndarray:
    limited = np.clip(euler, -0.4, 0.4)  # measured to .26
    return np.stack([limited, limited**2], -1)


@cache
def seen_shapes() -> SeenShapes:
    """The shapes of the file that comes with the package."""
    with np.load(Path(__file__).with_name("seen_shapes.npz")) as data:
        arrays = {key: data[key].astype(np.float64) for key in data.files if key != "names"}
        return SeenShapes(tuple(str(name) for name in data["names"]), **arrays)


def point_weights() -> np.ndarray:
    """[478] how much each landmark says about the expression."""
    weights = np.zeros(478)
    lids = [i for slit in (t.RIGHT_EYE, t.LEFT_EYE) for i in (*slit.upper, *slit.lower)]
    for group, weight in (
        ((*t.RIGHT_CREASE, *t.LEFT_CREASE), 0.3),
        (t.JAW_LINE, 0.3),
        (t.CHIN, 0.7),
        (t.LIPS, 1.0),
        ((*t.RIGHT_BROW, *t.LEFT_BROW), 1.5),
        (lids, 0.6),
    ):
        weights[list(group)] = weight
    return weights


def _of(table: dict[str, float], name: str, default: float) -> float:
    return table.get(name, table.get(name.removesuffix("Left").removesuffix("Right"), default))


def weights_of(moved: np.ndarray, blinks: np.ndarray, euler: np.ndarray) -> np.ndarray:
    """[T, C] weights of seen_shapes().names that make faces move like this.

    moved   [T, 478, 3] cm against the neutral face, the pose and its error taken out.
    blinks  [T, 2] weights of the right and the left eye, which are known already.
    euler   [T, 3] rad against the resting pose: the more a head is turned, the less is believed.

    Minimises  1/2 |moved - w shapes|^2 + doubt w + asymmetry(w),  0 <= w <= TOP.  The doubt, an L1 term,
    keeps a channel at exactly 0 that explains no more than noise does.
    """
    seen = seen_shapes()
    root = np.sqrt(point_weights()[:, None] * np.array([1.0, 1.0, DEPTH_WEIGHT])).ravel()
    shapes = seen.shapes.reshape(len(seen.names), -1) * root
    out = np.zeros((len(moved), len(seen.names)))
    eyes = [seen.names.index("eyeBlinkRight"), seen.names.index("eyeBlinkLeft")]
    out[:, eyes] = blinks
    rest = moved.reshape(len(moved), -1) * root - blinks @ shapes[eyes]
    free = [i for i, name in enumerate(seen.names) if not name.startswith((*SUBTLE, *BY_FORMULA))]
    names, shapes = [seen.names[i] for i in free], shapes[free]
    gram = shapes @ shapes.T
    squares = np.diag(gram).copy()
    turned, size = np.linalg.norm(euler[:, :2], axis=1), np.linalg.norm(rest, axis=1)
    doubt = DOUBT + DOUBT_PER_RADIAN * turned + DOUBT_SHARE * size
    doubt = doubt[:, None] * np.array([_of(HESITANT, name, 1.0) for name in names]) * np.sqrt(squares)
    doubt += turned[:, None] * np.array([_of(TURNED, name, 0.0) for name in names]) * squares
    out[:, free] = descend(gram + _asymmetry(names, squares), rest @ shapes.T - doubt)
    return _kept_shut(out, moved)


def _kept_shut(weights: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """The weights, those of OPENING reduced where they would part the lips more than `moved` does: a mouth
    that is pressed shut pulls its surroundings as an open one does.
    """
    seen = seen_shapes()
    opens = np.array([name.startswith(OPENING) for name in seen.names])
    upper, lower = t.MOUTH.upper[3:-3], t.MOUTH.lower[3:-3]

    def parted(points: np.ndarray) -> np.ndarray:
        """[...] cm between the lips, at the middle."""
        return (points[..., upper, 1] - points[..., lower, 1]).mean(-1)

    told = weights[:, opens] @ parted(seen.shapes[opens])
    share = (parted(moved) / np.maximum(told, 1e-6)).clip(0, 1)
    return np.where(opens, weights * share[:, None], weights)


def _asymmetry(names: list[str], squares: np.ndarray) -> np.ndarray:
    """[C, C] of the quadratic form that is ALIKE * (left - right)^2 over pairs."""
    form = np.zeros((len(names), len(names)))
    for i, name in enumerate(names):
        if name.endswith("Left") and name not in APART:
            j = names.index(name.removesuffix("Left") + "Right")
            form[[i, j], [i, j]] += ALIKE * squares[i]
            form[[i, j], [j, i]] -= ALIKE * squares[i]
    return form


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
