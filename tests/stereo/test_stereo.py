"""What two eyes see of the demo portrait, measured in the pictures against the formula; 512 pixels wide."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.errors import BackendError, CameraError, RenderError
from real3d_core.htb_sr import HTBSRSettings, htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.image_to_plane.layout import ADDRESS_UPPER, feature_to_unit
from real3d_core.model import Model
from real3d_core.portrait.faces import find_faces
from real3d_core.stereo import StereoFrames, StereoSettings, moved, stereo_frames
from real3d_core.wires import Camera, HeadRender, Motion, RenderSettings, TriPlane
from tests.sentences import assert_one_sentence

NOSE, LEFT_EAR, RIGHT_EAR = 1, 454, 234
EYE_CORNERS = (33, 263)
EYE = 0.15  # box sides, more than usual: more to measure


@pytest.fixture(scope="module")
def triplane(portrait) -> TriPlane:
    return image_to_plane(portrait, Model.built_in())


@pytest.fixture(scope="module")
def head(triplane) -> HeadRender:
    return HeadRender(triplane, Camera.front(), RenderSettings())


def place_of(address: Tensor, head: HeadRender) -> tuple[Tensor, float]:
    """Where, in pixels of 512, a head shows the photo's point `address` [2] (0..1), and at which depth."""
    frames = head.frames(0, 1)
    rays = frames.alpha.shape[-1]
    solid = frames.alpha[0, 0] > 0.99
    features = (frames.features[0] + 1) * 0.5 / frames.alpha[0].clamp(min=1e-3)
    field = feature_to_unit(features[ADDRESS_UPPER]).permute(1, 2, 0)
    far = (field - address).norm(dim=-1).masked_fill(~solid, 9.0)
    row, col = divmod(int(far.argmin()), rays)
    near = [(r, c) for r in range(row - 1, row + 2) for c in range(col - 1, col + 2) if solid[r, c]]
    # The place is a smooth function of the address: a plane through the rays around tells it between them.
    rows = torch.tensor([[float(field[r, c, 0]), float(field[r, c, 1]), 1.0] for r, c in near]).double()
    places = torch.tensor([[c + 0.5, r + 0.5] for r, c in near]).double()
    plane = torch.linalg.lstsq(rows, places).solution
    uv = torch.cat([address.double(), torch.ones(1).double()]) @ plane / rays
    direction = torch.linalg.inv(frames.intrinsics[0].double()) @ torch.cat([uv, torch.ones(1).double()])
    return 512 * uv, float(frames.depth[0, 0, row, col] / direction.norm())


def apart(point: int, portrait, pair: StereoFrames) -> tuple[float, float, float]:
    """Disparity and difference of height in pixels as measured, and the disparity of the formula."""
    address = portrait.landmarks[point, :2] / 512
    between = replace(pair.left.head, camera=Camera.front())
    depth = place_of(address, between)[1]
    left, right = place_of(address, pair.left.head)[0], place_of(address, pair.right.head)[0]
    expected = 512 * float(pair.eyes.disparity(torch.tensor(depth)))
    return float(left[0] - right[0]), float(left[1] - right[1]), expected


@pytest.mark.parametrize("convergence", [0.0, 0.2])
def test_nose_and_ears_are_apart_by_the_formula(portrait, head, convergence) -> None:
    pair = stereo_frames(head, portrait, StereoSettings(eye_distance=EYE, convergence=convergence))
    found = {point: apart(point, portrait, pair) for point in (NOSE, LEFT_EAR, RIGHT_EAR)}
    for across, down, expected in found.values():
        assert across == pytest.approx(expected, abs=0.5)
        assert abs(down) < 0.3
    ears = [(found[LEFT_EAR][i] + found[RIGHT_EAR][i]) / 2 for i in (0, 2)]
    measured, formula = found[NOSE][0] - ears[0], found[NOSE][2] - ears[1]
    assert formula > 4  # pixels that the nose comes out before the ears
    assert measured == pytest.approx(formula, abs=0.5)


def test_the_plane_of_convergence_is_at_one_place(portrait, head) -> None:
    depth = place_of(portrait.landmarks[NOSE, :2] / 512, head)[1]
    pivot = float(stereo_frames(head, portrait, StereoSettings()).eyes.pivot)
    pair = stereo_frames(head, portrait, StereoSettings(eye_distance=EYE, convergence=pivot - depth))
    across, down, expected = apart(NOSE, portrait, pair)
    assert abs(across) < 0.5 and abs(down) < 0.3 and abs(expected) < 0.05


def test_the_pictures_show_it_too(portrait, head, nets) -> None:
    """Seen by the landmark net in both pictures: the nose comes out before the corners of the eyes."""
    pair = stereo_frames(head, portrait, StereoSettings(eye_distance=0.4, background_depth=0.2))
    pictures = (pair.frames(0, 1)[0] * 255 + 0.5).to(torch.uint8).numpy()
    halves = (np.ascontiguousarray(pictures[:, part]) for part in (slice(0, 512), slice(512, 1024)))
    left, right = (find_faces(half, nets)[0].landmarks for half in halves)
    across = (left - right)[:, 0]
    formula = {point: apart(point, portrait, pair)[2] for point in (NOSE, *EYE_CORNERS)}
    measured = across[NOSE] - across[list(EYE_CORNERS)].mean()
    assert measured == pytest.approx(formula[NOSE] - (formula[33] + formula[263]) / 2, abs=1.5)
    assert abs((left - right)[:468, 1]).mean() < 0.6


def pixels_apart(left: Tensor, right: Tensor, rows: slice, cols: slice) -> float:
    """How many pixels a part of the left picture lies to the right of the same in the right one."""
    from scipy.ndimage import shift

    grey, part = left.mean(-1).numpy(), right[rows, cols].mean(-1).numpy()
    tries = np.arange(-40, 10, 0.25)
    errors = []
    for pixels in tries:
        back = shift(grey[rows], (0, -pixels), order=1, mode="nearest")
        errors.append(np.square(back[:, cols] - part).mean())
    return float(tries[int(np.argmin(errors))])


def test_torso_and_background_have_their_own_depths(portrait, head) -> None:
    random = torch.Generator().manual_seed(2)
    spots = torch.rand(1, 3, 64, 64, generator=random)
    spots = torch.nn.functional.interpolate(spots, (512, 512), mode="bicubic").movedim(1, -1).clamp(0, 1)
    settings = StereoSettings(eye_distance=EYE, background_depth=1.0)
    pair = stereo_frames(head, portrait, settings, HTBSRSettings(background=spots))
    left, right = pair.eye(pair.left, 0.5, 0, 1)[0], pair.eye(pair.right, -0.5, 0, 1)[0]
    ground = 512 * float(pair.disparity)
    assert ground == pytest.approx(512 * float(pair.eyes.disparity(pair.eyes.pivot + 1.0)))
    for cols in (slice(440, 500), slice(12, 80)):
        assert pixels_apart(left, right, slice(20, 200), cols) == pytest.approx(ground, abs=0.5)
    collar = pixels_apart(left, right, slice(400, 500), slice(60, 160))
    surface = pair.left.torso.surface[100:125, 15:40, 2]
    depths = float(pair.eyes.pivot) + float(head.triplane.pivot[2]) - surface
    formula = 512 * float(pair.eyes.disparity(depths.mean()))
    assert collar == pytest.approx(formula, abs=0.5) and collar > ground + 10


def test_nothing_shows_past_the_edges_of_the_background(portrait, head) -> None:
    rim = torch.zeros(1, 512, 512, 3)
    rim[:, 2:-2, 2:-2] = 1  # a black frame round white
    for depth in (0.4, 3.0):
        settings = StereoSettings(eye_distance=EYE, background_depth=depth)
        pair = stereo_frames(head, portrait, settings, HTBSRSettings(background=rim))
        for one, side in ((pair.left, 0.5), (pair.right, -0.5)):
            picture = pair.eye(one, side, 0, 1)[0]
            # Nowhere more than the frame itself, enlarged: no streaks of a repeated last column.
            assert (picture[:200, :40].mean(-1) < 0.5).sum(1).max() <= 4
            assert (picture[:200, -40:].mean(-1) < 0.5).sum(1).max() <= 4


def test_no_distance_between_the_eyes_is_htb_sr(portrait, head) -> None:
    pair = stereo_frames(head, portrait, StereoSettings(eye_distance=0.0))
    frame = pair.frames(0, 1)[0]
    assert torch.equal(frame[:, :512], frame[:, 512:])
    assert float((frame[:, :512] - htb_sr(head, portrait).frames(0, 1)[0]).abs().max()) < 6e-3


def test_larger_eyes_see_what_larger_frames_of_htb_sr_show(portrait, head) -> None:
    large = HTBSRSettings(size=1024)
    pair = stereo_frames(head, portrait, StereoSettings(eye_distance=0.0), large)
    frame = pair.frames(0, 1)[0]
    assert frame.shape == (1024, 2048, 3) and (pair.width, pair.height) == (2048, 1024)
    assert torch.equal(frame[:, :1024], frame[:, 1024:])
    whole = htb_sr(head, portrait, large).frames(0, 1)[0]
    assert float((frame[:, :1024] - whole).abs().max()) < 6e-3
    apart = stereo_frames(head, portrait, StereoSettings(eye_distance=EYE), large).frames(0, 1)[0]
    across = pixels_apart(apart[::2, :1024:2], apart[::2, 1024::2], slice(20, 200), slice(440, 500))
    small = stereo_frames(head, portrait, StereoSettings(eye_distance=EYE))
    assert across == pytest.approx(512 * float(small.disparity), abs=0.75)


def test_swapped_eyes_change_places(portrait, head) -> None:
    usual, swapped = (
        stereo_frames(head, portrait, StereoSettings(swap=swap)).frames(0, 1)[0] for swap in (0, 1)
    )
    assert torch.equal(usual[:, :512], swapped[:, 512:]) and torch.equal(usual[:, 512:], swapped[:, :512])


def test_a_clip_is_as_long_and_its_ground_goes_with_the_camera(portrait, triplane) -> None:
    dolly = replace(Camera.front(), dolly=torch.ones(1))
    still = replace(triplane, motion=Motion.still(3, fps=10.0))
    pair = stereo_frames(HeadRender(still, dolly, RenderSettings(resolution=64)), portrait, StereoSettings())
    assert len(pair) == 3 and pair.fps == 10.0 and (pair.width, pair.height) == (1024, 512)
    assert pair.frames(1, 3).shape == (2, 512, 1024, 3)


def test_moved_goes_right_and_grows_about_the_middle() -> None:
    ramp = torch.linspace(0, 1, 101)[None, :, None].expand(9, -1, 3).contiguous()
    assert torch.allclose(moved(ramp, 0.0, 1.0, 101, 9), ramp, atol=1e-5)
    right = moved(ramp, 0.1, 1.0, 101, 9)
    assert float(right[4, 60, 0]) == pytest.approx(0.5 - 0.001, abs=2e-3)
    large = moved(ramp, 0.0, 2.0, 101, 9)
    assert float(large[4, 50, 0]) == pytest.approx(0.5, abs=1e-3)
    assert float(large[4, 100, 0]) == pytest.approx(0.75, abs=1e-2)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (StereoSettings(layout="hologram"), RenderError),
        (StereoSettings(eye_distance=math.nan), CameraError),
        (StereoSettings(eye_distance=50.0), CameraError),
        (StereoSettings(convergence=math.inf), CameraError),
        (StereoSettings(convergence=2.8), CameraError),
        (StereoSettings(background_depth=math.nan), CameraError),
        (StereoSettings(background_depth=-5.0), CameraError),
    ],
)
def test_what_cannot_be_seen_is_refused(portrait, head, settings, kind) -> None:
    with pytest.raises(kind) as error:
        stereo_frames(head, portrait, settings)
    assert_one_sentence(error.value)


def test_a_head_of_another_portrait_is_refused(portrait, head) -> None:
    with pytest.raises(BackendError):
        stereo_frames(head, replace(portrait, image=portrait.image.flip(1)), StereoSettings())
