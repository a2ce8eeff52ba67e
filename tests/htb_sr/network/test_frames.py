"""The clip of the networks: half precision that fails, and what cannot be made."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from real3d_core.errors import RenderError
from real3d_core.htb_sr.given import Backdrop, Replacement
from real3d_core.htb_sr.network import HTBSRFrames
from real3d_core.htb_sr.network.frames import NetworkFrames, Prepared
from real3d_core.htb_sr.network.super_resolution import PortraitPictures
from real3d_core.model import Networks, Resident
from real3d_core.wires import Camera, HeadRender, RenderSettings
from tests.render_triplane.heads import ellipsoid_head


class Painter(nn.Module):
    """Paints every frame in one value, its portrait's."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def portrait(self, pictures: PortraitPictures) -> Tensor:
        return self.value

    def forward(self, features: Tensor, alpha: Tensor, driven: Tensor, portrait: Tensor, *_: object):
        count = len(features)
        assert len(driven) == count
        return HTBSRFrames(portrait.expand(count, 3, 512, 512), torch.ones(count, 1, 256, 256))


def networks(value: float, exact: Networks | None = None) -> Networks:
    weights = Resident(Painter(value))
    again = None if exact is None else lambda: exact
    return Networks(weights, weights, weights, load_decoder=None, load_face_model=None, exact=again)


def clip(used: Networks) -> NetworkFrames:
    nothing = torch.zeros(1, 3, 512, 512)
    pictures = PortraitPictures(nothing, nothing, torch.zeros(1, 6, 512, 512), torch.zeros(1, 68, 3))
    return NetworkFrames(
        head=HeadRender(ellipsoid_head(), still_camera(3), RenderSettings(8, 8, 8)),
        pictures=pictures,
        prepared=Prepared(used, used.htb_sr.ready().portrait(pictures)),
        key_points=torch.zeros(3, 68, 3),
        scenery=torch.zeros(1, 512, 512, 3),
        replacement=None,
        threshold=0.9,
        fps=25.0,
    )


def still_camera(frames: int) -> Camera:
    zero, one = torch.zeros(frames), torch.ones(frames)
    return Camera(zero, zero, zero, one, torch.zeros(frames, 2), one)


def test_half_precision_that_fails_goes_on_in_float32(caplog: pytest.LogCaptureFixture) -> None:
    source = clip(networks(float("nan"), exact=networks(0.5)))
    with caplog.at_level(logging.WARNING):
        frames = source.frames(0, 2)
        later = source.frames(2, 3)
    assert (frames == 0.75).all() and (later == 0.75).all()
    (warned,) = caplog.messages
    assert "half precision" in warned and "fp32" in warned


def test_float32_that_fails_is_told() -> None:
    with pytest.raises(RenderError, match="not finite in the frames from 1 on"):
        clip(networks(float("nan"))).frames(1, 2)


def test_replacements_and_films_reach_the_networks_frames() -> None:
    """Replaced are the head's pixels of the masked half of one frame; the film is what lies behind each."""
    made = clip(networks(0.0))
    mask = torch.zeros(1, 512, 512)
    mask[:, :256] = 1
    given = replace(made, replacement=Replacement(torch.ones(1, 512, 512, 3), mask, start=1), size=768)
    plain, frames = (one.frames(0, 3) for one in (replace(made, size=768), given))
    assert frames.shape == (3, 768, 768, 3)
    assert torch.equal(frames[::2], plain[::2]) and torch.equal(frames[1, 400:], plain[1, 400:])
    assert frames[1, 370, 384].min() > 0.95 > 0.6 > plain[1, 370, 384].max()

    class Film:
        fps = 25.0

        def frame(self, number: int, loop: bool) -> Tensor:
            return torch.full((8, 8, 3), number / 4)

    behind = replace(made, backdrop=Backdrop(Film(), 25.0, 512))._behind(1, 3)
    assert behind.shape == (2, 512, 512, 3) and behind.mean((1, 2, 3)).tolist() == [0.25, 0.5]
