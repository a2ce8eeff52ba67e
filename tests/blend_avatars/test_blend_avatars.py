"""A head between two: what it is at the ends, that features meet, and that it lives like any other head."""

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
import torch

from real3d_core.avatar_file import load_avatar, save_avatar
from real3d_core.blend_avatars import Avatar, BlendSettings, blend_avatars
from real3d_core.errors import BackendError, RenderError
from real3d_core.htb_sr import HTBSRSettings, htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.portrait.faces import find_faces
from real3d_core.portrait.filters import shrink
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.portrait.regions import EYES, LIPS, face_mask
from real3d_core.render_passes import CHANNELS, PassSettings, pass_source
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion, RenderSettings
from tests.cancelling import ends_at_any_step

from ..sentences import assert_one_sentence

CORNERS = (33, 133, 362, 263)  # of the eyes


@pytest.fixture(scope="module")
def first(portrait):
    return Avatar(image_to_plane(portrait, Model.built_in()), portrait)


@pytest.fixture(scope="module")
def second(astronaut, nets):
    """A relative: slimmer and darker, on a finer photo."""
    slim = cv2.resize(astronaut, None, fx=1.7, fy=2.1, interpolation=cv2.INTER_CUBIC)
    photo = (255 * (slim / 255) ** 1.6 * [1.0, 0.86, 0.8]).round().astype(np.uint8)
    portrait = prepare_portrait(photo, nets)
    return Avatar(image_to_plane(portrait, Model.built_in()), portrait)


@pytest.fixture(scope="module")
def middle(first, second):
    return blend_avatars(first, second, BlendSettings(0.5, 0.5))


@pytest.fixture(scope="module")
def shape_alone(first, second):
    return blend_avatars(first, second, BlendSettings(1.0, 0.0))


@pytest.fixture(scope="module")
def whole(first, second):
    return blend_avatars(first, second, BlendSettings(1.0, 1.0))


def points(avatar):
    return avatar.portrait.landmarks.numpy().astype(np.float64)


def normalised(landmarks):
    """[n, 2] in the frame of the outer eye corners."""
    xy = landmarks[:468, :2]
    along = xy[263] - xy[33]
    axes = np.stack([along, [-along[1], along[0]]], 1)
    return (xy - xy[33]) @ np.linalg.inv(axes).T


def core(avatar):
    """Clear of the oval's edge, where hair hangs over it."""
    return shrink(face_mask(points(avatar)), 25) > 0


def laid_over(avatar, other):
    """The picture of one portrait, moved and scaled so that its landmarks lie on those of another."""
    way, _ = cv2.estimateAffinePartial2D(points(avatar)[:468, :2] - 0.5, points(other)[:468, :2] - 0.5)
    return cv2.warpAffine(avatar.portrait.image.numpy(), way, (512, 512), flags=cv2.INTER_CUBIC)


def psnr(one, other):
    return -10 * np.log10(max(((one - other) ** 2).mean(), 1e-12))


def grain(picture, avatar, ring):
    """Energy of what is finer than 2 pixels about an eye or the mouth."""
    box = points(avatar)[list(ring), :2]
    (left, top), (right, bottom) = (box.min(0) - 6).astype(int), (box.max(0) + 6).astype(int)
    part = picture[top:bottom, left:right]
    return float(((part - cv2.GaussianBlur(part, (0, 0), 2.0)) ** 2).mean())


def test_amounts_of_zero_give_the_first_itself(first, second):
    assert blend_avatars(first, second, BlendSettings(0, 0)) is first


def test_amounts_of_one_give_the_second_head_on_the_first_body(first, second, whole):
    assert np.abs(normalised(points(whole)) - normalised(points(second))).max() < 0.02
    inside = core(whole)
    there = laid_over(second, whole)
    assert psnr(whole.portrait.image.numpy()[inside], there[inside]) > 30
    assert psnr(first.portrait.image.numpy()[inside], there[inside]) < 20
    shoulders = np.s_[480:, :]
    assert torch.equal(whole.portrait.image[shoulders], first.portrait.image[shoulders])
    assert torch.equal(whole.portrait.background, first.portrait.background)


def test_shape_and_colour_are_apart(first, second, shape_alone):
    assert np.abs(normalised(points(shape_alone)) - normalised(points(second))).max() < 0.02
    tones = [np.median(one.portrait.image.numpy()[core(one)], 0) for one in (first, second, shape_alone)]
    assert np.abs(tones[2] - tones[0]).max() < 0.02 < 0.1 < np.abs(tones[1] - tones[0]).max()


def test_half_way_lies_between(first, second, middle):
    ends = [normalised(points(one)) for one in (first, second)]
    mixed = normalised(points(middle))
    assert np.abs(mixed - (ends[0] + ends[1]) / 2).max() < 0.02
    tones = [np.median(one.portrait.image.numpy()[core(one)], 0) for one in (first, middle, second)]
    assert np.abs(tones[1] - (tones[0] + tones[2]) / 2).max() < 0.04


def test_a_landmarker_finds_the_features_where_the_mix_says_they_are(middle, nets):
    seen = find_faces((middle.portrait.image.numpy() * 255).round().astype(np.uint8), nets)[0].landmarks
    eyes = np.linalg.norm(points(middle)[33, :2] - points(middle)[263, :2])
    away = np.linalg.norm(seen[:468, :2] - points(middle)[:468, :2], axis=1) / eyes
    assert away.mean() < 0.02 and away[[*EYES[0], *EYES[1], *LIPS]].max() < 0.06


def test_features_meet_and_are_no_double_exposure(first, second, middle):
    """Both photos show the same eyes and mouth: where they did not lie on each other, the mix would blur."""
    image = middle.portrait.image.numpy()
    for ring in (*EYES, LIPS):
        ends = [grain(laid_over(one, middle), middle, ring) for one in (first, second)]
        assert grain(image, middle, ring) > 0.75 * np.sqrt(ends[0] * ends[1])
    x, y = (points(middle)[list(EYES[0]), :2].mean(0) - 0.5).astype(int)
    shifted = (image + np.roll(image, 4, 1)) / 2
    assert grain(shifted, middle, EYES[0]) < 0.75 * grain(image, middle, EYES[0]), "the measure sees a ghost"
    assert 0 < x < 512 and 0 < y < 512


def test_the_photo_changes_where_the_head_is(first, middle):
    before, after = first.portrait.photo, middle.portrait.photo
    assert before.shape == after.shape and after.dtype == torch.uint8
    same = (before == after).all(-1)
    assert bool(same[300:].all()) and float(same[40:150, 190:260].float().mean()) < 0.05


def test_it_moves_and_renders_as_any_other_head(middle, first, tmp_path):
    motion = Motion.still(3)
    motion.blendshapes[1, ARKIT_INDEX["jawOpen"]] = 0.8
    for side in ("Left", "Right"):
        motion.blendshapes[2, ARKIT_INDEX[f"eyeBlink{side}"]] = 1
    clip = motion_adapter(middle.triplane, middle.portrait, motion)
    head = HeadRender(clip, Camera.front(), RenderSettings())
    frames = htb_sr(head, middle.portrait).frames(0, 3)
    inside = torch.from_numpy(core(middle))
    assert psnr(frames[0][inside].numpy(), middle.portrait.image[inside].numpy()) > 32
    rows = torch.arange(512)[:, None] > points(middle)[2, 1]  # below the nose
    moved = (frames[1:] - frames[:1]).abs().amax(-1) > 0.1
    assert int((moved[0] & rows).sum()) > 800 and int((moved[1] & ~rows).sum()) > 200
    assert htb_sr(head, middle.portrait, HTBSRSettings(size=1024)).frames(0, 1).shape == (1, 1024, 1024, 3)
    passes = pass_source(head, PassSettings(2.36, 3.36), middle.portrait).frames(1, 2)
    parts = sum(passes[..., CHANNELS.index(name)] for name in ("head", "torso", "background"))
    assert float((parts - 1).abs().max()) < 1 / 255
    save_avatar(middle.triplane, middle.portrait, tmp_path / "mix.safetensors")
    again = load_avatar(tmp_path / "mix.safetensors")
    assert torch.equal(again.triplane.planes, middle.triplane.planes)
    with pytest.raises(BackendError):
        motion_adapter(middle.triplane, first.portrait, motion)


def test_inputs_stay_as_they_are_and_the_first_ones_motion_goes_on(first, second, middle):
    motion = Motion.still(7)
    moving = Avatar(motion_adapter(first.triplane, first.portrait, motion), first.portrait)
    assert blend_avatars(moving, second, BlendSettings(0, 0)).triplane is moving.triplane
    before = {
        (i, one.name): getattr(avatar.portrait, one.name).clone()
        for i, avatar in enumerate((first, second))
        for one in fields(avatar.portrait)
        if isinstance(getattr(avatar.portrait, one.name), torch.Tensor)
    }
    with torch.inference_mode():
        again = blend_avatars(moving, second, BlendSettings(0.5, 0.5))
    assert len(again.triplane) == 7 and torch.equal(again.triplane.motion.blendshapes, motion.blendshapes)
    assert torch.equal(again.portrait.image, middle.portrait.image)
    assert torch.equal(again.triplane.planes, middle.triplane.planes)
    for (i, name), value in before.items():
        assert torch.equal(getattr((first, second)[i].portrait, name), value), name


def test_it_can_be_cancelled(first, second):
    ends_at_any_step(lambda check: blend_avatars(first, second, BlendSettings(0.5, 0.5), check), 7)


@pytest.mark.parametrize("amounts", [(-0.1, 0.5), (0.5, 1.1), (float("nan"), 0.5), (0.5, float("inf"))])
def test_amounts_outside_are_refused(amounts):
    with pytest.raises(RenderError) as raised:
        BlendSettings(*amounts)
    assert_one_sentence(raised.value)


def test_strangers_and_networks_are_refused(first, second):
    crossed = Avatar(first.triplane, second.portrait)
    network = replace(first.triplane, model=replace(first.triplane.model, kind="network"), avatar=None)
    for pair in (
        (crossed, second),
        (first, Avatar(second.triplane, first.portrait)),
        (Avatar(network, first.portrait), second),
        (first, Avatar(network, first.portrait)),
    ):
        with pytest.raises(BackendError) as raised:
            blend_avatars(*pair, BlendSettings())
        assert_one_sentence(raised.value)
