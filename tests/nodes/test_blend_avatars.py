"""Blend Avatars as a node."""

import numpy as np
import pytest
import torch

from real3d_core.errors import BackendError, RenderError
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.wires import Motion
from real3d_portrait.nodes import HTBSR, BlendAvatars, MotionAdapter, RenderTriplane


@pytest.fixture(scope="module")
def heads(portrait, astronaut, nets):
    mirrored = prepare_portrait(np.ascontiguousarray(astronaut[:, ::-1]), nets)
    return [part for one in (portrait, mirrored) for part in (image_to_plane(one, Model.built_in()), one)]


def test_the_outputs_go_on_to_the_picture(heads):
    triplane, portrait, image = BlendAvatars.execute(*heads, 0.5, 0.5).result
    assert image.shape == (1, 512, 512, 3) and torch.equal(image[0], portrait.image)
    clip = MotionAdapter.execute(triplane, portrait, Motion.still(2)).result[0]
    head = RenderTriplane.execute(clip, 64, 16, 16, "fast").result[0]
    assert HTBSR.execute(head, portrait, "images").result[0].shape == (2, 512, 512, 3)


def test_zero_hands_the_first_on_and_bad_amounts_are_refused(heads):
    triplane, portrait, image = BlendAvatars.execute(*heads, 0.0, 0.0).result
    assert triplane is heads[0] and portrait is heads[1] and torch.equal(image[0], portrait.image)
    with pytest.raises(RenderError):
        BlendAvatars.execute(*heads, 2.0, 0.5)
    with pytest.raises(BackendError):
        BlendAvatars.execute(heads[0], heads[3], heads[2], heads[3], 0.5, 0.5)
