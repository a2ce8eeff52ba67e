"""Frames of 768 and 1024 show what the original photo shows, not an enlarged 512."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from real3d_core.errors import RenderError
from real3d_core.htb_sr import Form, HTBSRSettings, htb_sr
from real3d_core.htb_sr.photo_detail import photo_detail, resized
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.portrait.geometry import sample
from real3d_core.portrait.nets import FaceNets
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.wires import Camera, HeadRender, Portrait, RenderSettings


@pytest.fixture(scope="module")
def sharp(astronaut: np.ndarray, nets: FaceNets) -> Portrait:
    """A photo four times as large, with skin of a finer grain than a crop of 512 can hold."""
    import cv2

    big = cv2.resize(astronaut, (2048, 2048), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    grain = np.random.default_rng(1).normal(0, 14, (2048, 2048, 1)).astype(np.float32)
    return prepare_portrait((big + grain).clip(0, 255).astype(np.uint8), nets)


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return -10 * float(torch.log10((a - b).square().mean()))


def test_1024_is_nearer_to_the_photo_than_512_enlarged(sharp: Portrait) -> None:
    head = HeadRender(image_to_plane(sharp, Model.built_in()), Camera.front(), RenderSettings())
    small = htb_sr(head, sharp).frames(0, 1)[0]
    source = htb_sr(head, sharp, HTBSRSettings(size=1024))
    big = source.frames(0, 1)[0]
    assert big.shape == (1024, 1024, 3) and (source.width, source.height) == (1024, 1024)
    to_photo = sharp.crop_to_photo.numpy().astype(np.float64) * np.array([0.5, 0.5, 1])
    truth = torch.from_numpy(sample(sharp.photo.numpy(), to_photo, 1024)).float() / 255
    face = slice(440, 640), slice(400, 620)
    gain = psnr(big[face], truth[face]) - psnr(resized(small, 1024, cubic=True)[face], truth[face])
    assert gain >= 1.5
    # Seen from afar it is the same picture.
    import torch.nn.functional as F

    assert psnr(F.avg_pool2d(big.permute(2, 0, 1)[None], 2)[0].permute(1, 2, 0), small) >= 30


def test_all_forms_and_given_pictures_have_the_size(portrait: Portrait) -> None:
    head = HeadRender(image_to_plane(portrait, Model.built_in()), Camera.front(), RenderSettings())
    settings = HTBSRSettings(torch.rand(1, 50, 60, 3), torch.rand(1, 64, 64, 3), size=768)
    for form in (Form.MASKED, Form.CUT_OUT):
        assert htb_sr(head, portrait, settings).as_form(form).frames(0, 1).shape == (1, 768, 768, 4)
    with pytest.raises(RenderError, match="512, 768 or 1024"):
        htb_sr(head, portrait, HTBSRSettings(size=600))


def test_what_is_not_the_photo_s_own_gets_no_grain(sharp: Portrait) -> None:
    detail = photo_detail(sharp, 1024)
    grey = torch.full((512, 512, 4), 0.5)
    own, made_up = detail.added_to(sharp.image), detail.added_to(1 - sharp.image)

    def fine(picture: torch.Tensor) -> float:
        return float((picture[1:, 1:] - picture[:-1, :-1])[440:640, 400:620].abs().mean())

    assert fine(own) > 1.3 * fine(made_up)
    assert torch.equal(photo_detail(sharp, 512).added_to(grey), grey)
