"""What other nodes changed comes back on the right frames and pixels; a video moves behind the person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.errors import RenderError
from real3d_core.htb_sr import Form, HTBSRSettings, htb_sr
from real3d_core.htb_sr.given import Backdrop, shrunk
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.render_passes import CHANNELS, PassSettings, pass_source
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion, Portrait, RenderSettings

FRAMES = 4
BLUE = torch.tensor([0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def head(portrait: Portrait) -> HeadRender:
    motion = Motion.still(FRAMES)
    motion.blendshapes[:, ARKIT_INDEX["jawOpen"]] = torch.linspace(0.2, 0.9, FRAMES)
    clip = motion_adapter(image_to_plane(portrait, Model.built_in()), portrait, motion)
    return HeadRender(clip, Camera.front(), RenderSettings())


@dataclass(frozen=True)
class Colours:
    """A film of ten grey levels that notes what it was asked for."""

    asked: list[int]
    fps: float = 50.0

    def frame(self, number: int, loop: bool) -> Tensor:
        self.asked.append(number)
        return torch.full((30, 60, 3), (number % 10) / 10)


def clip(head: HeadRender, portrait: Portrait, **settings: object) -> Tensor:
    return htb_sr(head, portrait, HTBSRSettings(**settings)).frames(0, FRAMES)


def test_only_the_masked_pixels_of_the_chosen_frames_change(head: HeadRender, portrait: Portrait) -> None:
    """As a graph does it: unseen of Render Passes, painted, and given back."""
    passes = pass_source(head, PassSettings(2.4, 3.3, size=512), portrait).frames(1, 3)
    unseen = passes[..., CHANNELS.index("unseen")]
    plain = clip(head, portrait)
    painted = BLUE.expand(2, 512, 512, 3)
    given = clip(head, portrait, replacement_head=painted, replacement_mask=unseen, replacement_start=1)
    assert torch.equal(given[0], plain[0]) and torch.equal(given[3], plain[3])
    for i in (1, 2):
        changed = (given[i] - plain[i]).abs().amax(-1)
        assert changed[unseen[i - 1] == 0].max() < 1e-6
        solid = unseen[i - 1] > 0.99
        assert solid.sum() > 20 and (given[i] - BLUE)[solid].abs().max() < 0.02


def test_without_a_start_pictures_belong_to_the_whole_clip(head: HeadRender, portrait: Portrait) -> None:
    nose = portrait.landmarks[1, :2].int().tolist()
    green = torch.tensor([0.0, 1.0, 0.0])
    pictures = torch.stack([BLUE, green])[:, None, None].expand(2, 64, 64, 3)
    for start, wanted in ((None, [BLUE, green, green, green]), (2, [None, None, BLUE, green])):
        frames = clip(head, portrait, replacement_head=pictures, replacement_start=start)
        for frame, colour in zip(frames, wanted, strict=True):
            seen = frame[nose[1], nose[0]]
            assert ((seen - (colour if colour is not None else BLUE)).abs().max() < 0.01) == (
                colour is not None
            )


def test_a_film_moves_behind_the_person_at_its_own_speed(head: HeadRender, portrait: Portrait) -> None:
    film = Colours([])
    source = htb_sr(head, portrait, HTBSRSettings(background_film=film, size=768))
    frames = source.frames(0, FRAMES)
    assert torch.allclose(frames[:, 4, 4, 0], torch.arange(FRAMES) * 0.2, atol=1e-5)  # 50 for 25 a second
    assert sorted(set(film.asked)) == [0, 2, 4, 6]
    masked = source.as_form(Form.MASKED).frames(1, 2)[0]
    plain = htb_sr(head, portrait, HTBSRSettings(size=768)).as_form(Form.MASKED).frames(1, 2)[0]
    assert torch.equal(masked[..., 3], plain[..., 3])
    cut = source.as_form(Form.CUT_OUT).frames(1, 2)[0]
    assert cut[4, 4].abs().max() == 0


def test_a_film_of_a_slower_rate_holds_its_pictures() -> None:
    film = Colours([], fps=10.0)
    backdrop = Backdrop(film, 25.0, 64)
    seen = [float(backdrop.at(i).mean()) for i in range(6)]
    assert seen == pytest.approx([0, 0, 0, 0.1, 0.1, 0.2], abs=1e-6) and backdrop.at(0).shape == (64, 64, 3)


def test_films_are_kept_no_larger_than_they_are_seen() -> None:
    picture = np.zeros((1080, 1920, 3), np.uint8)
    picture[:, 420:1500] = 200
    small = shrunk(picture, 512)
    assert small.shape == (512, 512, 3) and small.min() == 200
    assert shrunk(picture[:100, :300], 512).shape == (100, 100, 3)


def test_what_does_not_fit_together_is_said(head: HeadRender, portrait: Portrait) -> None:
    one = torch.rand(1, 8, 8, 3)
    cases = {
        "no replacement head": {"replacement_mask": torch.rand(1, 8, 8)},
        "starts at frame 4": {"replacement_head": one, "replacement_start": FRAMES},
        "replacement mask has shape": {"replacement_head": one, "replacement_mask": one},
        "connect one of them": {"background": one, "background_film": Colours([])},
    }
    for words, settings in cases.items():
        with pytest.raises(RenderError, match=words):
            htb_sr(head, portrait, HTBSRSettings(**settings))
    bad = torch.full((1, 8, 8), float("nan"))
    frames = clip(head, portrait, replacement_head=one, replacement_mask=bad)
    assert bool(torch.isfinite(frames).all())
