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
from ..portrait.filters import smoothstep
from ..portrait.regions import jaw_distance
from ..render_triplane.cameras import split_camera
from ..wires import PORTRAIT_SIZE, Camera, HeadRender, Portrait, RenderSettings, TriPlane
from .back import back_picture

# z behind which the back's picture is shown: beside the face, where the skull falls off steeply and the photo
# would be stretched; on the neck, which is thin, behind its front.
SEAM, NECK_SEAM = 0.06, -2 * SHEET
NECK = (-0.25, -0.05)  # face heights below the jaw line between which the one becomes the other
RAYS = 256  # a side, of the look that finds the addresses of lips and lids
MARGIN = 4  # pixels around what is used, so that no filter reads past it
POLE = 0.01  # share of the points that count as the deepest


@dataclass(frozen=True)
class Unwrapped:
    """A mesh cut at the seam between front and back.

    source      [V'] which of the given vertices each vertex is
    triangles   [F, 3]
    address     [V', 2]
    is_back     [V'] bool
    """

    source: np.ndarray
    triangles: np.ndarray
    address: np.ndarray
    is_back: np.ndarray


@dataclass(frozen=True)
class Textured:
    """uvs [V', 2] float32; texture [h, w, 3] float32 0..1."""

    uvs: np.ndarray
    texture: Tensor


def unwrap(points: np.ndarray, triangles: np.ndarray, landmarks: np.ndarray) -> Unwrapped:
    """points [V, 3] world of a built-in head at rest, triangles [F, 3], its portrait's landmarks [478, 3]."""
    seam = _seam(points, landmarks)
    back = (points[:, 2] - seam)[triangles].mean(1) < 0
    count = len(points)
    label = triangles + np.where(back, count, 0)[:, None]
    used, renumbered = np.unique(label, return_inverse=True)
    source, is_back = used % count, used >= count
    here = points[source]
    front = np.stack(project(here[:, 0], here[:, 1], here[:, 2]), 1)
    behind = _walked_in(points, here, seam[source])
    address = np.where(is_back[:, None], behind, front)
    return Unwrapped(source, renumbered.reshape(-1, 3), address, is_back)


def _seam(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """[V] the z at which front and back meet."""
    from scipy.ndimage import map_coordinates  # OpenCV takes no list as long as a mesh

    u, v = project(points[:, 0], points[:, 1], 0.0)
    at = np.stack([v, u]) * PORTRAIT_SIZE - 0.5
    jaw = map_coordinates(jaw_distance(landmarks), at, order=1, mode="nearest")
    return SEAM + (NECK_SEAM - SEAM) * smoothstep(*NECK, jaw)


def _walked_in(points: np.ndarray, here: np.ndarray, seam: np.ndarray) -> np.ndarray:
    """[n, 2] addresses on the back's picture of points `here` [n, 3] of a mesh.

    At the seam they are the photo's own. From there they go in towards the hindmost point evenly along the
    surface (as on a globe of that depth) and not as they are seen from behind, so that the sides are not
    stretched.
    """
    deepest = np.argsort(points[:, 2])[: max(1, int(POLE * len(points)))]
    pole = points[deepest].mean(0)
    angle = np.arcsin(np.clip((seam - here[:, 2]) / np.maximum(seam - pole[2], 1e-6), 0, 1))
    cosine = np.cos(angle)
    steep = cosine < 1e-3
    share = np.where(steep, 2 / math.pi, (1 - angle * 2 / math.pi) / np.where(steep, 1.0, cosine))
    seen = np.stack(project(here[:, 0], here[:, 1], np.maximum(here[:, 2], seam)), 1)
    centre = np.array(project(pole[0], pole[1], NECK_SEAM))
    return centre + (seen - centre) * share[:, None]


def paint(triplane: TriPlane, portrait: Portrait, unwrapped: Unwrapped, size: int, is_cut: bool) -> Textured:
    """Paints both pictures. triplane: one frame, at rest; size: of the portrait's picture, as HTB-SR's;
    is_cut: whether the mesh ends below the jaw.
    """
    triplane, portrait = triplane.to("cpu"), portrait.to("cpu")
    pictures = _head_alone(portrait, triplane.avatar, size, is_cut)
    front = _front(triplane, pictures)
    back = back_picture(pictures.skin[0, ..., :3].clamp(0, 1).numpy(), portrait)
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


def _head_alone(portrait: Portrait, avatar: AnalyticAvatar, size: int, is_cut: bool) -> HeadPictures:
    """The pictures that HTB-SR paints a head from, without background in their skin, and if it is cut without
    a collar: the rim and what lies beyond it is mirrored from within.
    """
    pictures = build_head(portrait, avatar, photo_detail(portrait, size))
    if not is_cut:
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
