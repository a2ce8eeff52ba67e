"""What a photo's volume lacks to be a head of its own: an end below the jaw, a neck of flesh, round sides.

A tri-plane's volume is made to be seen from the front: its sides are the outline drawn straight back, and
below the jaw it thins to a sheet before HTB-SR's torso. See docs/model.md, "Mesh".

Convention
    Maps are in the portrait's picture, [1, 512, 512, C], read where the photo's camera sees a point; lengths
    in box sides. z 0 lies at the ears, the face at +z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..image_to_plane.avatar import AnalyticAvatar
from ..image_to_plane.geometry import project
from ..ops import remap_torch
from ..ops import smoothstep as smoothstep_torch
from ..portrait.filters import blur, disk, shrink, smoothstep
from ..portrait.regions import CROWN, face_mask, face_width, jaw_distance
from ..render_triplane.cameras import DISTANCE, FOCAL
from ..wires import PORTRAIT_SIZE, Portrait

PIXEL = DISTANCE / FOCAL / PORTRAIT_SIZE  # box sides, at z = 0

OPENED = 6  # pixels: slivers that are narrower are no neck
EVEN = 4.0  # pixels: blur of the cut's line
BEGINS = (-0.10, 0.02)  # face heights below the jaw line between which the cut becomes exact
SPARED = 8.0  # pixels around the head's mask that stay above the jaw: its edge is the volume's

# The neck: as thick as it is wide, as far as the nape.
NECK_FROM = -0.30  # face heights below the jaw line at which it begins, inside the skull
AXIS, ROUND = -0.045, 0.13  # z of its middle; half of what it measures from front to back at the most
BEHIND = (0.10, 0.01)  # it reaches this far behind the front's surface at the jaw, and below it
THROAT = (-0.12, 0.08)  # face heights below the jaw line between which that changes

SKULL = 2.6  # exponent of the superellipsoid above the forehead; 2 is the volume's
BROW = 9  # a landmark between the brows

# Kept as the volume has it: the face, in front of the sides.
FACE_SHRUNK, FACE_SOFT = 0.05, 0.03  # of the face's width
FRONT = (0.0, 0.07)  # z between which the sides end and the face begins


@dataclass(frozen=True)
class Bust:
    """maps     [1, 512, 512, 4]: distance to where the head ends, positive in the head; z of the back and of
    the front of what is added to the volume; share 0..1 of the face.
    """

    maps: Tensor

    def to(self, device: torch.device) -> Bust:
        return Bust(self.maps.to(device))

    def solid(self, volume: Tensor, points: Tensor) -> Tensor:
        """volume [n]: depths of points [n, 3] in the volume -> in the head."""
        end, back, front, _ = self._read(points)
        z = points[:, 2]
        added = torch.minimum(z - back, front - z)
        return torch.minimum(torch.maximum(volume, added), end)

    def face(self, points: Tensor) -> Tensor:
        """points [n, 3] -> [n] 0..1 how far a point belongs to the face."""
        return self._read(points)[3] * smoothstep_torch(*FRONT, points[:, 2])

    def _read(self, points: Tensor) -> tuple[Tensor, ...]:
        u, v = project(points[:, 0], points[:, 1], points[:, 2])
        x, y = u * PORTRAIT_SIZE - 0.5, v * PORTRAIT_SIZE - 0.5
        return remap_torch(self.maps, x[None, None], y[None, None])[0, 0].unbind(1)


def bust(portrait: Portrait, avatar: AnalyticAvatar, chin_drop: float = 0.0) -> Bust:
    """The maps of a portrait, on the CPU.

    chin_drop   box sides by which the expression lowers the chin.
    """
    import cv2

    portrait = portrait.to("cpu")
    landmarks = portrait.landmarks.numpy()
    jaw = jaw_distance(landmarks)
    head = (portrait.head.numpy() > 0.5).astype(np.uint8)
    head = cv2.morphologyEx(head, cv2.MORPH_OPEN, disk(OPENED))
    filled = _filled(head, jaw, landmarks, avatar)
    drop = max(0, round(chin_drop / PIXEL))
    end, face = (_lowered(one, drop) for one in (_end(head, jaw), _face(landmarks)))
    maps = np.concatenate([end[..., None], filled, face[..., None]], -1)
    return Bust(torch.from_numpy(maps.astype(np.float32))[None])


def _end(head: np.ndarray, jaw: np.ndarray) -> np.ndarray:
    """Where the head ends. Above the jaw the volume's own edge is left alone, and what is no head, such as a
    collar, taken off.
    """
    import cv2

    inside = cv2.distanceTransform(head, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - head, cv2.DIST_L2, 5)
    low, high = BEGINS
    above = np.clip((high - jaw) / (high - low), 0, 1)
    return (blur(inside - outside, EVEN) + SPARED * above) * PIXEL


def _filled(head: np.ndarray, jaw: np.ndarray, landmarks: np.ndarray, avatar: AnalyticAvatar) -> np.ndarray:
    """[512, 512, 2]: z of the back and of the front of what is added to the volume; back > front for nothing.

    The neck is round: as thick as its sides are away in the picture's row. The skull above the forehead is
    fuller than the volume, which is an ellipsoid there.
    """
    place = np.arange(PORTRAIT_SIZE)[None]
    left = np.maximum.accumulate(np.where(head > 0, -1, place), 1)
    right = np.minimum.accumulate(np.where(head > 0, PORTRAIT_SIZE, place)[:, ::-1], 1)[:, ::-1]
    side = blur(np.minimum(place - left, right - place).astype(np.float32) * head, EVEN) * PIXEL
    half = ROUND * np.sqrt(1 - (1 - np.clip(side / ROUND, 0, 1)) ** 2)
    skin, back = surfaces_seen(avatar)
    low = smoothstep(*THROAT, jaw)
    behind = BEHIND[0] + (BEHIND[1] - BEHIND[0]) * low
    neck = np.stack([AXIS - half, np.minimum(skin - behind, AXIS + half + 0.09 + low)], -1)
    skull = np.stack([back, _fuller(skin)], -1)
    top, brow = landmarks[CROWN, 1], landmarks[BROW, 1]
    rows = (np.arange(PORTRAIT_SIZE) + 0.5)[:, None]
    is_skull = smoothstep(top + 0.3 * (brow - top), top - 0.7 * (brow - top), rows)[..., None]
    volume = np.stack([back, skin], -1)
    above = volume + (skull - volume) * is_skull
    none = np.array([1.0, -1.0])
    is_above = (rows < brow) & (head > 0)
    return np.where(jaw[..., None] > NECK_FROM, neck, np.where(is_above[..., None], above, none))


def _fuller(height: np.ndarray) -> np.ndarray:
    """The height of a superellipsoid where that of the ellipsoid is given."""
    most = height.max()
    out = np.sqrt(1 - np.clip(height / most, 0, 1) ** 2)
    return most * (1 - out**SKULL) ** (1 / SKULL)


def surfaces_seen(avatar: AnalyticAvatar) -> tuple[np.ndarray, np.ndarray]:
    """[512, 512] z of the volume's front and back in the picture."""
    surfaces = avatar.surfaces[..., :2].cpu()
    size = surfaces.shape[1]
    c = (np.arange(PORTRAIT_SIZE) + 0.5) / PORTRAIT_SIZE - 0.5
    x, y = np.meshgrid(c, -c)
    at = [torch.from_numpy((one * DISTANCE / FOCAL + 0.5) * size - 0.5).float()[None] for one in (x, y)]
    front, back = remap_torch(surfaces, *at)[0].unbind(-1)
    return front.numpy(), back.numpy()


def _face(landmarks: np.ndarray) -> np.ndarray:
    width = face_width(landmarks)
    face = shrink(face_mask(landmarks), max(1, round(FACE_SHRUNK * width)))
    return blur(face.astype(np.float32), FACE_SOFT * width)


def _lowered(picture: np.ndarray, rows: int) -> np.ndarray:
    """The larger of a picture and of itself moved down."""
    moved = picture.copy()
    moved[rows:] = picture[: len(picture) - rows]
    return np.maximum(picture, moved)
