"""What a turned head shows of the photo's rim."""

import math
from dataclasses import replace

import numpy as np
import torch

from real3d_core.htb_sr import htb_sr
from real3d_core.htb_sr.pictures import mirrored_rim
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.wires import Camera, HeadRender, RenderSettings


def test_beside_the_mouth_too_the_rim_is_mirrored(portrait):
    """The photo's own picture, made green here, has no part in a view from the side."""
    camera = replace(Camera.front(), yaw=torch.tensor([math.radians(20.0)]))
    head = HeadRender(image_to_plane(portrait, Model.built_in()), camera, RenderSettings())
    clip = htb_sr(head, portrait)
    green = clip.pictures.skin.clone()
    green[..., :3] = torch.tensor([0.0, 1.0, 0.0])
    usual = clip.frames(0, 1)
    painted = replace(clip, pictures=replace(clip.pictures, skin=green)).frames(0, 1)
    assert torch.equal(usual, painted)


def test_a_corner_of_the_silhouette_makes_no_seam():
    """A wide part above a narrow one, as an ear above the jaw."""
    size = 512
    rows, cols = np.mgrid[0:size, 0:size]
    person = np.where(rows < 256, cols < 300, cols < 240).astype(np.float32)
    grey = 0.5 + 0.3 * np.sin(rows / 40) * np.cos(cols / 25)
    skin = torch.from_numpy(np.dstack([grey, grey, grey, person]).astype(np.float32))
    rim = mirrored_rim(skin)
    assert torch.equal(rim[..., 3], skin[..., 3]) and torch.equal(rim[100:200, :280], skin[100:200, :280])
    beside = rim[200:400, 200:330, 0]
    assert max(float(beside.diff(dim=side).abs().max()) for side in (0, 1)) < 0.1
