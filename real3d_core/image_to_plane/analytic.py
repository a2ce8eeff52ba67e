"""Image-to-Plane of the analytic backend: a photo becomes a tri-plane without a single weight.

See docs/model.md, "Analytic backend".
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..face_model.topology import EAR_LEFT, EAR_RIGHT
from ..model import Model
from ..motion_adapter.fields import expression_fields
from ..ops import smoothstep
from ..render_triplane.cameras import DISTANCE, FOCAL, built_in_camera
from ..streaming import no_check, one_torch_thread
from ..wires import PLANE_CHANNELS, PLANE_SIZE, Portrait, TriPlane
from .avatar import AnalyticAvatar, build_avatar
from .geometry import SHEET, head_geometry
from .inner_layer import inner_layer
from .layout import ADDRESS_EPS, STORED, Channel, analytic_decoder, texel_centres
from .planes import WHOLE, plane_channels

SIDE_RATE = 1.0  # how fast the address walks back with depth: 1 is the photo's own scale
CROWN_DEPTH = 0.05  # world units over which the crown's address walks back
CROWN_ADDRESS = 0.12  # v of a typical crown: where the logit of the crown's shift is taken


def canonical_planes(avatar: AnalyticAvatar) -> Tensor:
    """[1, 3, 32, 256, 256] planes of the photo's own face."""
    from ..motion_adapter.analytic import neutral_deformation

    planes = torch.zeros(1, 3, PLANE_CHANNELS, PLANE_SIZE, PLANE_SIZE)
    planes[:, 0, : len(Channel)] = plane_channels(avatar, WHOLE, neutral_deformation(avatar, WHOLE))
    planes[:, 1, Channel.Z] = texel_centres()[:, None] * STORED  # plane 1: rows are z
    across, down = _side_addresses(avatar)
    for u, v in ((Channel.U_UPPER, Channel.V_UPPER), (Channel.U_LOWER, Channel.V_LOWER)):
        planes[:, 1, u], planes[:, 1, v] = across * STORED, down * STORED
    return planes


def _side_addresses(avatar: AnalyticAvatar) -> tuple[Tensor, Tensor]:
    """[256 (z), 256 (x)] each: what the (x, z) plane adds to the logits of the photo's address.

    Behind the ears (z < 0) the photo shows nothing. A height field alone would smear the silhouette's last
    pixel over the side of the head; instead the address walks back into the picture with depth, so that
    the side shows the mirrored hair at its natural scale: across at the sides, down at the crown.
    """
    c = texel_centres()
    z, x = torch.meshgrid(c, c, indexing="ij")
    middle = avatar.points[[EAR_RIGHT, EAR_LEFT], 0].mean()
    width = avatar.points[EAR_LEFT, 0] - avatar.points[EAR_RIGHT, 0]
    depth = SIDE_RATE * (-z - 2 * SHEET).clamp(min=0)
    side = torch.tanh((x - middle) / (0.15 * width))
    crown = smoothstep(0.55, 0.25, (x - middle).abs() / width)

    def shifted(address: Tensor, by: Tensor) -> Tensor:
        limits = (ADDRESS_EPS, 1 - ADDRESS_EPS)
        return torch.logit((address + by).clamp(*limits)) - torch.logit(address.clamp(*limits))

    scale = FOCAL / DISTANCE
    across = shifted(x * scale + 0.5, -side * (1 - crown) * depth * scale)
    crown_address = torch.full_like(x, CROWN_ADDRESS)
    # The plane does not know y: bounded, or the nape would show the collar.
    return across, shifted(crown_address, crown * depth.clamp(max=CROWN_DEPTH) * scale)


def image_to_plane(portrait: Portrait, model: Model, check: Callable[[], None] = no_check) -> TriPlane:
    """Builds the tri-plane of a portrait; all that depends on the portrait alone is prepared here, once."""
    portrait = portrait.to("cpu")
    with one_torch_thread():
        geometry = head_geometry(portrait)
        check()
        inner = inner_layer(portrait)
        check()
        fields = expression_fields(geometry, portrait.image.numpy())
        check()
        avatar = build_avatar(portrait, geometry, inner, fields)
        check()
        planes = canonical_planes(avatar)
    return TriPlane(
        planes=planes,
        decoder=analytic_decoder(),
        camera=built_in_camera(),
        pivot=torch.from_numpy(geometry.pivot).float(),
        model=model,
        avatar=avatar,
    )
