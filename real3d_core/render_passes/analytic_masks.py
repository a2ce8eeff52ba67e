"""Masks of the analytic backend: HTB-SR's layers, and regions of the photo seen through the addresses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..face_model import topology as t
from ..htb_sr import HTBSRSettings, htb_sr
from ..htb_sr.analytic import AnalyticFrames
from ..htb_sr.boxes import enlarged, pixels_of, window_of
from ..htb_sr.head_layer import FEATURES, Survey, continued, survey_head
from ..htb_sr.openings import seen_opening
from ..htb_sr.pictures import RIM, HeadPictures
from ..image_to_plane.avatar import AnalyticAvatar
from ..image_to_plane.geometry import SHEET, project
from ..image_to_plane.layout import ADDRESS_LOWER, feature_to_unit
from ..ops import enlarge, remap, smoothstep
from ..portrait.regions import EYES, LIPS, face_mask, polygon
from ..render_triplane.cameras import split_camera
from ..render_triplane.rays import ray_directions
from ..wires import PORTRAIT_SIZE, HeadRender, Portrait, RenderedFrames
from .masks import stacked

FACE, MOUTH, EYE = 0, 1, 2  # channels of the regions' picture
LIP_MARGIN, LID_MARGIN = 0.04, 0.10  # widths of the mouth and of an eye by which their regions are larger
SOFT = 1.0  # pixels of the photo: edge of a region
FAR_SIDE = (0.0, 0.02)  # world units behind the ears over which the surface stops being the photo's


@dataclass(frozen=True)
class AnalyticMasks:
    """regions [1, 512, 512, 4]: face, mouth, eyes, and the rim that other views see mirrored; nose: v of its
    tip in the photo; frames: HTB-SR's, None without a portrait.
    """

    head: HeadRender
    pictures: HeadPictures
    regions: Tensor
    nose: float
    frames: AnalyticFrames | None

    def frame(self, rendered: RenderedFrames, i: int, index: int) -> Tensor:
        """[size, size, 7] (masks.PARTS)."""
        size, device = self.pictures.size, self.regions.device
        rest = split_camera(self.head.triplane.camera).c2w
        features = (rendered.features[i, :FEATURES] + 1) * 0.5
        seen = survey_head(self.pictures, features, rendered.alpha[i, 0], rendered.c2w[i], rest)
        head = torch.zeros(size, size, device=device)
        parts = {name: torch.zeros_like(head) for name in ("face", "mouth", "eyes", "unseen")}
        if seen is not None:
            r0, r1, c0, c1 = seen.pixels
            head[r0:r1, c0:c1] = seen.cover
            for name, part in self._parts(seen, rendered, i).items():
                parts[name][r0:r1, c0:c1] = part
        torso = torch.zeros_like(head)
        if self.frames is not None:
            moved = self.frames.moved_torso(rendered, i, index, rest)
            if moved is not None:
                rows, cols, picture = moved
                torso[rows, cols] = picture[..., 3].clamp(0, 1)
        return stacked(head, torso * (1 - head), parts)

    def _parts(self, seen: Survey, rendered: RenderedFrames, i: int) -> dict[str, Tensor]:
        regions = remap(self.regions, *pixels_of(seen.fine, self.regions))[0]
        face, mouth, eyes, rim = (part.clone() for part in regions.unbind(-1))
        far_side = self._far_side(seen, rendered, i)
        unseen = torch.maximum(far_side, rim * (1 - seen.near_photo))
        for box in seen.slits:
            window = window_of(box, seen.scale)
            opening, made_up = seen_opening(self.pictures, seen.known, box, seen.scale)
            address = feature_to_unit(enlarged(seen.known[..., ADDRESS_LOWER], box, seen.scale))
            below = remap(self.regions, *pixels_of(address, self.regions))[0]
            mouth[window] = torch.maximum(mouth[window], below[..., MOUTH])
            is_mouth = float(address[..., 1].median()) > self.nose
            target = mouth if is_mouth else eyes
            target[window] = torch.maximum(target[window], opening)
            if is_mouth:  # the eyes are the photo's
                unseen[window] = torch.maximum(unseen[window], made_up)
        face = torch.maximum(face, torch.maximum(mouth, eyes))
        # Behind the ears the addresses walk back over the photo: what they meet there is no face.
        front = {"face": face, "mouth": mouth, "eyes": eyes}
        return {name: part * (1 - far_side) for name, part in front.items()} | {"unseen": unseen}

    def _far_side(self, seen: Survey, rendered: RenderedFrames, i: int) -> Tensor:
        """[H, W]: surface behind the ears, which the photo did not show."""
        depth = rendered.depth[i, 0]
        c2w, rays = rendered.c2w[i], depth.shape[-1]
        z = c2w[2, 3] + depth * ray_directions(c2w, rendered.intrinsics[i], rays)[:, 2].reshape(rays, rays)
        behind = smoothstep(*FAR_SIDE, -z - 2 * SHEET)[..., None]
        if rays != seen.total:
            from .surface import sized

            behind = sized(behind, seen.total)
        r0, r1, c0, c1 = seen.rays
        known = continued(behind[None, r0:r1, c0:c1].contiguous(), (seen.alpha > 0.5).float())
        return enlarge(known, seen.scale)[0, ..., 0].clamp(0, 1)


def analytic_masks(head: HeadRender, portrait: Portrait | None, size: int) -> AnalyticMasks:
    """Masks of a clip (masks.masks_of); smaller ones are reduced from those of HTB-SR's least size."""
    size = max(size, PORTRAIT_SIZE)
    avatar = head.triplane.avatar
    assert isinstance(avatar, AnalyticAvatar)
    device, avatar = head.triplane.planes.device, avatar.to("cpu")
    frames = None
    if portrait is None:
        pictures = _without_portrait(avatar, size).to(device)
    else:
        made = htb_sr(head, portrait, HTBSRSettings(size=size))
        assert isinstance(made, AnalyticFrames)
        frames, pictures = made, made.pictures
    u, v = project(*avatar.points.unbind(-1))
    landmarks = (torch.stack([u, v], -1) * PORTRAIT_SIZE).numpy()
    regions = _regions(landmarks, None if portrait is None else portrait.person.cpu().numpy())
    return AnalyticMasks(
        head, pictures, torch.from_numpy(regions)[None].to(device), float(v[t.NOSE_TIP]), frames
    )


def _without_portrait(avatar: AnalyticAvatar, size: int) -> HeadPictures:
    """What the avatar alone knows: no matte, so that the volume's edge is the head's."""
    from ..htb_sr.photo_detail import resized

    one = torch.ones(1, PORTRAIT_SIZE, PORTRAIT_SIZE, 1)
    skin = torch.cat([avatar.colours, one], -1)
    skin = skin if size == PORTRAIT_SIZE else resized(skin[0], size)[None]
    iris_u = (float(avatar.iris[0, 0]), float(avatar.iris[1, 0]))
    return HeadPictures(skin, skin, one, avatar.inner, avatar.lip, iris_u)


def _regions(landmarks: np.ndarray, person: np.ndarray | None) -> np.ndarray:
    """float32 [512, 512, 4]: face, mouth, eyes with their lids, and the person's rim."""
    import cv2

    mouth = landmarks[list(LIPS)]
    layers = [face_mask(landmarks), _grown(polygon(mouth), LIP_MARGIN * np.ptp(mouth[:, 0]))]
    eyes = np.zeros_like(layers[0])
    for ring, crease in zip(EYES, (t.RIGHT_CREASE, t.LEFT_CREASE), strict=True):
        points = landmarks[list(ring + crease)].astype(np.float32)
        hull = cv2.convexHull(points)[:, 0]
        eyes |= _grown(polygon(hull), LID_MARGIN * np.ptp(points[:, 0]))
    layers.append(eyes)
    if person is None:
        layers.append(np.zeros_like(eyes))
    else:
        deep = cv2.distanceTransform((person > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        layers.append((deep < RIM).astype(np.uint8))
    return cv2.GaussianBlur(np.dstack(layers).astype(np.float32), (0, 0), SOFT)


def _grown(mask: np.ndarray, by: float) -> np.ndarray:
    from ..portrait.filters import grow

    return grow(mask, max(1, round(float(by))))
