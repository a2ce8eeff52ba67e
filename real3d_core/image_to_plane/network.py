"""Image-to-Plane of the released networks: portrait -> planes, with the pose and shape of its face.

See docs/model.md, "Image-to-Plane network".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..face_model.fit import fit_image
from ..face_model.poses import PIVOT, source_camera
from ..model import Model, Networks
from ..portrait.network import NetworkPortrait, prepare_for_networks
from ..streaming import no_check
from ..wires import PORTRAIT_SIZE, FaceCoefficients, Portrait, TriPlane, _Movable
from . import ImageToPlaneSettings
from .avatar import portrait_key

ACTIVATION_BYTES = 1000 * 2**20
"""What the network needs besides its weights in float32: 918 MB measured on a CPU, and some to spare."""


@dataclass(frozen=True)
class NetworkAvatar(_Movable):
    """What the networks know of a portrait.

    seen            the portrait in the networks' own crop.
    coefficients    its face in the face model: shape, expression and absolute pose.
    photo_key       tells portraits apart: a HEAD belongs to the portrait with the same key.
    """

    seen: NetworkPortrait
    coefficients: FaceCoefficients
    photo_key: int


def image_to_plane(
    portrait: Portrait,
    model: Model,
    networks: Networks,
    settings: ImageToPlaneSettings,
    check: Callable[[], None] = no_check,
) -> TriPlane:
    """The canonical planes of a portrait, on the device of its tensors (see the package)."""
    decoder, face_model = networks.decoder, networks.face_model  # what is missing is told before the work
    seen = prepare_for_networks(portrait, settings.multiclass, settings.min_face_area, check=check)
    coefficients = portrait.coefficients or fit_image(face_model, seen.landmarks, PORTRAIT_SIZE, check)
    check()
    weights = networks.image_to_plane
    with torch.no_grad():
        head = seen.head[None].to(weights.device, weights.dtype)
        planes = weights.ready(ACTIVATION_BYTES)(head).float()
    device = portrait.image.device
    return TriPlane(
        planes=planes,
        decoder=decoder,
        camera=source_camera(coefficients),
        pivot=torch.tensor(PIVOT),
        model=model,
        avatar=NetworkAvatar(seen, coefficients, portrait_key(portrait)),
    ).to(device)
