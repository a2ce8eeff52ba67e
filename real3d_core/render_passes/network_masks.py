"""Masks of the networks: the head's opacity, HTB-SR's own cover, and the face model's key points."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..face_model.poses import key_points
from ..htb_sr import Form, HTBSRSettings, PersonFrames, htb_sr
from ..image_to_plane.network import NetworkAvatar
from ..wires import HeadRender, Portrait, RenderedFrames
from .masks import stacked
from .surface import sized

JAW_AND_BROWS, MOUTH = tuple(range(27)), tuple(range(48, 60))
EYES = (tuple(range(36, 42)), tuple(range(42, 48)))
"""Of the 68 key points."""
FOREHEAD = 0.45  # of the distance from chin to brows: how far the face goes on above the brows
GROWN = 0.25  # of an eye's width, for its lids


@dataclass(frozen=True)
class NetworkMasks:
    """frames: HTB-SR's, None without a portrait."""

    head: HeadRender
    frames: PersonFrames | None
    size: int

    def frame(self, rendered: RenderedFrames, i: int, index: int) -> Tensor:
        """[size, size, 7] (masks.PARTS)."""
        head = sized(rendered.alpha[i].float().clamp(0, 1).movedim(0, -1), self.size)[..., 0].cpu()
        torso = torch.zeros_like(head)
        if self.frames is not None:
            person = self.frames.frames(index, index + 1)[0, ..., 3:]
            torso = (sized(person, self.size)[..., 0] - head).clamp(0, 1)
        return stacked(head, torso, self._parts(rendered, i, index))

    def _parts(self, rendered: RenderedFrames, i: int, index: int) -> dict[str, Tensor]:
        triplane = self.head.triplane
        assert triplane.model.networks is not None and isinstance(triplane.avatar, NetworkAvatar)
        coefficients, motion = triplane.avatar.coefficients.to("cpu"), triplane.motion
        if motion is not None and motion.expression is not None:
            row = motion.expression[min(index, len(motion) - 1)]
            coefficients = replace(coefficients, expression=row.cpu()[None])
        cameras = rendered.c2w[i : i + 1].cpu(), rendered.intrinsics[i : i + 1].cpu()
        points = key_points(triplane.model.networks.face_model, coefficients, *cameras)[0, :, :2]
        return _drawn(((points + 1) / 2 * self.size).numpy(), self.size)


def network_masks(head: HeadRender, portrait: Portrait | None, size: int) -> NetworkMasks:
    """Masks of a clip (masks.masks_of). HTB-SR is run for each frame if there is a portrait."""
    frames = None
    if portrait is not None:
        frames = htb_sr(head, portrait, HTBSRSettings()).as_form(Form.MASKED)
    return NetworkMasks(head, frames, size)


def _drawn(points: np.ndarray, size: int) -> dict[str, Tensor]:
    """Hulls of key points [68, 2] in pixels."""
    import cv2

    from ..portrait.filters import grow
    from ..portrait.regions import polygon

    up = points[17:27].mean(0) - points[8]
    around = np.vstack([points[list(JAW_AND_BROWS)], points[17:27] + FOREHEAD * up])

    def hull(some: np.ndarray) -> np.ndarray:
        return polygon(cv2.convexHull(some.astype(np.float32))[:, 0], size)

    mouth, eyes = hull(points[list(MOUTH)]), np.zeros((size, size), np.uint8)
    for ring in EYES:
        eye = points[list(ring)]
        eyes |= grow(hull(eye), max(1, round(GROWN * float(np.ptp(eye[:, 0])))))
    drawn = {"face": hull(around) | mouth | eyes, "mouth": mouth, "eyes": eyes}
    soft = {name: cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0) for name, mask in drawn.items()}
    return {name: torch.from_numpy(mask) for name, mask in soft.items()}
