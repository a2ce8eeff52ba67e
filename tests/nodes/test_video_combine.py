"""Video Combine: every format from images, files and videos on demand; length, alpha, what is shown."""

import json
import os
from itertools import islice

import av
import numpy as np
import pytest
import torch
from PIL import Image

from real3d_core.errors import OutputError, RenderError
from real3d_core.video.format_files import format_names, load_format
from real3d_portrait.nodes import VideoCombine, host, video_combine
from real3d_portrait.nodes.headless import io
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.video import VideoFromFile
from real3d_portrait.nodes.lazy_video import MASTER_CRF, LazyVideo

from .small import CountedClip, beep

FRAMES = 10


@pytest.fixture(autouse=True)
def session(tmp_path):
    with using(Session(output=tmp_path / "output", temp=tmp_path / "temp")) as session:
        yield session


def combine(images, **changes):
    inputs = {"fps": 25.0, "filename_prefix": "a/clip", "format": "mp4", "quality": 80, "save_metadata": True}
    hidden = io.HiddenHolder("7", {"1": {"class_type": "X"}}, {"workflow": {"nodes": []}})
    return VideoCombine.with_hidden(hidden).execute(images, **inputs | changes)


def stills(count=FRAMES, channels=3):
    frames = CountedClip(count).frames(0, count)
    return frames if channels == 3 else torch.cat([frames, torch.ones(*frames.shape[:3], 1)], dim=3)


def audio(seconds):
    return {"waveform": beep(seconds).waveform[None], "sample_rate": 16_000}


def ui_of(output):
    return output.ui if isinstance(output.ui, dict) else output.ui.as_dict()


def file_of(session, output):
    """The file or folder that was saved."""
    shown = ui_of(output)
    (saved,) = shown.get("saved", shown["images"])
    assert saved["type"] == "output"
    return session.output / saved["subfolder"] / saved["filename"]


def levels_of(path):
    """The grey of each frame, 0..1."""
    if path.is_dir():
        return [np.array(Image.open(file)).mean() / 255 for file in sorted(path.glob("frame_*"))]
    return VideoFromFile(path).get_components().images.mean((1, 2, 3)).tolist()


@pytest.mark.parametrize("source", ["images", "on demand", "file", "components"])
@pytest.mark.parametrize("name", format_names())
def test_every_format_from_every_source(session, tmp_path, name, source):
    clip = CountedClip(FRAMES)
    video = LazyVideo(clip, beep(0.4), "HTB-SR")
    images = {"images": stills(), "on demand": video}.get(source)
    if source == "file":
        video.save_to(tmp_path / "f.mp4")
        images = VideoFromFile(tmp_path / "f.mp4")
    elif source == "components":
        parts = host.Types.VideoComponents(images=stills(), audio=audio(0.4), frame_rate=25)
        images = host.InputImpl.VideoFromComponents(parts)
    output = combine(images, format=name)
    path, kind = file_of(session, output), load_format(name)
    assert path.name == "clip_00001_" + ("" if kind.is_folder else kind.ending)
    levels = levels_of(path)
    assert len(levels) == FRAMES
    assert np.abs(np.array(levels) - np.arange(FRAMES) / FRAMES).max() < 0.03
    assert output.result[0].get_frame_count() == FRAMES and output.result[0].get_frame_rate() == 25
    if source != "images" and name not in ("png", "gif"):
        assert VideoFromFile(path).get_components().audio is not None
    if source == "on demand":
        assert clip.rendered == FRAMES
        combine(video, format=name, quality=30)
        assert clip.rendered == FRAMES


@pytest.mark.parametrize("name", ["webm", "mov", "gif", "png"])
def test_a_video_on_demand_is_never_all_in_memory(monkeypatch, name):
    video = LazyVideo(CountedClip(FRAMES), beep(0.4), "HTB-SR")
    monkeypatch.setattr(video, "get_components", None)
    combine(video, format=name, length="longest", alpha=torch.ones(1, 8, 8))


@pytest.mark.parametrize("name", format_names())
def test_what_the_node_shows(session, name):
    shown = ui_of(combine(stills(), format=name))
    kind = load_format(name)
    for entry in shown["images"]:
        folder = session.output if entry["type"] == "output" else session.temp
        assert (folder / entry["subfolder"] / entry["filename"]).is_file()
    assert shown["animated"] == (not kind.is_folder,)
    playable = (".png",) if kind.is_folder else (".mp4", ".webm")  # what a browser can show
    assert all(entry["filename"].endswith(playable) for entry in shown["images"])


def test_a_long_folder_shows_some_of_its_pictures(session):
    shown = ui_of(combine(stills(100)[:, :4, :4], format="png"))
    names = [entry["filename"] for entry in shown["images"]]
    assert 10 <= len(names) <= 16 and names[:2] == ["frame_00000.png", "frame_00007.png"]


def test_the_workflow_goes_into_each_container_and_stays_out_on_demand(session):
    for name in ("png", "webm"):
        for wanted in (True, False):
            path = file_of(session, combine(stills(2), format=name, save_metadata=wanted))
            if name == "png":
                found = Image.open(path / "frame_00001.png").text
            else:
                with av.open(os.fspath(path)) as file:
                    found = {key.lower(): value for key, value in file.metadata.items()}
            assert ("prompt" in found, "workflow" in found) == (wanted, wanted)
            if wanted:
                assert json.loads(found["prompt"]) == {"1": {"class_type": "X"}}


@pytest.mark.parametrize(
    ("length", "seconds", "frames"),
    [
        ("video", 0.2, 10),
        ("video", 0.8, 10),
        ("audio", 0.2, 5),
        ("audio", 0.8, 20),
        ("audio", 0.21, 5),
        ("audio", 0.001, 1),
        ("shortest", 0.2, 5),
        ("shortest", 0.8, 10),
        ("longest", 0.2, 10),
        ("longest", 0.8, 20),
    ],
)
def test_length(session, length, seconds, frames):
    for images in (stills(), LazyVideo(CountedClip(FRAMES), None, "HTB-SR")):
        path = file_of(session, combine(images, audio=audio(seconds), length=length))
        levels = levels_of(path)
        assert len(levels) == frames
        wanted = [min(index, FRAMES - 1) / FRAMES for index in range(frames)]
        assert np.abs(np.array(levels) - wanted).max() < 0.03
        sound = VideoFromFile(path).get_components().audio
        assert sound["waveform"].shape[-1] / sound["sample_rate"] == pytest.approx(frames / 25, abs=0.03)


def test_length_without_a_sound_is_that_of_the_video(session):
    for length in ("audio", "shortest", "longest"):
        assert len(levels_of(file_of(session, combine(stills(), length=length)))) == FRAMES
        silent = {"waveform": torch.zeros(1, 1, 0), "sample_rate": 16_000}
        assert len(levels_of(file_of(session, combine(stills(), length=length, audio=silent)))) == FRAMES


@pytest.mark.parametrize(
    ("length", "frames"), [("video", 10), ("audio", 5), ("shortest", 5), ("longest", 10)]
)
def test_the_own_sound_of_a_video_on_demand_may_be_shorter(session, length, frames):
    clip = CountedClip(FRAMES)
    path = file_of(session, combine(LazyVideo(clip, beep(0.2), "HTB-SR"), length=length))
    assert len(levels_of(path)) == frames and clip.rendered == FRAMES


def alphas(session, output):
    path = file_of(session, output)
    return [np.array(Image.open(file))[..., 3] for file in sorted(path.glob("*.png"))]


def test_alpha_is_a_mask_or_a_fourth_channel(session):
    rows = torch.linspace(0, 1, 48)[None, :, None].expand(1, 48, 64)
    frames = torch.cat([stills(), rows.expand(FRAMES, 48, 64)[..., None]], dim=3)
    wanted = np.round(np.linspace(0, 255, 48))
    for given in (combine(frames, format="png"), combine(stills(), format="png", alpha=rows)):
        found = alphas(session, given)
        assert len(found) == FRAMES
        assert all(np.array_equal(one, np.tile(wanted[:, None], 64)) for one in found)
    mask = combine(frames, format="png", alpha=torch.ones(1, 4, 4))  # the mask takes the channel's place
    assert all((one == 255).all() for one in alphas(session, mask))


def test_masks_are_scaled_and_the_last_one_holds(session):
    masks = torch.stack([torch.full((6, 8), value) for value in (0.0, 0.2, float("nan"), 2.0)])
    found = alphas(session, combine(stills(), format="png", alpha=masks))
    assert [int(one[0, 0]) for one in found] == [0, 51, 0] + [255] * (FRAMES - 3)
    assert all(one.shape == (48, 64) for one in found)


def test_alpha_where_there_can_be_none(session):
    with pytest.raises(RenderError, match="mp4 cannot be transparent; choose gif"):
        combine(stills(), alpha=torch.ones(1, 48, 64))
    assert levels_of(file_of(session, combine(stills(channels=4))))  # a fourth channel alone is left out
    with pytest.raises(RenderError, match="alpha has the shape"):
        combine(stills(), format="webm", alpha=torch.ones(1, 0, 4))


def test_the_output_of_a_folder_is_the_clip(session):
    video = LazyVideo(CountedClip(3), None, "HTB-SR")
    assert combine(video, format="png").result[0] is video
    parts = combine(stills(), format="png", audio=audio(0.4), fps=12.5).result[0].get_components()
    assert parts.images.shape == (FRAMES, 48, 64, 3) and parts.frame_rate == 12.5 and parts.audio


@pytest.mark.parametrize("name", format_names())
def test_cancel_and_errors_leave_nothing(session, monkeypatch, name):
    class Cancelled(BaseException):
        pass

    calls = iter(range(10_000))

    def cancelled():
        if next(calls) == 25:
            raise Cancelled

    failing = LazyVideo(CountedClip(FRAMES, fail_at=6), beep(0.4), "HTB-SR")
    with pytest.raises(RenderError, match=r"^HTB-SR: this frame"):
        combine(failing, format=name)
    monkeypatch.setattr(host, "check", cancelled)
    with pytest.raises(Cancelled):
        combine(stills(40), format=name)
    assert [path for path in (*session.output.rglob("*"), *session.temp.rglob("*")) if path.is_file()] == []
    assert os.listdir(session.output / "a") == []


@pytest.mark.parametrize("name", ["gif", "mov"])
def test_a_copy_to_look_at_is_only_a_comfort(session, monkeypatch, name):
    """Without room in the temp folder the file is kept; a cancel while the copy is made removes it."""
    monkeypatch.setattr(video_combine, "temp_file", lambda *_: session.temp / "absent" / "x.mp4")
    output = combine(stills(), format=name)
    assert file_of(session, output).is_file() and output.ui["images"] == []
    monkeypatch.undo()
    before, calls = os.listdir(session.output / "a"), iter(range(10_000))
    passes = {"gif": 2, "mov": 1}[name] * FRAMES

    def cancelled():
        if next(calls) == passes + 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(host, "check", cancelled)
    with pytest.raises(KeyboardInterrupt):
        combine(stills(), format=name)
    assert os.listdir(session.output / "a") == before
    assert not [path for path in session.temp.rglob("*") if path.is_file()]


def test_a_format_that_is_not_there(session):
    with pytest.raises(OutputError, match="no format 'avi'"):
        combine(stills(), format="avi")
    assert not session.output.exists()


def test_the_master_is_what_mp4_at_80_is():
    assert load_format("mp4").options(80)["crf"] == MASTER_CRF


def test_the_combo_lists_the_formats():
    declared = VideoCombine.define_schema().input("format")
    assert list(declared.options) == format_names() and declared.default in declared.options


def test_frames_are_numbered_as_they_are_counted(session):
    path = file_of(session, combine(stills(3), format="png", audio=audio(0.12)))
    names = sorted(file.name for file in path.iterdir())
    assert names == [*(f"frame_0000{i}.png" for i in range(3)), "sound.wav"]
    assert list(islice(levels_of(path), 3)) == pytest.approx([0, 85 / 255, 170 / 255], abs=0.003)
