"""Frames in the original photo: what must not change, what must, and photos of all kinds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.errors import RenderError
from real3d_core.paste_back import PasteBackSettings, paste_back
from real3d_core.portrait.geometry import square_map
from real3d_core.wires import Portrait


@dataclass(frozen=True)
class Stills:
    """A clip of given pictures."""

    pictures: Tensor
    fps: float = 25.0

    @property
    def width(self) -> int:
        return self.pictures.shape[2]

    @property
    def height(self) -> int:
        return self.pictures.shape[1]

    def __len__(self) -> int:
        return len(self.pictures)

    def frames(self, start: int, stop: int) -> Tensor:
        return self.pictures[start:stop]


def placed(portrait: Portrait, x: float, y: float, side: float, degrees: float, size=(300, 700)) -> Portrait:
    """The portrait as if its square had been cut out of a photo of grain."""
    import cv2

    from real3d_core.portrait.geometry import sample

    photo = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    photo = cv2.GaussianBlur(photo, (0, 0), 2)
    to_photo = square_map(x, y, side, math.radians(degrees), 512)
    image = sample(photo, to_photo, 512, cv2.BORDER_REPLICATE).astype(np.float32) / 255
    return replace(
        portrait,
        photo=torch.from_numpy(photo),
        crop_to_photo=torch.from_numpy(to_photo).float(),
        image=torch.from_numpy(image),
    )


PLACES = {
    "inside": (350, 150, 200, 0),
    "turned": (350, 150, 180, 25),
    "beyond two edges": (640, 40, 250, 0),
    "turned beyond": (30, 250, 240, -40),
    "small": (350, 150, 40, 10),
    "larger than the photo": (350, 150, 900, 5),
}
each_place = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())


def weights(portrait: Portrait, pasted) -> Tensor:
    out = torch.zeros(portrait.photo.shape[:2])
    out[pasted.box] = torch.from_numpy(pasted.weight)
    return out


@each_place
@pytest.mark.parametrize("side", [512, 768])
def test_outside_the_crop_nothing_changes(portrait: Portrait, place, side: int) -> None:
    here = placed(portrait, *place)
    pasted = paste_back(Stills(torch.ones(2, side, side, 3)), here)
    frames = pasted.frames(0, 2)
    assert frames.shape == (2, 300, 700, 3) and (pasted.width, pasted.height, len(pasted)) == (700, 300, 2)
    photo, share = here.photo.float() / 255, weights(here, pasted)
    outside = share == 0
    assert torch.equal(frames[0][outside], photo[outside])
    # By the map itself, not by the weight: every pixel whose centre lies outside the square.
    from real3d_core.portrait.geometry import apply, invert

    x, y = np.meshgrid(np.arange(700) + 0.5, np.arange(300) + 0.5)
    at = apply(invert(here.crop_to_photo.numpy().astype(np.float64)), np.stack([x, y], -1))
    beyond = torch.from_numpy(((at <= 0) | (at >= 512)).any(-1))
    assert torch.equal(frames[1][beyond], photo[beyond]) and not share[beyond].any() and share.any()
    core = share == 1
    assert core.any() and (frames[0][core] > 0.99).all()


@each_place
def test_a_frame_that_is_the_crop_gives_the_photo(portrait: Portrait, place) -> None:
    here = placed(portrait, *place)
    frame = paste_back(Stills(here.image[None]), here).frames(0, 1)[0]
    assert (frame - here.photo.float() / 255).abs().max() < 1e-4


def test_frames_land_where_they_came_from(portrait: Portrait) -> None:
    """A dot in a turned crop is found in the photo where the map says."""
    here = placed(portrait, *PLACES["turned"])
    for side in (512, 1024):
        picture = torch.zeros(1, side, side, 3)
        k = side // 512
        picture[0, 200 * k : 216 * k, 300 * k : 316 * k] = 1
        settings = PasteBackSettings(keep_detail=False)
        frame = paste_back(Stills(picture), here, settings).frames(0, 1)[0].mean(-1)
        pasted = paste_back(Stills(picture), here, settings)
        light = frame * (weights(here, pasted) == 1)
        y, x = (light > 0.5).nonzero().float().mean(0) + 0.5
        wanted = here.crop_to_photo @ torch.tensor([308.0, 208.0, 1.0])
        assert (torch.stack([x, y]) - wanted).abs().max() < 0.6


def test_detail_of_a_large_photo_is_kept_where_nothing_changed(portrait: Portrait) -> None:
    here = placed(portrait, 900, 800, 1400, 0, (1600, 1800))
    frame = here.image.clone()
    frame[200:300, 200:300] = 0.9
    kept, soft = (
        paste_back(Stills(frame[None]), here, PasteBackSettings(keep_detail=keep)).frames(0, 1)[0]
        for keep in (True, False)
    )
    photo = here.photo.float() / 255
    still = slice(1150, 1350), slice(700, 1100)
    assert (kept - photo)[still].abs().mean() < 0.2 * (soft - photo)[still].abs().mean()
    changed = here.crop_to_photo @ torch.tensor([250.0, 250.0, 1.0])
    x, y = changed.int().tolist()
    assert (kept[y - 20 : y + 20, x - 20 : x + 20] - 0.9).abs().max() < 0.02


def test_the_edge_fades(portrait: Portrait) -> None:
    here = placed(portrait, *PLACES["inside"])
    narrow, wide = (paste_back(Stills(here.image[None]), here, PasteBackSettings(f)) for f in (0.0, 0.2))
    assert ((narrow.weight > 0) & (narrow.weight < 1)).sum() == 0
    assert np.abs(np.diff(wide.weight, axis=0)).max() < 0.06


def test_what_cannot_be_pasted_is_said(portrait: Portrait) -> None:
    here = placed(portrait, *PLACES["inside"])
    with pytest.raises(RenderError, match="square frames of HTB-SR"):
        paste_back(Stills(torch.rand(1, 40, 50, 3)), here).frames(0, 1)
    for feather in (-0.1, 0.5, float("nan")):
        with pytest.raises(RenderError, match="feather"):
            paste_back(Stills(here.image[None]), here, PasteBackSettings(feather))
    with pytest.raises(RenderError, match="outside its photo"):
        paste_back(Stills(here.image[None]), placed(portrait, 2000, 150, 100, 0))
    bad = torch.full((1, 64, 64, 3), float("nan"))
    frame = paste_back(Stills(bad), here).frames(0, 1)
    assert bool(torch.isfinite(frame).all())
