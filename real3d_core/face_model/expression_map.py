"""ARKit blendshapes as expressions of the face model, and expressions of the face model as blendshapes.

Both are least squares on those of the 468 landmarks that the face model has vertices for: the blendshapes'
displacements of the canonical face, brought into model space by the similarity that takes its points to the
model's, against what the expression basis moves there. See docs/model.md, "Blendshapes and expressions".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..streaming import no_check
from ..wires import ARKIT_INDEX, ARKIT_NAMES, _Movable
from .bfm import EXPRESSION_SIZE, IDENTITY_SIZE, FaceModel
from .blendshapes import canonical_shapes, personal_shapes
from .canonical import canonical_face
from .mesh import fit_similarity
from .topology import LOWER_LIP_RINGS, UPPER_LIP_RINGS

LANDMARK_ERROR = 0.01
"""Model units (about 1 mm): displacements are trusted to this. Coefficients have a variance of about 1."""

USUAL_WEIGHT = 0.5
"""Blendshape weights are about this large: so much holds back those that landmarks do not tell apart."""

DRAWN_LIDS = ("eyeBlink", "eyeHalfClosed")
"""Shapes that are drawn into the SECC maps and are no expression."""

PARTED = 0.04
"""Model units (about 4 mm): lips that have parted by this are open."""

STEPS = 200  # of the solver; weights are then within 0.001 of the solution
STIFFNESS = 0.2  # of its penalty, on shapes scaled to the same displacement
RELAXATION = 1.6
CHUNK = 256  # frames that are solved at once: their numbers stay in the processor's cache


@dataclass(frozen=True)
class _Placed:
    """What shapes and expressions do to the matched landmarks of one person, model units.

    shapes      name -> [3m] float64 displacement at weight 1
    expression  [3m, 64] float64
    """

    shapes: dict[str, NDArray[np.float64]]
    expression: NDArray[np.float64]


def _placed(face_model: FaceModel, identity: Tensor, expression: Tensor) -> _Placed:
    model = face_model.at(face_model.index468).to("cpu")
    rest = model.shape(identity.cpu(), torch.zeros(EXPRESSION_SIZE))[0].double().numpy()
    shown = model.shape(identity.cpu(), expression.cpu())[0].double().numpy()
    matched = ~face_model.unmatched468.cpu().numpy()
    to_model = fit_similarity(canonical_face().vertices[matched], rest[matched])
    shapes = canonical_shapes() | personal_shapes(shown, to_model)
    basis = model.expression_base.double().numpy().reshape(len(matched), 3, EXPRESSION_SIZE)
    return _Placed(
        {name: (shape @ to_model.linear.T)[matched].ravel() for name, shape in shapes.items()},
        basis[matched].reshape(-1, EXPRESSION_SIZE),
    )


@dataclass(frozen=True)
class ShapesToExpression(_Movable):
    """What blendshapes add to a portrait's own expression.

    names   the K shapes: ARKit's and the correctives (`blendshapes.CORRECTIVES`), but none that closes lids.
    matrix  [K, 64] float32: the expression that a shape adds at weight 1.
    """

    names: tuple[str, ...]
    matrix: Tensor

    def __call__(self, weights: Tensor) -> Tensor:
        """Weights [n, K] of the shapes -> [n, 64]: what they add. No weight, no change."""
        return weights @ self.matrix


def shapes_to_expression(face_model: FaceModel, identity: Tensor, expression: Tensor) -> ShapesToExpression:
    """The map of one portrait, on the CPU: of its identity [80] or [1, 80] and its own expression [64] or
    [1, 64], which tells how far mouth and eyes are open.

    A shape becomes the expression c with the least |moved by c - wanted|^2 + LANDMARK_ERROR^2 |c|^2 over all
    matched landmarks, so that what a shape leaves in place stays there.
    """
    placed = _placed(face_model, identity.reshape(-1), expression.reshape(-1))
    names = tuple(name for name in placed.shapes if not name.startswith(DRAWN_LIDS))
    wanted = np.stack([placed.shapes[name] for name in names], 1)
    basis = placed.expression
    held = LANDMARK_ERROR**2 * np.eye(EXPRESSION_SIZE)
    matrix = np.linalg.solve(basis.T @ basis + held, basis.T @ wanted).T
    return ShapesToExpression(names, torch.from_numpy(matrix.astype(np.float32)))


@dataclass(frozen=True)
class ExpressionToShapes:
    """Blendshapes that look like an expression, on the mean face.

    names       the K weights that are solved for: ARKit's but gaze and tongue. jawRight is the opposite of
                jawLeft, which stands for both and is within -1..1.
    gram        [K, K] float64: scalar products of the displacements, the diagonal raised
    products    [64, K] float64: of the expressions' displacements with those of the shapes
    parting     [64] float32: how far each coefficient parts the lips, model units
    """

    names: tuple[str, ...]
    gram: NDArray[np.float64]
    products: NDArray[np.float64]
    parting: Tensor

    def __call__(self, expression: Tensor, check: Callable[[], None] = no_check) -> Tensor:
        """Expressions [n, 64] -> [n, 52] float32 on the CPU, ARKit weights 0..1; expression zero gives zero.

        The weights x with the least |moved by x - moved by the expression|^2 + (LANDMARK_ERROR / USUAL_WEIGHT
        * |x|)^2 within 0..1. They depend continuously on the expression, and on no other frame. Lids that
        close are seen, but not given back: whoever makes a motion decides on its blinks.

        check   called now and then; whatever it raises ends the work.
        """
        rows = expression.detach().cpu().double().numpy()
        out = torch.zeros(len(rows), len(ARKIT_NAMES))
        for first in range(0, len(rows), CHUNK):
            check()
            found = self._solved(rows[first : first + CHUNK] @ self.products)
            for name, weight in zip(self.names, found.T, strict=True):
                if not name.startswith(DRAWN_LIDS):
                    out[first : first + CHUNK, ARKIT_INDEX[name]] = torch.from_numpy(weight).float()
        left, right = out[:, ARKIT_INDEX["jawLeft"]], out[:, ARKIT_INDEX["jawRight"]]
        right.copy_((-left).clamp(min=0))
        left.clamp_(min=0)
        # mouthClose stands for lips that meet in spite of the jaw, so it never exceeds jawOpen.
        jaw, close = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]
        out[:, close] = torch.minimum(out[:, close], out[:, jaw])
        return out

    def closed_lips(self, expression: Tensor) -> Tensor:
        """Expressions [n, 64] -> [n] 0..1 on the CPU: 1 where the lips meet as they do on the mean face.

        This is a mouthClose that shuts a photo's open mouth too, which no change against the mean face says.
        """
        return (1 - (expression.detach().cpu() @ self.parting) / PARTED).clamp(0, 1)

    def _solved(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """[n, K] for scalar products [n, K], by the alternating direction method of multipliers: the solution
        without bounds and the nearest one within them take turns. All frames share one inverse matrix.
        """
        scale = np.sqrt(np.diag(self.gram))
        inverse = np.linalg.inv(self.gram / np.outer(scale, scale) + STIFFNESS * np.eye(len(scale)))
        least = [-1 if name == "jawLeft" else 0 for name in self.names] * scale
        wanted, bounded, gap = wanted / scale, np.zeros_like(wanted), np.zeros_like(wanted)
        for _ in range(STEPS):
            free = (wanted + STIFFNESS * (bounded - gap)) @ inverse
            free = RELAXATION * free + (1 - RELAXATION) * bounded
            bounded = np.clip(free + gap, least, scale)
            gap += free - bounded
        return bounded / scale


def expression_to_shapes(face_model: FaceModel) -> ExpressionToShapes:
    """The map of a face model: whose face it is plays no part, for speech knows no portrait."""
    placed = _placed(face_model, torch.zeros(IDENTITY_SIZE), torch.zeros(EXPRESSION_SIZE))
    # With the jaw open, mouthClose is the corrective that brings the lips together.
    shapes = placed.shapes | {
        "mouthClose": placed.shapes["mouthClose"] + placed.shapes["jawOpenLipsTogether"]
    }
    names = tuple(name for name in ARKIT_NAMES if name in shapes and name != "jawRight")
    moved = np.stack([shapes[name] for name in names], 1)
    held = (LANDMARK_ERROR / USUAL_WEIGHT) ** 2 * np.eye(len(names))
    upper, lower = (
        face_model.at(face_model.index468[list(rings[0])]).expression_base.cpu().unflatten(0, (-1, 3))[:, 1]
        for rings in (UPPER_LIP_RINGS, LOWER_LIP_RINGS)
    )
    # The middle third of the mouth, which parts first and closes last.
    parting = (upper - lower)[3:6].mean(0)
    return ExpressionToShapes(names, moved.T @ moved + held, placed.expression.T @ moved, parting)
