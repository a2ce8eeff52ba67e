"""Motion Adapter of the analytic backend: expressions as displacement fields.

A field tells where each point of the resting skin goes; the planes need the reverse, where the skin at a
texel comes from. The reverse is found by a few Newton steps on q + D(q) = p. See docs/model.md, "Motion
Adapter".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import BackendError
from ..face_model import topology as t
from ..image_to_plane.avatar import AnalyticAvatar, portrait_key
from ..image_to_plane.geometry import FOCAL
from ..image_to_plane.layout import PATCH_CHANNELS, SLIT_LIMIT, texel_centres
from ..image_to_plane.planes import Box, Deformation, plane_channels, slit_limits
from ..ops import enlarge, remap
from ..render_triplane.cameras import DISTANCE
from ..timing import stage
from ..wires import (
    ARKIT_NAMES,
    PLANE_SIZE,
    PORTRAIT_SIZE,
    Motion,
    Portrait,
    ResidualPlanes,
    TriPlane,
    _Movable,
)
from .curves import look_up, pchip_table
from .expression import combined, shape_weights
from .fields import COMPONENTS, STEP

STEPS = 5  # of Newton's method; after them the largest error is below a tenth of a texel
STRETCH = (0.4, 4.0)  # local stretch of the skin that the reversal reckons with
TABLE = 257
WINDOW_MARGIN = {"mouth": 0.10, "rightEye": 0.05, "leftEye": 0.05}  # world units around the slit's corners
REACH = 0.06  # world units: nearer than this to both edges of a slit, upper and lower skin are told apart
PIXELS = FOCAL / DISTANCE * PORTRAIT_SIZE  # per world unit at z = 0


def _slit_box(avatar: AnalyticAvatar, slit: t.Slit, within: Box) -> Box:
    ends = avatar.points[[slit.upper[0], slit.upper[-1]], :2]
    centre = ends.mean(0)
    reach = float((ends[1] - ends[0]).norm()) / 2 + WINDOW_MARGIN[slit.name]

    def span(value: float, low: int, high: int) -> tuple[int, int]:
        edges = [round((value + d + 0.5) * PLANE_SIZE) for d in (-reach, reach)]
        return min(max(edges[0], low), high), min(max(edges[1], low), high)

    return (*span(float(centre[1]), *within[:2]), *span(float(centre[0]), *within[2:]))


def slit_distances(avatar: AnalyticAvatar, points: Tensor, box: Box) -> tuple[Tensor, Tensor]:
    """[n, h, w] each: distance below the upper edge and above the lower edge of the nearest slit.

    Both are positive inside an opening and go negative away from it. points [n, 468, 3] displaced landmarks.
    """
    n, r0, c0 = points.shape[0], box[0], box[2]
    shape = (n, box[1] - r0, box[3] - c0)
    below = torch.full(shape, -SLIT_LIMIT, device=points.device)
    above = torch.full(shape, -SLIT_LIMIT, device=points.device)
    centres = texel_centres(points.device)
    axis = avatar.axes[0, :2] / avatar.axes[0, :2].norm()
    normal = torch.stack([-axis[1], axis[0]])
    for slit in t.SLITS:
        i0, i1, j0, j1 = _slit_box(avatar, slit, box)
        if i1 <= i0 or j1 <= j0:
            continue
        upper, lower = points[:, list(slit.upper), :2], points[:, list(slit.lower), :2]
        centre = (upper[:, :1] + upper[:, -1:]) / 2
        edges = torch.cat([upper, lower]) - torch.cat([centre, centre])
        s, across = edges @ axis, edges @ normal
        table = pchip_table(s, across, TABLE)
        ends = torch.stack([s.amin(1), s.amax(1)], 1)
        dx = centres[j0:j1] - centre[..., 0:1]  # [n, 1, w]
        dy = (centres[i0:i1] - centre[..., 1:2]).transpose(1, 2)  # [n, h, 1]
        at, height = dx * axis[0] + dy * axis[1], dx * normal[0] + dy * normal[1]

        def edge(rows: slice, at=at, ends=ends, table=table) -> Tensor:
            low, high = ends[rows, 0, None, None], ends[rows, 1, None, None]
            return look_up(table[rows], (at - low) / (high - low))

        top, bottom = edge(slice(0, n)), edge(slice(n, 2 * n))
        low, high = s[:n].amin(1)[:, None, None], s[:n].amax(1)[:, None, None]
        beyond = 0.7 * torch.maximum(low - at, at - high).clamp(min=0)
        off = (height - (top + bottom) / 2).abs() - (top - bottom).abs() / 2 - 0.022
        beyond = beyond + 1.6 * off.clamp(min=0)
        below[:, i0 - r0 : i1 - r0, j0 - c0 : j1 - c0] = slit_limits(top - height - beyond)
        above[:, i0 - r0 : i1 - r0, j0 - c0 : j1 - c0] = slit_limits(height - bottom - beyond)
    return below, above


def neutral_deformation(avatar: AnalyticAvatar, box: Box) -> Deformation:
    """The photo's own face."""
    below, above = slit_distances(avatar, avatar.points[None], box)
    zero = torch.zeros_like(below)
    still = zero[..., None].expand(*zero.shape, 2)
    is_lower = (below > above) & _in_window(below, above)
    return Deformation(still, still, zero, is_lower, below, above, zero.new_zeros(1), zero.new_zeros(1, 2, 2))


def _in_window(below: Tensor, above: Tensor) -> Tensor:
    return torch.maximum(below, above) > -SLIT_LIMIT * 0.999


def _inverse(field: Tensor) -> Tensor:
    """[n, h, w, 5] forward field at its nodes -> [n, h, w, 3]: where a node's skin comes from (x, y) with the
    reading offset, and its lift; world units.
    """
    h, w = field.shape[1:3]
    node = PLANE_SIZE / STEP  # nodes per world unit
    y, x = torch.meshgrid(
        torch.arange(h, device=field.device, dtype=field.dtype),
        torch.arange(w, device=field.device, dtype=field.dtype),
        indexing="ij",
    )
    forward = field[..., :2] * node
    # Newton steps with the diagonal of the Jacobian: a lid stretches its skin so much that the plain fixed
    # point diverges.
    slope = torch.stack([_slope(forward[..., 0], 2), _slope(forward[..., 1], 1)], -1)
    source = torch.cat([forward, 1 + slope], -1)
    back = -forward
    for _ in range(STEPS):
        here = remap(source, x + back[..., 0], y + back[..., 1])
        back = back - (back + here[..., :2]) / here[..., 2:].clamp(*STRETCH)
    rest = remap(field[..., 2:].contiguous(), x + back[..., 0], y + back[..., 1])
    return torch.cat([back / node + rest[..., 1:], rest[..., :1]], -1)


def _slope(values: Tensor, axis: int) -> Tensor:
    """Central difference of [n, h, w] along an axis, per node."""
    return torch.gradient(values, dim=axis)[0]


def deformation(avatar: AnalyticAvatar, motion: Motion) -> Deformation:
    """The expressions of a motion's frames on the box of the avatar's fields."""
    fields = avatar.fields
    weights = shape_weights(motion, fields.names)
    n, (h, w) = len(motion), fields.nodes
    moves = torch.einsum("nk,kvc->nvc", weights.shapes, fields.displacements)
    sides = [
        enlarge(_inverse((weights.shapes @ f).view(n, h, w, COMPONENTS)), STEP)
        for f in (fields.upper, fields.lower)
    ]
    below, above = slit_distances(avatar, avatar.points + moves, fields.box)
    in_window = _in_window(below, above)
    is_lower = (below > above) & in_window
    # Close to a slit both sides are kept, so that HTB-SR can part them at full resolution; elsewhere there
    # is one skin.
    near = (in_window & (below > -REACH) & (above > -REACH))[..., None]
    own = torch.where(is_lower[..., None], sides[1], sides[0])
    drop = -(moves[:, 14] @ avatar.axes[1]).clamp(max=0) * PIXELS
    return Deformation(
        upper=torch.where(near, sides[0], own)[..., :2],
        lower=torch.where(near, sides[1], own)[..., :2],
        lift=own[..., 2],
        is_lower=is_lower,
        below_upper=below,
        above_lower=above,
        jaw_drop=drop,
        gaze=weights.gaze * avatar.centimetre * PIXELS,
    )


@dataclass(frozen=True)
class AnalyticAdapter(_Movable):
    """Motion -> residual planes. base [15, h, w]: the canonical planes' values in the avatar's box."""

    avatar: AnalyticAvatar
    base: Tensor

    def __call__(self, motion: Motion) -> ResidualPlanes:
        with stage("motion_adapter"):
            box = self.avatar.fields.box
            moved = plane_channels(self.avatar, box, deformation(self.avatar, motion))
            return ResidualPlanes((moved - self.base)[:, None], (0,), PATCH_CHANNELS, box)


def _check_weights(motion: Motion) -> None:
    """A motion of the trained networks moves the lids alone, which is not what anybody wants to see."""
    lids = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith("eyeBlink")]
    rest = motion.blendshapes.clone()
    rest[:, lids] = 0
    if motion.expression is not None and bool(motion.expression.any()) and not bool(rest.any()):
        raise BackendError(
            "This MOTION was made by a trained model and holds no blendshapes, which the built-in backend"
            " needs; connect the same model to Image-to-Plane and Audio-to-Motion."
        )


def motion_adapter(triplane: TriPlane, portrait: Portrait, motion: Motion) -> TriPlane:
    """The tri-plane with a motion (see the package)."""
    if not isinstance(triplane.avatar, AnalyticAvatar) or triplane.avatar.photo_key != portrait_key(portrait):
        raise BackendError(
            "Motion Adapter got a TRIPLANE made from another PORTRAIT; connect the same Load Portrait"
            " to both."
        )
    _check_weights(motion)
    if triplane.motion is not None:
        motion = combined(triplane.motion, motion)
    r0, r1, c0, c1 = triplane.avatar.fields.box
    base = triplane.planes[0, 0, : len(PATCH_CHANNELS), r0:r1, c0:c1]
    motion = motion.to(triplane.planes.device)
    return replace(triplane, motion=motion, adapter=AnalyticAdapter(triplane.avatar, base))
