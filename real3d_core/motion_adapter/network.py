"""Motion Adapter of the released networks: expressions of the face model become residual planes.

An expression is drawn as a SECC map, and the network makes what it adds to the canonical planes. Blendshapes
become expressions first (mapped.py). See docs/model.md, "Motion Adapter network".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import BackendError
from ..face_model.blink import blink
from ..face_model.secc import SECC_SIZE, SeccRenderer
from ..image_to_plane.avatar import portrait_key
from ..image_to_plane.network import NetworkAvatar
from ..model import Networks
from ..streaming import frames_at_once
from ..timing import stage
from ..wires import (
    PLANE_CHANNELS,
    PLANE_SIZE,
    Motion,
    Portrait,
    ResidualPlanes,
    TriPlane,
    _Movable,
)
from .expression import combined
from .mapped import mapped_expressions

ACTIVATION_BYTES = 240 * 2**20
"""What the network needs for a frame besides its weights: 225 MB measured in float32 on a CPU."""

WHOLE = (0, PLANE_SIZE, 0, PLANE_SIZE)


@dataclass(frozen=True)
class NetworkAdapter(_Movable):
    """Motion with expressions -> residual planes.

    identity    [80] of the portrait.
    source      [64] the expression that changes are made from: of the clip's first frame, or the portrait's
                own for a motion that came without.
    constant    [1, 32, 128, 128] what the network makes of the portrait and `source` alone.
    blinks      whether an eye closes anywhere in the clip: then all maps are rounded to 8 bits.
    """

    networks: Networks
    renderer: SeccRenderer
    identity: Tensor
    source: Tensor
    constant: Tensor
    blinks: bool

    def __call__(self, motion: Motion) -> ResidualPlanes:
        with stage("motion_adapter"):
            maps = self.renderer.render(self.identity, motion.expression)
            if self.blinks:
                maps = blinked(maps, motion)
            weights = self.networks.motion_adapter
            parts = maps.to(weights.device).split(frames_at_once(weights.device, len(motion)))
            network = weights.ready(ACTIVATION_BYTES * len(parts[0]))
            constant = self.constant.to(weights.device)
            added = torch.cat([network.forward_with(constant, part).float() for part in parts])
            values = added.to(self.identity.device)
            return ResidualPlanes(values, (0, 1, 2), tuple(range(PLANE_CHANNELS)), WHOLE)

    def to(self, device: torch.device | str) -> NetworkAdapter:
        moved = super().to(device)
        return replace(moved, renderer=self.renderer.to(device))


def blinked(maps: Tensor, motion: Motion) -> Tensor:
    """SECC maps [n, 3, h, w] with the lids of n frames closed, each eye by its own weight."""
    right, left = (motion.channel(f"eyeBlink{side}").clamp(0, 1) for side in ("Right", "Left"))
    if torch.equal(right, left):
        return blink(maps, right)
    middle = SECC_SIZE // 2  # the person's right eye is on the left of the picture
    return torch.cat([blink(maps, right)[..., :middle], blink(maps, left)[..., middle:]], -1)


def motion_adapter(triplane: TriPlane, portrait: Portrait, motion: Motion, networks: Networks) -> TriPlane:
    """The tri-plane with a motion (see the package)."""
    avatar = triplane.avatar
    if not isinstance(avatar, NetworkAvatar) or avatar.photo_key != portrait_key(portrait):
        raise BackendError(
            "Motion Adapter got a TRIPLANE made from another PORTRAIT; connect the same Load Portrait"
            " to both."
        )
    device = triplane.planes.device
    coefficients = avatar.coefficients.to(device)
    identity, neutral = coefficients.identity.reshape(-1), coefficients.expression.reshape(-1)
    rows = mapped_expressions(motion, networks.face_model, coefficients)
    source = neutral if motion.expression is None else rows[0].to(device)
    motion = replace(motion.to(device), expression=rows.to(device))
    if triplane.motion is not None:
        motion = combined(triplane.motion, motion, neutral)
        source = triplane.adapter.source + source - neutral
    renderer = SeccRenderer(networks.face_model).to(device)
    mean = renderer.render(identity, torch.zeros_like(neutral))
    first = renderer.render(identity, source)
    weights = networks.motion_adapter
    with torch.no_grad():
        constant = weights.ready().portrait(mean.to(weights.device), first.to(weights.device)).to(device)
    lids = torch.stack([motion.channel(f"eyeBlink{side}") for side in ("Left", "Right")])
    adapter = NetworkAdapter(networks, renderer, identity, source, constant, bool((lids > 0).any()))
    return replace(triplane, motion=motion, adapter=adapter)
