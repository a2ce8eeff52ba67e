"""A saved and loaded avatar gives the same frames."""

import time
from dataclasses import replace

import pytest
import torch

from real3d_core.avatar_file import AvatarSettings, load_avatar, save_avatar
from real3d_core.avatar_file.layout import SHARED
from real3d_core.checkpoints.store import read_header
from real3d_core.errors import BackendError
from real3d_core.face_model.poses import PIVOT
from real3d_core.htb_sr import htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.image_to_plane.avatar import portrait_key
from real3d_core.image_to_plane.network import NetworkAvatar
from real3d_core.model import Model, Networks
from real3d_core.motion_adapter import motion_adapter
from real3d_core.portrait.network import NetworkPortrait
from real3d_core.render_triplane.cameras import built_in_camera
from real3d_core.wires import (
    ARKIT_INDEX,
    Camera,
    DecoderWeights,
    FaceCoefficients,
    HeadRender,
    Motion,
    RenderSettings,
    TriPlane,
)

from ..sentences import assert_one_sentence


@pytest.fixture(scope="module")
def triplane(portrait):
    return image_to_plane(portrait, Model.built_in())


def frames(triplane, portrait):
    """Four expressions in four poses."""
    motion = Motion.still(4)
    for row, names in enumerate(((), ("jawOpen",), ("mouthSmileLeft", "eyeBlinkLeft"), ("eyeLookInLeft",))):
        for name in names:
            motion.blendshapes[row, ARKIT_INDEX[name]] = 0.8
    motion.euler[1, 1], motion.euler[2, 0], motion.euler[3, 2] = 0.3, -0.2, 0.1
    clip = motion_adapter(triplane, portrait, motion)
    return htb_sr(HeadRender(clip, Camera.front(), RenderSettings()), portrait).frames(0, 4)


def psnr(one, other):
    """The worst frame's."""
    error = ((one - other) ** 2).mean((1, 2, 3)).max()
    return float(-10 * torch.log10(error.clamp(min=1e-12)))


@pytest.fixture(scope="module")
def before(triplane, portrait):
    return frames(triplane, portrait)


@pytest.mark.parametrize(("precision", "least", "megabytes"), [("fp32", 60, 43), ("fp16", 45, 26)])
def test_frames_are_the_same(triplane, portrait, before, tmp_path, precision, least, megabytes):
    path = tmp_path / "avatar.safetensors"
    size = save_avatar(triplane, portrait, path, AvatarSettings(precision))
    start = time.perf_counter()
    loaded = load_avatar(path)
    seconds = time.perf_counter() - start
    quality = psnr(frames(loaded.triplane, loaded.portrait), before)
    print(f"{precision}: {size / 1e6:.1f} MB, loaded in {seconds:.2f} s, {quality:.1f} dB")
    assert quality >= least
    assert path.stat().st_size == size < megabytes * 1e6
    assert (loaded.precision, loaded.has_photo) == (precision, True)
    assert torch.equal(loaded.portrait.photo, portrait.photo)
    assert torch.equal(loaded.portrait.segmentation, portrait.segmentation)
    assert torch.equal(loaded.triplane.planes, triplane.planes)
    assert loaded.thumbnail.shape == (256, 256, 3)
    assert (loaded.triplane.avatar.photo_key == triplane.avatar.photo_key) == (precision == "fp32")


def test_without_the_photo_nothing_finer_than_the_planes_is_stored(triplane, portrait, before, tmp_path):
    path = tmp_path / "avatar.safetensors"
    save_avatar(triplane, portrait, path, AvatarSettings("fp16", include_photo=False))
    loaded = load_avatar(path)
    assert not loaded.has_photo and "without its photo" in loaded.portrait.findings[-1]
    for picture in (loaded.portrait.image, loaded.portrait.foreground, loaded.portrait.torso):
        seen = picture[None, ..., :3].permute(0, 3, 1, 2)
        pooled = torch.nn.functional.avg_pool2d(seen, 2)
        again = torch.nn.functional.interpolate(pooled, scale_factor=2.0, mode="bilinear")
        assert (again - seen).abs().mean() < 0.004
    assert loaded.portrait.photo.shape == (512, 512, 3)
    assert loaded.portrait.background.std() < 1e-3
    head = portrait.head > 0.99
    shown = frames(loaded.triplane, loaded.portrait)[0]
    assert psnr((shown * head[..., None])[None], (before[0] * head[..., None])[None]) > 26
    again = tmp_path / "again.safetensors"
    save_avatar(loaded.triplane, loaded.portrait, again, AvatarSettings(include_photo=False))
    assert len(load_avatar(again).portrait.findings) == len(loaded.portrait.findings)


def test_a_moving_head_is_saved_at_rest(triplane, portrait, tmp_path):
    moving = motion_adapter(triplane, portrait, Motion.still(3))
    path = tmp_path / "avatar.safetensors"
    save_avatar(moving, portrait, path)
    assert load_avatar(path).triplane.motion is None


def test_another_portrait_is_refused(triplane, portrait, tmp_path):
    other = replace(portrait, landmarks=portrait.landmarks + 1)
    with pytest.raises(BackendError, match="another PORTRAIT") as raised:
        save_avatar(triplane, other, tmp_path / "avatar.safetensors")
    assert_one_sentence(raised.value)
    assert not list(tmp_path.iterdir())


def network_model(seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = [SHARED[f"decoder.{name}"].shape for name in ("w1", "b1", "w2", "b2")]
    decoder = DecoderWeights(*(torch.randn(shape, generator=generator) for shape in shapes))
    return Model("toy", "network", Networks(None, None, None, lambda: decoder, lambda: None))


def test_a_network_avatar_needs_its_own_model(portrait, tmp_path):
    generator = torch.Generator().manual_seed(1)
    picture = portrait.image.permute(2, 0, 1) * 2 - 1
    seen = NetworkPortrait(
        picture,
        picture.clone(),
        picture.clone(),
        picture.clone(),
        portrait.segmentation,
        portrait.landmarks,
        portrait.crop_to_photo,
    )
    face = FaceCoefficients(*(torch.randn(count, generator=generator) for count in (80, 64, 3, 3)))
    model = network_model()
    planes = torch.randn(1, 3, 32, 256, 256, generator=generator)
    avatar = NetworkAvatar(seen, face, portrait_key(portrait))
    pivot = torch.tensor(PIVOT)
    triplane = TriPlane(planes, model.networks.decoder, built_in_camera(), pivot, model, avatar)
    path = tmp_path / "avatar.safetensors"
    save_avatar(triplane, portrait, path)
    loaded = load_avatar(path, model).triplane
    assert torch.equal(loaded.planes, planes) and loaded.model is model
    assert torch.equal(loaded.avatar.coefficients.expression, face.expression)
    assert torch.equal(loaded.avatar.seen.segmentation, portrait.segmentation)
    for wrong, words in ((None, "toy"), (Model.built_in(), "toy"), (network_model(5), "other weights")):
        with pytest.raises(BackendError, match=words) as raised:
            load_avatar(path, wrong)
        assert_one_sentence(raised.value)
    with pytest.raises(BackendError, match="include_photo"):
        save_avatar(triplane, portrait, tmp_path / "b.safetensors", AvatarSettings(include_photo=False))
    half = tmp_path / "half.safetensors"
    save_avatar(triplane, portrait, half, AvatarSettings("fp16"))
    assert (load_avatar(half, model).triplane.planes - planes).abs().max() < 3e-3
    assert read_header(half).metadata["model"] == "toy"
