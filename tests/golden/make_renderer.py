"""Makes the reference numbers of the renderer; run from the root: python -m tests.golden.make_renderer

renderer.npz is what the plain sampler gives for planes made by formula: a check that needs no network. The
sampler that wrote the stored file had passed renderer_cam0..2.npz, the numbers of the original: make it again
only after a change that passes those too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from real3d_core.render_triplane.cameras import split_camera
from real3d_core.render_triplane.plain import Rendered, render_plain
from real3d_core.render_triplane.rays import camera_rays
from real3d_core.wires import RenderSettings
from tests.deterministic import decoder_weights
from tests.render_triplane.heads import soft_planes

HERE = Path(__file__).parent
SETTINGS = RenderSettings(resolution=24)


def render(camera: np.ndarray) -> Rendered:
    """The formula-made planes seen by one camera [25]."""
    parts = split_camera(torch.from_numpy(camera))
    rays = camera_rays(parts.c2w, parts.intrinsics, SETTINGS.resolution)
    return render_plain(soft_planes()[None], decoder_weights(), [rays], SETTINGS)[0]


def main() -> None:
    cameras = np.load(HERE / "camera_rays.npz")["camera25"]
    images = {}
    for number in (0, 2):
        seen = render(cameras[number])
        images |= {
            f"colour{number}": seen.colour[:, ::4],
            f"alpha{number}": seen.alpha,
            f"depth{number}": seen.depth,
        }
    np.savez_compressed(HERE / "renderer.npz", **{name: value.numpy() for name, value in images.items()})


if __name__ == "__main__":
    main()
