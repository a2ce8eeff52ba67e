"""A VIDEO on demand: rendered once, whole or not at all, any part of it alone."""

import gc
import os
import sys
import time

import pytest
import torch

from real3d_core.errors import OutputError, RenderError
from real3d_portrait.nodes import host
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.video import VideoFromFile
from real3d_portrait.nodes.lazy_video import LazyVideo

from .small import CountedClip, beep


@pytest.fixture(autouse=True)
def session(tmp_path):
    with using(Session(output=tmp_path / "output", temp=tmp_path / "temp")) as session:
        yield session


def test_it_knows_itself_without_rendering():
    clip = CountedClip(20)
    video = LazyVideo(clip, beep(), "HTB-SR")
    assert video.get_dimensions() == (64, 48)
    assert (video.get_frame_count(), video.get_frame_rate(), video.get_duration()) == (20, 25, 0.8)
    assert repr(video) == "<HTB-SR: 20 frames of 64x48 at 25 a second>"
    assert clip.rendered == 0


def test_it_can_be_printed_in_any_state():
    """Loggers and error reports print what they meet, half-built and broken objects too."""
    half = LazyVideo.__new__(LazyVideo)
    assert repr(half) == str(half) == "<LazyVideo: not ready>"
    half._title = "HTB-SR"
    assert repr(half) == "<HTB-SR: not ready>"

    class Broken(CountedClip):
        @property
        def width(self):
            raise RuntimeError("gone")

    assert repr(LazyVideo(Broken(20), None, "HTB-SR")) == "<HTB-SR: not ready>"
    for fps in (0.0, float("nan"), "fast", None):
        clip = CountedClip(20)
        clip.fps = fps
        assert repr(LazyVideo(clip, None, "HTB-SR")) == "<HTB-SR: not ready>"


def test_many_consumers_render_once(tmp_path):
    clip = CountedClip(20)
    video = LazyVideo(clip, beep(), "HTB-SR")
    for name in ("a.mp4", "b.mp4"):
        video.save_to(tmp_path / name, metadata={"prompt": {"1": {}}, "note": "hi"})
    video.save_to(str(tmp_path / "c.mp4"), crf=30)
    assert clip.rendered == 20
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        saved = VideoFromFile(tmp_path / name)
        parts = saved.get_components()
        assert parts.images.shape == (20, 48, 64, 3) and parts.frame_rate == 25
        levels = parts.images.mean((1, 2, 3))
        assert (levels - torch.arange(20) / 20).abs().max() < 0.02
        sound = parts.audio["waveform"][0, 0]
        assert abs(len(sound) / parts.audio["sample_rate"] - 0.8) < 0.05
        assert sound[: len(sound) * 4 // 10].abs().max() < 0.05 < sound[len(sound) * 6 // 10 :].abs().max()


def test_the_workflow_is_in_the_file(tmp_path):
    import av

    LazyVideo(CountedClip(5), None, "HTB-SR").save_to(tmp_path / "a.mp4", metadata={"prompt": {"1": 2}})
    with av.open(os.fspath(tmp_path / "a.mp4")) as file:
        assert file.metadata["prompt"] == '{"1": 2}'
        assert not file.streams.audio


def test_the_master_goes_with_the_object(session, tmp_path):
    video = LazyVideo(CountedClip(5), None, "HTB-SR")
    master = video.get_stream_source()
    assert os.path.dirname(master) == os.fspath(session.temp)
    os.remove(master)  # somebody empties temp/
    video.save_to(tmp_path / "a.mp4")
    assert os.listdir(session.temp)
    del video
    gc.collect()
    assert os.listdir(session.temp) == []


def test_a_part_renders_only_its_frames(tmp_path):
    clip = CountedClip(20)
    part = LazyVideo(clip, beep(), "HTB-SR").as_trimmed(0.4, 0.2)
    parts = part.get_components()
    assert clip.rendered == 5
    assert parts.images[:, 0, 0, 0].tolist() == pytest.approx([i / 20 for i in range(10, 15)])
    assert parts.audio["waveform"].shape == (1, 1, 3200)
    assert parts.audio["waveform"][0, 0, 100:].abs().max() > 0.4
    again = part.as_trimmed(-0.08)
    assert again.get_components().images[:, 0, 0, 0].tolist() == pytest.approx([13 / 20, 14 / 20])


def test_parts_that_are_not_there():
    video = LazyVideo(CountedClip(20), None, "HTB-SR")
    assert video.as_trimmed(0.8) is None
    assert video.as_trimmed(0.5, 0.5, strict_duration=True) is None
    assert video.as_trimmed(0.5, 0.5).get_frame_count() == 8
    assert video.as_trimmed().get_frame_count() == 20
    for start, length in ((float("nan"), 1.0), (0.0, float("inf")), (float("-inf"), None)):
        with pytest.raises(RenderError, match="numbers of seconds"):
            video.as_trimmed(start, length)


def test_an_unknown_kind_of_file_is_refused_before_anything_is_rendered(tmp_path):
    clip = CountedClip(20)
    for kind in ({"format": "avi"}, {"codec": "morse"}, {"format": 3}):
        with pytest.raises(OutputError, match="choose mp4"):
            LazyVideo(clip, None, "HTB-SR").save_to(tmp_path / "a.mp4", **kind)
    assert clip.rendered == 0


def test_an_error_names_the_stage_and_leaves_no_file(session, tmp_path):
    video = LazyVideo(CountedClip(20, fail_at=7), beep(), "HTB-SR")
    with pytest.raises(RenderError, match=r"^HTB-SR: this frame"):
        video.save_to(tmp_path / "a.mp4")
    with pytest.raises(RenderError, match=r"^HTB-SR: this frame"):
        video.get_components()
    assert not (tmp_path / "a.mp4").exists()
    assert list(session.temp.rglob("*")) == []


def test_cancel_leaves_no_file(session, tmp_path, monkeypatch):
    class Cancelled(BaseException):
        pass

    clip, asked = CountedClip(200), 0

    def cancelled_after_ten():
        nonlocal asked
        asked += 1
        if asked > 10:
            raise Cancelled

    monkeypatch.setattr(host, "check", cancelled_after_ten)
    with pytest.raises(Cancelled):
        LazyVideo(clip, None, "HTB-SR").save_to(tmp_path / "a.mp4")
    assert clip.rendered < 30
    assert not (tmp_path / "a.mp4").exists() and list(session.temp.rglob("*")) == []


def test_frames_that_do_not_fit_are_refused_in_a_sentence():
    class Huge(CountedClip):
        width = height = 100_000

    clip = Huge(1000)
    with pytest.raises(RenderError, match="GB"):
        LazyVideo(clip, None, "HTB-SR").get_components()
    assert clip.rendered == 0


def test_a_full_disk_is_said_and_leaves_no_file(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(VideoFromFile, "save_to", full)
    video = LazyVideo(CountedClip(5), None, "HTB-SR")
    with pytest.raises(OutputError, match="No space left"):
        video.save_to(tmp_path / "a.mp4")
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows guards open files by itself")
def test_masters_of_killed_runs_are_swept(session, tmp_path):
    """A dead run's master goes when the next one renders; that of a live one, however old, stays."""
    live = LazyVideo(CountedClip(5), None, "HTB-SR")
    dead = session.temp / "real3d_master_0123456789abcdef.mp4"
    old = time.time() - 3600
    master = live.get_stream_source()
    dead.write_bytes(b"x")
    for path in (dead, master):
        os.utime(path, (old, old))
    LazyVideo(CountedClip(5), None, "HTB-SR").save_to(tmp_path / "b.mp4")
    assert not dead.exists() and os.path.exists(master)
