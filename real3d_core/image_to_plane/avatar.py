"""What the analytic backend prepares once per portrait (TriPlane.avatar)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import torch
from torch import Tensor

from ..face_model import topology as t
from ..motion_adapter.fields import ExpressionFields
from ..wires import PLANE_SIZE, PORTRAIT_SIZE, Portrait, _Movable
from .geometry import HeadGeometry, project
from .inner_layer import InnerLayer
from .layout import texel_centres


@dataclass(frozen=True)
class MouthGrid(_Movable):
    """The mouth's frame on the xy plane, for moving its inside with the jaw. All [256, 256] but the scalars.

    s, below    pixels along the mouth, and below the edge of the upper teeth
    near        1 at the mouth, 0 away from it
    across      [2] unit vector in pixels, pointing down across the mouth
    width, gap  pixels; is_open: whether the photo shows the inside
    """

    s: Tensor
    below: Tensor
    near: Tensor
    across: Tensor
    width: float
    gap: float
    is_open: bool


@dataclass(frozen=True)
class AnalyticAvatar(_Movable):
    """The head of one portrait, ready to be moved.

    surfaces    [1, 256, 256, 3] front z, back z, signed distance to the outline
    points      [468, 3] landmarks, world units
    axes        [3, 3] rows: the face's own x, y, z in the world (unit vectors)
    centimetre  world units
    colours     [1, 512, 512, 3] outward-continued photo, softened to the plane's resolution
    inside      [1, 512, 512, 4] inner layer, softened likewise
    inner       [1, 512, 512, 4] inner layer, sharp
    lip         [3] colour of the lower lip
    iris        [2, 3] address u, v and radius (address units) of the right and the left iris
    mouth       the mouth's frame
    fields      displacement fields of the expression shapes
    photo_key   tells portraits apart: a HEAD belongs to the portrait with the same key
    """

    surfaces: Tensor
    points: Tensor
    axes: Tensor
    centimetre: float
    colours: Tensor
    inside: Tensor
    inner: Tensor
    lip: Tensor
    iris: Tensor
    mouth: MouthGrid
    fields: ExpressionFields
    photo_key: int


def portrait_key(portrait: Portrait) -> int:
    """A number that differs between portraits: a checksum of the landmarks' and the picture's bytes.

    Not a sum of floats: its last bits depend on how many threads add.
    """
    key = 0
    for part in (portrait.landmarks, portrait.image):
        key = zlib.crc32(part.detach().cpu().contiguous().numpy().tobytes(), key)
    return key


def softened(picture: Tensor) -> Tensor:
    """[1, 512, 512, C]: a picture [512, 512, C] brought to the plane's resolution."""
    from ..ops import blur

    return blur(picture[None], 0.8)


def _iris(landmarks: Tensor) -> Tensor:
    rows = []
    for ring in (t.RIGHT_IRIS, t.LEFT_IRIS):
        p = landmarks[list(ring), :2] / PORTRAIT_SIZE
        radius = (p[1] - p[3]).abs().max() / 2 + 1e-4
        rows.append(torch.stack([p[0, 0], p[0, 1], radius]))
    return torch.stack(rows)


def _mouth_grid(layer: InnerLayer, front: Tensor) -> MouthGrid:
    from ..motion_adapter.curves import look_up
    from ..ops import smoothstep

    frame = layer.mouth
    c = texel_centres()
    y, x = torch.meshgrid(c, c, indexing="ij")
    u, v = project(x, y, front)
    px, py = u * PORTRAIT_SIZE - float(frame.middle[0]), v * PORTRAIT_SIZE - float(frame.middle[1])
    along, across = torch.from_numpy(frame.along).float(), torch.from_numpy(frame.across).float()
    s, across_t = px * along[0] + py * along[1], px * across[0] + py * across[1]
    low, high = frame.edge_range
    edge = look_up(frame.edge[None], ((s - low) / (high - low))[None])[0]
    near = smoothstep(1.1 * frame.width, 0.8 * frame.width, torch.hypot(s, across_t))
    return MouthGrid(s, across_t - edge, near, across, frame.width, frame.gap, frame.is_open)


def build_avatar(
    portrait: Portrait, geometry: HeadGeometry, layer: InnerLayer, fields: ExpressionFields
) -> AnalyticAvatar:
    """Gathers the parts as tensors."""
    front, back, outline = (torch.from_numpy(a) for a in (geometry.front, geometry.back, geometry.outline))
    assert front.shape == (PLANE_SIZE, PLANE_SIZE)
    return AnalyticAvatar(
        surfaces=torch.stack([front, back, outline], -1)[None],
        points=torch.from_numpy(geometry.points).float(),
        axes=torch.from_numpy(geometry.placed.rotation.T.copy()).float(),
        centimetre=geometry.placed.scale,
        colours=softened(portrait.foreground),
        inside=softened(layer.picture),
        inner=layer.picture[None],
        lip=layer.lip,
        iris=_iris(portrait.landmarks),
        mouth=_mouth_grid(layer, front),
        fields=fields,
        photo_key=portrait_key(portrait),
    )
