"""Every node of the pack does its work without ComfyUI, on the demo portrait and a short sound."""

import numpy as np
import pytest
import torch
from PIL import Image

from real3d_core import streaming
from real3d_core.errors import AudioError, FaceNotFoundError, ImageError, RenderError
from real3d_core.wires import Motion
from real3d_portrait.nodes import (
    HTBSR,
    AudioToMotion,
    ImageToPlane,
    LoadModel,
    LoadPortrait,
    MotionAdapter,
    PortraitFromImage,
    RenderPasses,
    RenderTriplane,
    VideoCombine,
)
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.video import VideoFromComponents, VideoFromFile
from real3d_portrait.nodes.lazy_video import LazyVideo

from .small import CountedClip, beep

FRAMES = 3
SOUND = {"waveform": beep(FRAMES / 25).waveform[None], "sample_rate": 16_000}


@pytest.fixture(scope="module")
def session(tmp_path_factory, models_folder, astronaut):
    root = tmp_path_factory.mktemp("stages")
    session = Session(root / "input", root / "output", root / "temp", models_folder)
    session.input.mkdir()
    Image.fromarray(astronaut).save(session.input / "astronaut.png")
    with using(session), torch.inference_mode():
        yield session


@pytest.fixture(scope="module")
def loaded(session):
    return LoadPortrait.execute("astronaut.png", 0, False)


def made_head(portrait):
    """The stages from portrait to head, as a graph runs them."""
    model = LoadModel.execute("built-in").result[0]
    still = ImageToPlane.execute(portrait, model).result[0]
    motion = AudioToMotion.execute(SOUND, 1.0, 0.2, 5, 1.0, 1.0, 25.0, model).result[0]
    assert isinstance(motion, Motion) and len(motion) == FRAMES
    clip = MotionAdapter.execute(still, portrait, motion).result[0]
    return RenderTriplane.execute(clip, 128, 48, 48, "fast").result[0]


@pytest.fixture(scope="module")
def head(loaded):
    return made_head(loaded.result[0])


def test_load_portrait(session, loaded):
    portrait, crop, mask = loaded.result
    assert crop.shape == (1, 512, 512, 3) and mask.shape == (1, 512, 512)
    assert torch.equal(crop[0], portrait.image)
    assert 0.05 < mask.mean() < 0.6
    (preview,) = loaded.ui["images"]
    assert (session.temp / preview["filename"]).is_file()
    assert loaded.ui["text"] == portrait.findings


def test_load_portrait_notices_a_changed_file(session):
    before = LoadPortrait.fingerprint_inputs("astronaut.png", face_index=0)
    assert LoadPortrait.fingerprint_inputs("astronaut.png", face_index=0) == before
    assert LoadPortrait.validate_inputs("astronaut.png") is True
    assert "There is no file" in LoadPortrait.validate_inputs("nobody.png")
    assert "leaves the folder" in LoadPortrait.validate_inputs("../x.png")


def test_a_batch_becomes_as_many_portraits(loaded, astronaut):
    image = torch.from_numpy(np.stack([astronaut, astronaut[:, ::-1]])).float() / 255
    portraits, crops, masks = PortraitFromImage.execute(image, 0, False).result
    assert [len(values) for values in (portraits, crops, masks)] == [2, 2, 2]
    assert torch.allclose(portraits[0].landmarks, loaded.result[0].landmarks, atol=1.0)
    mirrored = 512 - portraits[1].landmarks[1, 0]
    assert abs(mirrored - portraits[0].landmarks[1, 0]) < 10


@pytest.mark.parametrize("shape", [(0, 64, 64, 3), (64, 64, 3), (1, 0, 64, 3)])
def test_what_is_no_image_is_said(shape):
    with pytest.raises(ImageError, match="shape"):
        PortraitFromImage.execute(torch.zeros(shape), 0, False)


def test_no_face_is_said(session):
    with pytest.raises(FaceNotFoundError):
        PortraitFromImage.execute(torch.rand(1, 256, 256, 3), 0, False)


def test_no_sound_is_said():
    with pytest.raises(AudioError, match="no sound"):
        AudioToMotion.execute(None, 1.0, 0.2, 0, 1.0, 1.0, 25.0)


def test_images_and_video_on_demand_are_the_same_clip(loaded, head, session):
    portrait = loaded.result[0]
    images, video, mask = HTBSR.execute(head, portrait, "images", audio=SOUND).result
    assert images.shape == (FRAMES, 512, 512, 3) and isinstance(video, VideoFromComponents)
    assert mask.shape == (FRAMES, 512, 512) and mask.is_contiguous() and images.is_contiguous()
    assert video.get_components().audio is SOUND
    given = HTBSR.execute(head, portrait, "video on demand", audio=SOUND)
    first, lazy, first_mask = given.result
    assert first.shape == (1, 512, 512, 3) and isinstance(lazy, LazyVideo)
    assert torch.equal(first_mask, mask[:1])
    assert torch.equal(lazy.get_components().images, images)
    assert torch.equal(first[0], images[0])
    assert (session.temp / given.ui.as_dict()["images"][0]["filename"]).is_file()


def test_images_and_masks_that_do_not_fit_are_said_before_any_is_rendered(loaded, head, monkeypatch):
    monkeypatch.setattr(streaming, "available_memory", lambda: FRAMES * 512 * 512 * 4 * 4)
    with pytest.raises(RenderError, match=r'3 frames of 512x512 .* set HTB-SR to deliver "video on demand"'):
        HTBSR.execute(head, loaded.result[0], "images")
    HTBSR.execute(head, loaded.result[0], "video on demand")


def test_two_runs_give_the_same_bits(loaded, head):
    again = LoadPortrait.execute("astronaut.png", 0, False).result[0]
    clips = [
        HTBSR.execute(made, portrait, "images").result[0]
        for made, portrait in ((head, loaded.result[0]), (made_head(again), again))
    ]
    assert torch.equal(*clips)


def test_another_background_shows_beside_the_person(loaded, head):
    green = torch.zeros(1, 300, 400, 3)
    green[..., 1] = 1
    _, video, _ = HTBSR.execute(head, loaded.result[0], "video on demand", background=green).result
    picture = video.as_trimmed(0, 0.04).get_components().images[0]
    assert (picture[4, 4] - torch.tensor([0.0, 1.0, 0.0])).abs().max() < 0.05
    assert picture[256, 256, 1] < 0.95


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e38, -5.0])
def test_pictures_of_careless_nodes_do_not_spoil_the_clip(loaded, head, value):
    bad = torch.rand(1, 64, 64, 3)
    bad[0, 20:40, 20:40] = value
    images, _, mask = HTBSR.execute(head, loaded.result[0], "images", bad, bad).result
    assert mask.min() == 0 and mask.max() == 1
    assert bool(torch.isfinite(images).all()) and images.min() >= 0 and images.max() <= 1


def test_render_passes(head):
    colour, alpha, depth = RenderPasses.execute(head, 2.36, 3.36, 1, 2).result[:3]
    assert colour.shape == depth.shape == (2, 128, 128, 3) and alpha.shape == (2, 128, 128)
    for picture in (colour, alpha, depth):
        assert picture.min() >= 0 and picture.max() <= 1
    assert alpha[0, 64, 64] > 0.9 > 0.1 > alpha[0, 0, 0]
    assert depth[0, 64, 64, 0] > 0.2 and depth[0, 0, 0, 0] < 0.05
    whole = RenderPasses.execute(head, 2.36, 3.36, 0, 0).result[0]
    assert torch.equal(whole[1:], colour)
    with pytest.raises(RenderError, match="inside"):
        RenderPasses.execute(head, 2.36, 3.36, FRAMES, 1)
    for near, far in ((2.0, float("inf")), (-1e30, 3.0), (float("nan"), 3.0), (3.0, 3.0)):
        with pytest.raises(RenderError, match="less than far"):
            RenderPasses.execute(head, near, far, 0, 1)


def combine(images, **changes):
    inputs = {"fps": 25.0, "filename_prefix": "clip", "format": "mp4", "quality": 80, "save_metadata": True}
    return VideoCombine.execute(images, **inputs | changes)


def test_combine_saves_and_shows_a_video_on_demand_without_encoding_twice(session):
    clip = CountedClip(20)
    video = LazyVideo(clip, beep(), "HTB-SR")
    output = combine(video)
    (shown,) = output.ui.as_dict()["images"]
    path = session.output / shown["subfolder"] / shown["filename"]
    assert path.is_file() and output.result[0].get_frame_count() == 20
    combine(video, quality=40)
    assert clip.rendered == 20


def test_combine_takes_images_with_sound(session):
    images = CountedClip(20).frames(0, 20)[:, :47, :63]
    audio = {"waveform": beep(3.0).waveform[None], "sample_rate": 16_000}
    saved = combine(images, fps=12.5, audio=audio).result[0]
    assert saved.get_frame_rate() == 12.5 and saved.get_frame_count() == 20
    parts = saved.get_components()
    assert abs(parts.audio["waveform"].shape[-1] / parts.audio["sample_rate"] - 1.6) < 0.05


def test_combine_streams_files_and_parts_of_them(session):
    first = combine(CountedClip(20).frames(0, 20)).result[0]
    part = first.as_trimmed(0.2, 0.4)
    saved = combine(part, quality=90).result[0]
    assert saved.get_frame_count() == 10
    levels = saved.get_components().images.mean((1, 2, 3))
    assert (levels - torch.arange(5, 15) / 20).abs().max() < 0.03
    assert isinstance(saved, VideoFromFile)


@pytest.mark.parametrize("images", [torch.rand(0, 8, 8, 3), "a text", None])
def test_combine_refuses_what_is_no_clip(session, images):
    before = set(session.output.rglob("*"))
    with pytest.raises(RenderError):
        combine(images)
    assert {path for path in session.output.rglob("*") if path.is_file()} <= before
