"""The analytic tri-plane: its decoder passes values through, its planes carry what the layout says."""

import pytest
import torch

from real3d_core.image_to_plane import image_to_plane
from real3d_core.image_to_plane.layout import FEATURE, PASSED, STORED, Channel, analytic_decoder
from real3d_core.image_to_plane.planes import plane_channels
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.motion_adapter.analytic import deformation
from real3d_core.wires import ARKIT_INDEX, Motion
from tests.cancelling import ends_at_any_step


@pytest.fixture(scope="module")
def triplane(portrait):
    return image_to_plane(portrait, Model.built_in())


def decoded(features: torch.Tensor) -> torch.Tensor:
    w = analytic_decoder()
    return torch.nn.functional.softplus(features @ w.w1.T + w.b1) @ w.w2.T + w.b2


def test_decoder_passes_values_through():
    generator = torch.Generator().manual_seed(1)
    features = torch.zeros(200, 32)
    features[:, : len(Channel)] = 5 * torch.randn(200, len(Channel), generator=generator)
    out = decoded(features)
    for channel in PASSED:
        assert (out[:, 1 + FEATURE[channel]] - features[:, channel]).abs().max() < 1e-4
    assert not out[:, 1 + len(PASSED) :].any()


@pytest.mark.parametrize(
    ("z", "outline", "solid"),
    [(0.0, 0.01, True), (0.12, 0.01, False), (-0.12, 0.01, False), (0.0, -0.01, False)],
)
def test_density_is_a_solid_between_the_surfaces_inside_the_outline(z, outline, solid):
    features = torch.zeros(1, 32)
    features[0, Channel.Z], features[0, Channel.OUTLINE] = z, outline
    features[0, Channel.FRONT], features[0, Channel.BACK] = 0.1, -0.1
    density = float(decoded(features)[0, 0])
    assert (density > 150) if solid else (density < 0)


def test_planes_have_the_documented_shape_and_no_surprises(triplane):
    assert triplane.planes.shape == (1, 3, 32, 256, 256)
    assert torch.isfinite(triplane.planes).all()
    assert not triplane.planes[:, 0, len(Channel) :].any()
    assert not triplane.planes[:, 2].any()
    front, back = triplane.planes[0, 0, Channel.FRONT], triplane.planes[0, 0, Channel.BACK]
    assert (front > back).all()


def test_the_front_surface_shows_the_photo_where_it_is(triplane):
    """At rest the address of a point on the front surface is its own projection."""
    from real3d_core.render_triplane.cameras import project, split_camera

    c = (torch.arange(256) + 0.5) / 256 - 0.5
    y, x = torch.meshgrid(c, c, indexing="ij")
    z = triplane.planes[0, 0, Channel.FRONT] / STORED
    camera = split_camera(triplane.camera)
    uv = project(torch.stack([x, y, z], -1), camera.c2w, camera.intrinsics)
    stored = torch.sigmoid(triplane.planes[0, 0, [Channel.U_UPPER, Channel.V_UPPER]] / STORED)
    inside = (uv > 0.05).all(-1) & (uv < 0.95).all(-1)
    slits = triplane.planes[0, 0, [Channel.BELOW_UPPER, Channel.ABOVE_LOWER]].amin(0) > -1
    keep = inside & ~slits
    assert (stored.permute(1, 2, 0) - uv)[keep].abs().max() < 2e-3


def test_canonical_plus_residual_equals_the_planes_of_the_expression(triplane, portrait):
    motion = Motion.still(2)
    motion.blendshapes[1, [ARKIT_INDEX["jawOpen"], ARKIT_INDEX["eyeBlinkLeft"]]] = 0.7
    clip = motion_adapter(triplane, portrait, motion)
    r0, r1, c0, c1 = triplane.avatar.fields.box
    direct = plane_channels(triplane.avatar, (r0, r1, c0, c1), deformation(triplane.avatar, motion))
    whole = clip.frames(0, 2)
    assert (whole[:, 0, : len(Channel), r0:r1, c0:c1] - direct).abs().max() < 1e-4
    # Some CPUs add up two frames in another order than one, so the last bits may differ.
    assert (whole[0] - triplane.planes[0]).abs().max() < 1e-4
    assert (whole[1] - triplane.planes[0]).abs().max() > 0.1


def test_same_portrait_same_planes(triplane, portrait):
    assert torch.equal(image_to_plane(portrait, Model.built_in()).planes, triplane.planes)


def test_the_key_of_a_portrait_does_not_depend_on_threads(portrait):
    from real3d_core.image_to_plane.avatar import portrait_key

    threads = torch.get_num_threads()
    try:
        keys = set()
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            keys.add(portrait_key(portrait))
    finally:
        torch.set_num_threads(threads)
    assert len(keys) == 1


def test_check_ends_the_work_at_any_step(portrait):
    ends_at_any_step(lambda check: image_to_plane(portrait, Model.built_in(), check), steps=4)
