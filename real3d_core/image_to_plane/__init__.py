"""Image-to-Plane: a portrait becomes a tri-plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import BackendError
from ..model import Model
from ..streaming import no_check
from ..timing import stage
from ..wires import Portrait, TriPlane

if TYPE_CHECKING:
    from ..portrait.nets import Net


@dataclass(frozen=True)
class ImageToPlaneSettings:
    """How the networks see a portrait; the built-in backend has no use for it.

    min_face_area   the face's box covers at least this share of the networks' crop, 0 < share <= 1.
    multiclass      net that tells hair, skin and clothes apart; None: the portrait's own classes.
    """

    min_face_area: float = 0.2
    multiclass: Net | None = None


def image_to_plane(
    portrait: Portrait,
    model: Model,
    check: Callable[[], None] = no_check,
    settings: ImageToPlaneSettings | None = None,
) -> TriPlane:
    """The tri-plane of a portrait, made by the model's backend, on the device of the portrait's tensors.

    check   called now and then; whatever it raises ends the work.

    Raises BackendError if this model has no Image-to-Plane, CheckpointError if a file of the networks is not
    what it was, ImageError for a minimum face area that is no share.
    """
    with stage("image_to_plane"):
        if model.kind == "analytic":
            from .analytic import image_to_plane as analytic

            return analytic(portrait, model, check).to(portrait.image.device)
        if model.networks is not None:
            from .network import image_to_plane as network

            return network(portrait, model, model.networks, settings or ImageToPlaneSettings(), check)
    raise BackendError(
        f'The model "{model.name}" cannot make a tri-plane; choose "built-in" in Load Real3D Model.'
    )
