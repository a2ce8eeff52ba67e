"""Image-to-Plane of the analytic backend: a photo becomes a tri-plane without a single weight.

See docs/model.md, "Analytic backend".
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..model import Model
from ..motion_adapter.fields import expression_fields
from ..render_triplane.cameras import built_in_camera
from ..wires import PLANE_CHANNELS, PLANE_SIZE, Portrait, TriPlane
from .avatar import AnalyticAvatar, build_avatar
from .geometry import head_geometry
from .inner_layer import inner_layer
from .layout import STORED, Channel, analytic_decoder, texel_centres
from .planes import WHOLE, plane_channels


def canonical_planes(avatar: AnalyticAvatar) -> Tensor:
    """[1, 3, 32, 256, 256] planes of the photo's own face."""
    from ..motion_adapter.analytic import neutral_deformation

    planes = torch.zeros(1, 3, PLANE_CHANNELS, PLANE_SIZE, PLANE_SIZE)
    planes[:, 0, : len(Channel)] = plane_channels(avatar, WHOLE, neutral_deformation(avatar, WHOLE))
    planes[:, 1, Channel.Z] = texel_centres()[:, None] * STORED  # plane 1: rows are z
    return planes


def image_to_plane(portrait: Portrait, model: Model) -> TriPlane:
    """Builds the tri-plane of a portrait. Everything that depends on the portrait alone is prepared here, once."""
    portrait = portrait.to("cpu")
    geometry = head_geometry(portrait)
    avatar = build_avatar(portrait, geometry, inner_layer(portrait), expression_fields(geometry))
    return TriPlane(
        planes=canonical_planes(avatar),
        decoder=analytic_decoder(),
        camera=built_in_camera(),
        pivot=torch.from_numpy(geometry.pivot).float(),
        model=model,
        avatar=avatar,
    )
