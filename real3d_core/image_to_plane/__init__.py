"""Image-to-Plane: a portrait becomes a tri-plane."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import BackendError
from ..model import Model
from ..streaming import no_check
from ..timing import stage
from ..wires import Portrait, TriPlane


def image_to_plane(portrait: Portrait, model: Model, check: Callable[[], None] = no_check) -> TriPlane:
    """The tri-plane of a portrait, made by the model's backend, on the device of the portrait's tensors.

    check   called now and then; whatever it raises ends the work.

    Raises BackendError if this model has no Image-to-Plane.
    """
    if model.kind != "analytic":
        raise BackendError(
            f'The model "{model.name}" cannot make a tri-plane; choose "built-in" in Load Real3D Model.'
        )
    from .analytic import image_to_plane as analytic

    with stage("image_to_plane"):
        return analytic(portrait, model, check).to(portrait.image.device)
