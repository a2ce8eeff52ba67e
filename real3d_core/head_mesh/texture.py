"""The photo as the texture of a head's mesh.

Convention
    An address is a position in the portrait's picture, 0..1, u to the right, v down. The texture holds two
    pictures side by side, cut to what the mesh uses: on the left the face as the photo's camera sees it, on
    the right the back of the head. uv is 0..1 of the whole texture, v down, as glTF has it.

See docs/model.md, "Mesh".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..htb_sr.head_layer import FEATURES, paint_head
from ..htb_sr.photo_detail import photo_detail, resized
from ..htb_sr.pictures import HeadPictures, build_head, mirrored_rim
from ..image_to_plane.avatar import AnalyticAvatar
from ..image_to_plane.geometry import SHEET, project
from ..portrait.filters import blur, smoothstep
from ..portrait.regions import face_mask, face_width, jaw_distance
from ..render_triplane.cameras import split_camera
from ..wires import PORTRAIT_SIZE, Camera, HeadRender, Portrait, RenderSettings, TriPlane
from .back import back_picture
from .bust import surfaces_seen

# z behind which the back's picture is shown: beside the face, where a head falls off steeply and the photo
# would be stretched, and on the neck. A volume below the jaw is a thin sheet: the seam lies behind its front.
SEAM, FACE_SEAM, NECK_SEAM, SHEET_SEAM = 0.09, 0.05, 0.04, -2 * SHEET
FACE_SOFT = 0.08  # of the face's width, over which one becomes the other
NECK = (-0.25, -0.05)  # face heights below the jaw line between which the one becomes the other
RAYS = 256  # a side, of the look that finds the addresses of lips and lids
MARGIN = 4  # pixels around what is used, so that no filter reads past it
DIRECTIONS = 720  # at which the seam is known
POLE = 0.01  # share of the points that count as the deepest


@dataclass(frozen=True)
class Unwrapped:
    """A mesh cut at the seam between front and back.

    source      [V'] which of the given vertices each vertex is
    triangles   [F, 3]
    address     [V', 2]
    is_back     [V'] bool
    turn        the seam
    """

    source: np.ndarray
    triangles: np.ndarray
    address: np.ndarray
    is_back: np.ndarray
    turn: Turn


@dataclass(frozen=True)
class Textured:
    """uvs [V', 2] float32; texture [h, w, 3] float32 0..1."""

    uvs: np.ndarray
    texture: Tensor


def unwrap(
    points: np.ndarray, triangles: np.ndarray, landmarks: np.ndarray, avatar: AnalyticAvatar, is_head: bool
) -> Unwrapped:
    """points [V, 3] world of a built-in head at rest, triangles [F, 3], its portrait's landmarks [478, 3];
    is_head: whether the mesh is a head of its own, or else the volume.
    """
    seam = _seam(points, landmarks, avatar, NECK_SEAM if is_head else SHEET_SEAM)
    back = (points[:, 2] - seam)[triangles].mean(1) < 0
    count = len(points)
    label = triangles + np.where(back, count, 0)[:, None]
    used, renumbered = np.unique(label, return_inverse=True)
    source, is_back = used % count, used >= count
    here = points[source]
    address = np.stack(project(here[:, 0], here[:, 1], here[:, 2]), 1)
    twice = np.bincount(source, minlength=count)[source] == 2
    pole = points[np.argsort(points[:, 2])[: max(1, int(POLE * count))]].mean(0)
    turn = Turn.through(address[twice & is_back], np.array(project(*pole)))
    behind = is_back & ~twice
    address[behind] = _walked_in(here[behind], address[behind], seam[source][behind], pole[2], turn)
    return Unwrapped(source, renumbered.reshape(-1, 3), address, is_back, turn)


@dataclass(frozen=True)
class Turn:
    """The line between front and back in the portrait's picture: how far it is from a middle [2], at evenly
    spaced directions.
    """

    middle: np.ndarray
    radius: np.ndarray

    @classmethod
    def through(cls, seam: np.ndarray, middle: np.ndarray) -> Turn:
        """Through addresses [n, 2]; without any, it is a circle round the picture."""
        if len(seam) == 0:
            return cls(middle, np.ones(DIRECTIONS))
        from scipy.ndimage import gaussian_filter1d

        way = seam - middle
        angle = np.arctan2(way[:, 1], way[:, 0])
        order = np.argsort(angle)
        at = (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS * 2 * math.pi - math.pi
        radius = np.interp(at, angle[order], np.hypot(*way[order].T), period=2 * math.pi)
        return cls(middle, gaussian_filter1d(radius, 4.0, mode="wrap"))

    def at(self, way: np.ndarray) -> np.ndarray:
        """way [..., 2] from the middle -> [...] the line's distance in that direction."""
        angle = np.arctan2(way[..., 1], way[..., 0]) + math.pi
        place = (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS * 2 * math.pi
        return np.interp(angle, place, self.radius, period=2 * math.pi)


def _seam(points: np.ndarray, landmarks: np.ndarray, avatar: AnalyticAvatar, neck: float) -> np.ndarray:
    """[V] the z at which front and back meet."""
    from scipy.ndimage import map_coordinates  # OpenCV takes no list as long as a mesh

    face = face_mask(landmarks).astype(np.float32)
    soft = FACE_SOFT * face_width(landmarks)
    beside = SEAM + (FACE_SEAM - SEAM) * smoothstep(0.05, 0.5, blur(face, soft))
    line = beside + (neck - beside) * smoothstep(*NECK, jaw_distance(landmarks))
    hanging = blur(surfaces_seen(avatar)[0], soft)  # flat hair beside the face is the photo's, too
    line = blur(np.minimum(line, hanging), soft)
    u, v = project(points[:, 0], points[:, 1], points[:, 2])
    at = np.stack([v, u]) * PORTRAIT_SIZE - 0.5
    return map_coordinates(line, at, order=1, mode="nearest")


def _walked_in(here: np.ndarray, seen: np.ndarray, seam: np.ndarray, pole: float, turn: Turn) -> np.ndarray:
    """[n, 2] addresses on the back's picture of points `here` [n, 3] behind the seam, which the photo's
    camera would see at `seen` [n, 2].

    From the seam they go in towards the hindmost point evenly along the surface (as on a globe), and not as
    they are seen from behind, so that the sides are not stretched.
    """
    way = seen - turn.middle
    length, radius = np.hypot(*way.T), turn.at(way)
    depth = (seam - here[:, 2]) / np.maximum(seam - pole, 1e-6)
    angle = np.arctan2(length / radius, np.maximum(depth, 0))
    return turn.middle + way * (radius * angle / (math.pi / 2) / np.maximum(length, 1e-9))[:, None]


def paint(triplane: TriPlane, portrait: Portrait, unwrapped: Unwrapped, size: int, is_head: bool) -> Textured:
    """Paints both pictures. triplane: one frame, at rest; size: of the portrait's picture, as HTB-SR's;
    is_head: whether the mesh is a head of its own, without a collar.
    """
    triplane, portrait = triplane.to("cpu"), portrait.to("cpu")
    pictures = _head_alone(portrait, triplane.avatar, size, is_head)
    front = _front(triplane, pictures)
    c = (np.arange(PORTRAIT_SIZE) + 0.5) / PORTRAIT_SIZE
    way = np.stack(np.meshgrid(c, c), -1) - unwrapped.turn.middle
    inward = (unwrapped.turn.at(way) - np.hypot(way[..., 0], way[..., 1])) * PORTRAIT_SIZE
    back = back_picture(pictures.skin[0, ..., :3].clamp(0, 1).numpy(), portrait, inward.astype(np.float32))
    low = np.floor(unwrapped.address.min(0) * size).astype(int) - MARGIN
    high = np.ceil(unwrapped.address.max(0) * size).astype(int) + MARGIN
    low, high = np.clip(low, 0, size), np.clip(high, 0, size)
    window = slice(low[1], high[1]), slice(low[0], high[0])
    both = np.concatenate([front[window], back[window]], 1)
    width, height = high - low
    pixel = unwrapped.address * size - low
    u = (pixel[:, 0].clip(0.5, width - 0.5) + np.where(unwrapped.is_back, width, 0)) / (2 * width)
    uvs = np.stack([u, pixel[:, 1].clip(0.5, height - 0.5) / height], 1)
    return Textured(uvs.astype(np.float32), torch.from_numpy(np.ascontiguousarray(both)))


def _head_alone(portrait: Portrait, avatar: AnalyticAvatar, size: int, is_head: bool) -> HeadPictures:
    """The pictures that HTB-SR paints a head from, without background in their skin, and for a head
    of its own without a collar: the rim and what lies beyond it is mirrored from within.
    """
    pictures = build_head(portrait, avatar, photo_detail(portrait, size))
    if not is_head:
        return replace(pictures, skin=pictures.side)
    colours, matte = pictures.skin[0].split([3, 1], -1)
    head = resized(portrait.head[..., None], size)
    alone = mirrored_rim(torch.cat([colours, head], -1))[..., :3]
    return replace(pictures, skin=torch.cat([alone, matte], -1)[None].contiguous())


def _front(triplane: TriPlane, pictures: HeadPictures) -> np.ndarray:
    """[size, size, 3] the head with this expression as the photo's camera sees it."""
    seen = HeadRender(triplane, Camera.front(), RenderSettings(resolution=RAYS)).frames(0, 1)
    rest = split_camera(triplane.camera).c2w
    closing = (0.0, 0.0)
    if triplane.motion is not None:
        right, left = (
            float(triplane.motion.channel(f"eyeBlink{side}")[0].clamp(0, 1)) for side in ("Right", "Left")
        )
        closing = right, left
    features = (seen.features[0, :FEATURES] + 1) * 0.5
    painted = paint_head(pictures, features, seen.alpha[0, 0], seen.c2w[0], rest, closing)
    out = pictures.skin[0, ..., :3].clone()
    if painted is not None:
        r0, r1, c0, c1 = painted.box
        out[r0:r1, c0:c1] = painted.colour
    return out.clamp(0, 1).numpy()
