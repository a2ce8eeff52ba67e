"""Motion Adapter of the released networks: expressions of the face model become residual planes.

An expression is drawn as a SECC map, and the network makes what it adds to the canonical planes.
See docs/model.md, "Motion Adapter network".
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
from ..timing import stage
from ..wires import (
    ARKIT_NAMES,
    PLANE_CHANNELS,
    PLANE_SIZE,
    Motion,
    Portrait,
    ResidualPlanes,
    TriPlane,
    _Movable,
)
from .expression import combined

ACTIVATION_BYTES = 240 * 2**20
"""What the network needs for a frame besides its weights: 225 MB measured in float32 on a CPU."""

WHOLE = (0, PLANE_SIZE, 0, PLANE_SIZE)
NOT_EXPRESSIONS = ("eyeBlink", "eyeLook")
"""Weights that the maps show by themselves (lids), or not at all (the maps have no eyes)."""


@dataclass(frozen=True)
class NetworkAdapter(_Movable):
    """Motion -> residual planes.

    identity    [80] of the portrait.
    expression  [64] of the portrait, for motions that hold none.
    constant    [1, 32, 128, 128] what the network makes of the portrait and the clip's first frame alone.
    blinks      whether an eye closes anywhere in the clip: then all maps are rounded to 8 bits.
    """

    networks: Networks
    renderer: SeccRenderer
    identity: Tensor
    expression: Tensor
    constant: Tensor
    blinks: bool

    def __call__(self, motion: Motion) -> ResidualPlanes:
        with stage("motion_adapter"):
            rows = _expressions(motion, self.expression)
            maps = self.renderer.render(self.identity, rows)
            if self.blinks:
                maps = blinked(maps, motion)
            weights = self.networks.motion_adapter
            network = weights.ready(ACTIVATION_BYTES * len(motion))
            added = network.forward_with(self.constant.to(weights.device), maps.to(weights.device))
            values = added.float().to(self.identity.device)
            return ResidualPlanes(values, (0, 1, 2), tuple(range(PLANE_CHANNELS)), WHOLE)

    def to(self, device: torch.device | str) -> NetworkAdapter:
        moved = super().to(device)
        return replace(moved, renderer=self.renderer.to(device))


def _expressions(motion: Motion, neutral: Tensor) -> Tensor:
    """[n, 64] of the motion's frames; the portrait's own where it holds none."""
    return neutral.expand(len(motion), -1) if motion.expression is None else motion.expression


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
    _check_expression(motion)
    if triplane.motion is not None:
        motion = combined(triplane.motion, motion, neutral)
    motion = motion.to(device)
    renderer = SeccRenderer(networks.face_model).to(device)
    mean = renderer.render(identity, torch.zeros_like(neutral))
    first = renderer.render(identity, _expressions(motion[:1], neutral))
    weights = networks.motion_adapter
    with torch.no_grad():
        constant = weights.ready().portrait(mean.to(weights.device), first.to(weights.device)).to(device)
    lids = torch.stack([motion.channel(f"eyeBlink{side}") for side in ("Left", "Right")])
    adapter = NetworkAdapter(networks, renderer, identity, neutral, constant, bool((lids > 0).any()))
    return replace(triplane, motion=motion, adapter=adapter)


def _check_expression(motion: Motion) -> None:
    if motion.expression is not None:
        return
    shown = [i for i, name in enumerate(ARKIT_NAMES) if not name.startswith(NOT_EXPRESSIONS)]
    if bool(motion.blendshapes[:, shown].any()):
        raise BackendError(
            "This MOTION holds blendshapes but no expression of the face model, which the trained networks"
            " need; make it by an Audio-to-Motion with the same model."
        )
