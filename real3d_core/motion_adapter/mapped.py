"""The expressions of the face model that a motion asks of a portrait.

See docs/model.md, "Blendshapes and expressions".
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..face_model.bfm import FaceModel
from ..face_model.expression_map import ShapesToExpression, expression_to_shapes, shapes_to_expression
from ..motion.groups import GROUP_COLUMNS
from ..wires import ARKIT_NAMES, FaceCoefficients, Motion
from .expression import shape_weights

NOT_EXPRESSIONS = ("eyeBlink", "eyeLook")
"""Weights that SECC maps show by themselves (lids), or not at all (the maps have no eyes)."""

_SHOWN = [i for i, name in enumerate(ARKIT_NAMES) if not name.startswith(NOT_EXPRESSIONS)]


def mapped_expressions(motion: Motion, face_model: FaceModel, coefficients: FaceCoefficients) -> Tensor:
    """[T, 64] float32 on the CPU: coefficients as they are, not relative to the photo.

    Without an expression in the motion it is the portrait's own and what the blendshapes add to it. Where the
    motion has both, the expression says what the mouth's group does (motion/groups.py), and the blendshapes
    what brows and eyes do: the expression changes by what they say beyond what it shows itself. If no
    blendshape but lids and gaze moves throughout, the expression is taken as it is.
    """
    motion, own = motion.to("cpu"), coefficients.to("cpu")
    given = motion.expression
    if given is not None and not bool(motion.blendshapes[:, _SHOWN].any()):
        return given
    shapes = shapes_to_expression(face_model, own.identity, own.expression)
    if given is None:
        return own.expression.reshape(1, -1) + _added(motion, shapes)
    said, shown = motion.blendshapes.clone(), expression_to_shapes(face_model)(given)
    for weights in (said, shown):
        weights[:, list(GROUP_COLUMNS["mouth"])] = 0
    asked, there = (_added(replace(motion, blendshapes=weights), shapes) for weights in (said, shown))
    return given + (asked - there)


def _added(motion: Motion, shapes: ShapesToExpression) -> Tensor:
    return shapes(shape_weights(motion, shapes.names).shapes)
