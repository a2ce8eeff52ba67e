"""The node: images become images, a video stays on demand."""

from __future__ import annotations

import pytest
import torch

from real3d_core import streaming
from real3d_core.errors import ImageError, RenderError
from real3d_core.video.indexed import KEPT, IndexedFrames
from real3d_portrait.nodes import PasteBack, VideoCombine
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.video import VideoFromComponents
from real3d_portrait.nodes.lazy_video import LazyVideo
from real3d_portrait.nodes.video_frames import video_frames

from .small import CountedClip, beep


@pytest.fixture
def session(tmp_path):
    session = Session(tmp_path / "input", tmp_path / "output", tmp_path / "temp", tmp_path / "models")
    with using(session), torch.inference_mode():
        yield session


class Squares(CountedClip):
    """Square frames."""

    width = height = 64

    def frames(self, start, stop):
        self.rendered += stop - start
        return torch.arange(start, stop)[:, None, None, None].expand(-1, 64, 64, 3) / len(self)


def test_images(session, portrait):
    frames = Squares(3).frames(0, 3)
    images, video = PasteBack.execute(frames, portrait, fps=12.5).result
    assert images.shape == (3, *portrait.photo.shape) and isinstance(video, VideoFromComponents)
    assert video.get_frame_rate() == 12.5
    assert torch.equal(images[0, -1, -1], portrait.photo[-1, -1] / 255)


def test_a_video_is_rendered_when_it_is_saved(session, portrait):
    clip = Squares(8)
    first, video = PasteBack.execute(LazyVideo(clip, beep(), "HTB-SR"), portrait).result
    assert first.shape == (1, *portrait.photo.shape) and clip.rendered == 1
    assert isinstance(video, LazyVideo) and video.get_frame_count() == 8 and video.sound() is not None
    saved = VideoCombine.execute(video, 25.0, "pasted", "mp4", 80, False).result[0]
    height, width = portrait.photo.shape[:2]
    assert saved.get_dimensions() == (width, height) and clip.rendered == 9
    # A file is read frame by frame too, and in part.
    part = saved.as_trimmed(0.08, 0.16)
    read = video_frames(part)
    assert len(read) == 4 and (read.frame(0, False) - saved.get_components().images[2]).abs().max() == 0
    assert torch.equal(read.frame(5, True), read.frame(1, False))
    assert torch.equal(read.frame(9, False), read.frame(3, False))


def test_what_does_not_fit_is_said(session, portrait, monkeypatch):
    frames = Squares(3).frames(0, 3)
    monkeypatch.setattr(streaming, "available_memory", lambda: 3 * portrait.photo[..., :1].numel() * 8)
    with pytest.raises(RenderError, match="connect HTB-SR's video"):
        PasteBack.execute(frames, portrait)


@pytest.mark.parametrize("images", [torch.rand(0, 8, 8, 3), torch.rand(8, 8, 3), "a text", None])
def test_what_is_no_clip_is_refused(session, portrait, images):
    with pytest.raises((RenderError, ImageError)):
        PasteBack.execute(images, portrait)


def test_frames_of_a_film_are_decoded_once_for_several_threads():
    opened = []

    def film(first):
        opened.append(first)
        return (torch.full((2, 2, 3), float(i)).numpy().astype("uint8") for i in range(first, 40))

    frames = IndexedFrames(film)
    order = [0, 2, 1, 3, 6, 4, 5, 39, 38, 40, 41, 39]
    seen = [round(float(frames.frame(i, loop=True)[0, 0, 0] * 255)) for i in order]
    assert seen == [i % 40 for i in order] and opened == [0, 0]
    assert round(float(frames.frame(100)[0, 0, 0] * 255)) == 39
    assert len(frames._kept) <= KEPT
    with pytest.raises(ImageError, match="no readable picture"):
        IndexedFrames(lambda first: iter(())).frame(3)


def test_a_video_behind_the_person(session, portrait):
    """A video file, and a video on demand, as HTB-SR's background_video."""
    from real3d_core.wires import Camera, HeadRender, RenderSettings
    from real3d_portrait.nodes import HTBSR, ImageToPlane

    zero, one = torch.zeros(3), torch.ones(3)
    still = Camera(zero, zero, zero, one, torch.zeros(3, 2), one)
    head = HeadRender(ImageToPlane.execute(portrait).result[0], still, RenderSettings(32, 16, 8))
    lazy = LazyVideo(Squares(4), None, "HTB-SR")
    saved = VideoCombine.execute(lazy, 25.0, "behind", "mp4", 100, False).result[0]
    for video in (lazy, saved):
        images = HTBSR.execute(head, portrait, "images", background_video=video).result[0]
        assert (images[:, 4, 4, 0] - torch.arange(3) / 4).abs().max() < 0.02
    painted, mask = torch.ones(1, 512, 512, 3), torch.zeros(1, 512, 512)
    mask[:, :256] = 1
    given = {"replacement_head": painted, "replacement_mask": mask, "replacement_start": 1}
    plain = HTBSR.execute(head, portrait, "images").result[0]
    changed = HTBSR.execute(head, portrait, "images", **given).result[0]
    assert torch.equal(changed[::2], plain[::2]) and not torch.equal(changed[1], plain[1])
    assert torch.equal(changed[1, 256:], plain[1, 256:])
    for bad in ("a video", 3):
        with pytest.raises(RenderError, match="video"):
            HTBSR.execute(head, portrait, "images", background_video=bad)
