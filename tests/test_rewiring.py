"""Stages put together in other ways than the template's: each runs, or says in one sentence why it cannot."""

import gc
import os
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from real3d_core.errors import BackendError, RenderError
from real3d_core.htb_sr.analytic import AnalyticFrames
from real3d_core.video.encoder import encode
from real3d_core.video.format_files import load_format
from real3d_core.wires import Audio, Camera
from real3d_portrait.nodes import HTBSR, ImageToPlane, LoadPortrait, RenderTriplane
from real3d_portrait.nodes.headless.execute import run
from real3d_portrait.nodes.headless.graph import Registry, read_workflow
from real3d_portrait.nodes.headless.session import Session, changed, using
from real3d_portrait.nodes.headless.video import VideoFromFile

WORKFLOWS = Path(__file__).resolve().parent / "workflows"
FRAMES = 2


@cache
def known(node, *inputs, **named):
    """What a node gave for these inputs before, as a server keeps it."""
    return node.execute(*inputs, **named)


class KnownPortrait(LoadPortrait):
    @classmethod
    def execute(cls, *inputs, **named):
        return known(LoadPortrait, *inputs, **named)


class KnownPlane(ImageToPlane):
    @classmethod
    def execute(cls, *inputs, **named):
        return known(ImageToPlane, *inputs, **named)


def registry():
    nodes = Registry.standard()
    kept = [nodes.node_class(kind) for kind in nodes.ids()]
    return Registry((*kept, KnownPortrait, KnownPlane))  # of two nodes of one id, the later one counts


@pytest.fixture(scope="module", autouse=True)
def session(tmp_path_factory, models_folder, astronaut):
    """The files that the workflows in tests/workflows name, and the sound of a short clip."""
    root = tmp_path_factory.mktemp("rewiring")
    session = Session(root / "input", root / "output", root / "temp", models_folder)
    session.input.mkdir()
    Image.fromarray(astronaut).save(session.input / "astronaut.png")
    Image.fromarray(astronaut[:, ::-1]).save(session.input / "mirrored.png")
    time = torch.arange(FRAMES * 640) / 16_000
    sound = Audio(0.4 * (torch.sin(time * 900) * torch.sin(time * 25))[None], 16_000)
    write_sound(session.input / "short.wav", sound)
    with using(session):
        yield session
    known.cache_clear()


def write_sound(path, sound):
    """By the sound file that a png sequence has beside it."""
    folder = path.with_suffix("")
    count = round(sound.seconds * 25)
    encode(folder, [np.zeros((2, 2, 3), np.uint8)] * count, 25, sound, kind=load_format("png"))
    (folder / "sound.wav").rename(path)


def run_file(name, output):
    with changed(output=output):
        return run(read_workflow(WORKFLOWS / f"{name}.json", registry()), registry())


@pytest.fixture
def runs(session, tmp_path):
    """Runs a workflow of tests/workflows."""
    return lambda name: run_file(name, tmp_path / "output")


@pytest.fixture(scope="module")
def still(session):
    """What the avatar gives without a motion."""
    return run_file("still_avatar", session.output)


def frames_of(path):
    if path.is_dir():
        pictures = [np.array(Image.open(file)) for file in sorted(path.glob("*.png"))]
        return torch.from_numpy(np.stack(pictures)).float() / 255
    return VideoFromFile(path).get_components().images


def decoded(path):
    """[T, h, w, 4] of a video with alpha, by the decoder that knows it: ffmpeg's own of VP9 does not."""
    codec = "libvpx-vp9" if path.suffix == ".webm" else None
    with av.open(os.fspath(path)) as file:
        track = file.streams.video[0]
        decoder = av.CodecContext.create(codec, "r") if codec else track.codec_context
        pictures = [
            frame.to_ndarray(format="rgba")
            for packet in file.demux(track)
            for frame in decoder.decode(packet)
        ]
    return torch.from_numpy(np.stack(pictures)).float() / 255


def test_without_motion_adapter_the_avatar_is_still(still):
    (path,) = still.saved
    picture = frames_of(path)
    assert picture.shape == (1, 512, 512, 3)
    assert (picture[0] - still.value("portrait", 1)[0]).abs().mean() < 0.02  # the photo itself


def camera(count):
    yaw = torch.linspace(-0.3, 0.3, count)
    zero, one = torch.zeros(count), torch.ones(count)
    return Camera(yaw, zero, zero, one, torch.zeros(count, 2), one)


@pytest.mark.parametrize("deliver", ["images", "video on demand"])
def test_a_still_avatar_under_a_moving_camera(still, deliver):
    portrait, plane = still.value("portrait"), still.value("plane")
    with torch.inference_mode():
        head = RenderTriplane.execute(plane, 128, 48, 48, "fast", camera(3)).result[0]
        images, video, _ = HTBSR.execute(head, portrait, deliver).result
    assert len(head) == 3 and head.fps == 25
    images = images if deliver == "images" else video.get_components().images
    assert images.shape == (3, 512, 512, 3) and video.get_frame_count() == 3
    face = images[:, 60:300, 130:330]
    steps = (face[1:] - face[:-1]).abs().mean((1, 2, 3))
    assert (steps > 0.005).all()  # it turns in every frame
    assert (images[1] - still.value("final")[0]).abs().mean() < 0.002  # and is frontal half-way


def test_a_mesh_is_saved_and_filmed(runs):
    result = runs("head_mesh")
    files = sorted(path.name for path in result.saved)
    assert len(files) == 3 and files[0].startswith("core_") and files[2].startswith("own_")
    (film,) = (path for path in result.saved if path.is_dir())
    frames = frames_of(film)
    assert frames.shape == (3, 512, 512, 3) and (frames[0] - frames[1]).abs().mean() > 0.02


def test_a_camera_path_moves_the_view_of_one_eye_and_of_two(runs):
    result = runs("camera_path_and_stereo")
    pair, mono = (
        frames_of(path) for path in sorted(result.saved, key=lambda path: path.suffix, reverse=True)
    )
    assert pair.shape == (2, 512, 1024, 3) and mono.shape == (2, 512, 512, 3)
    assert (mono[0] - mono[1]).abs().mean() > 0.02  # 20 degrees apart
    for frame, both in zip(mono, pair, strict=True):
        left, right = both[:, :512], both[:, 512:]
        face = (slice(100, 330), slice(190, 330))
        assert (left[face] - right[face]).abs().mean() > 0.005
        assert max((eye[face] - frame[face]).abs().mean() for eye in (left, right)) < 0.05


def test_one_motion_drives_two_portraits(runs):
    result = runs("one_motion_two_portraits")
    first, second = (frames_of(path) for path in result.saved)
    assert first.shape == second.shape == (FRAMES, 512, 512, 3)
    assert (first - second).abs().mean() > 0.05  # different people
    for name in ("clip", "clip2"):
        assert result.value(name).motion.blendshapes.equal(result.value("motion").blendshapes)


def test_two_motions_one_after_the_other_add_up(runs):
    """The second has another frame rate: it is brought to the first one's."""
    result = runs("two_motions_one_triplane")
    first, second, both = (result.value(name) for name in ("motion", "motion2", "twice"))
    assert len(first) == FRAMES and len(second) == 2 * FRAMES and second.fps == 50
    assert len(both.motion) == FRAMES and both.motion.fps == 25
    assert torch.allclose(both.motion.euler[0], first.euler[0] + second.euler[0], atol=1e-5)
    assert torch.allclose(both.motion.euler[1], first.euler[1] + second.euler[2], atol=1e-5)
    assert result.value("once").motion is not both.motion  # the first clip is as it was
    assert frames_of(result.saved[0]).shape[0] == FRAMES


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("foreign_portrait", "^HTB-SR: .* made from another PORTRAIT; connect the same Load Portrait"),
        ("foreign_portrait_in_motion_adapter", "^Motion Adapter: .* made from another PORTRAIT; connect"),
    ],
)
def test_a_foreign_portrait_is_said(runs, tmp_path, name, words):
    with pytest.raises(BackendError, match=words) as caught:
        runs(name)
    assert str(caught.value).count(".") == 1 and "\n" not in str(caught.value)
    assert not list((tmp_path / "output").rglob("*.*"))


def test_core_nodes_between_render_passes_and_a_replacement_head(runs, still):
    result = runs("replacement_head_through_core_nodes")
    assert result.value("scaled").shape == (FRAMES, 512, 700, 3)
    frames = frames_of(result.saved[0])
    face = frames[:, 130:200, 200:260].mean((0, 1, 2))  # skin turns blue when it is inverted
    assert face[2] > face[0] + 0.1
    plain = still.value("final")
    assert (frames[:, :20, :20] - plain[:, :20, :20]).abs().mean() < 0.03  # the background does not


@pytest.mark.parametrize("name", ["background_through_core_nodes", "background_from_a_file"])
def test_core_nodes_before_a_background(runs, still, name):
    result = runs(name)
    frames, plain = frames_of(result.saved[0]), still.value("final")
    assert frames.shape == (FRAMES, 512, 512, 3)
    skin = slice(130, 200), slice(200, 260)
    colour, wanted = frames[(slice(None), *skin)].mean((0, 1, 2)), plain[(0, *skin)].mean((0, 1))
    assert (colour - wanted).abs().max() < 0.1
    assert (frames[:, :40, :40] - plain[:, :40, :40]).abs().mean() > 0.1


def test_from_components_through_a_core_node_into_a_file(runs):
    result = runs("components_to_video_combine")
    saved = VideoFromFile(result.saved[0])
    parts = saved.get_components()
    assert parts.images.shape == (FRAMES, 512, 512, 3) and parts.frame_rate == 25
    assert (parts.images - result.value("inverted")).abs().mean() < 0.02
    assert parts.audio["waveform"].abs().max() > 0.1
    assert abs(parts.audio["waveform"].shape[-1] / parts.audio["sample_rate"] - FRAMES / 25) < 0.03


def test_a_picture_of_the_graph_becomes_a_portrait(runs, still):
    """Load Image's empty mask of a photo without transparency is no mask."""
    result = runs("portrait_from_load_image")
    assert result.value("file", 1).shape == (1, 64, 64)
    landmarks = still.value("portrait").landmarks
    assert torch.allclose(result.value("portrait").landmarks, landmarks, atol=0.5)
    assert frames_of(result.saved[0]).shape[0] == FRAMES


def test_a_batch_of_pictures_becomes_as_many_avatars(runs):
    result = runs("batch_of_avatars")
    assert len(result.outputs["portrait"][0]) == len(result.outputs["final"][1]) == 2
    first, second = (frames_of(path) for path in result.saved)
    assert [path.name for path in result.saved] == ["avatar_00001_.mp4", "avatar_00002_.mp4"]
    assert first.shape == second.shape == (FRAMES, 512, 512, 3)
    assert (first - second).abs().mean() > 0.05


def test_the_renderer_s_alpha_makes_the_file_transparent(runs):
    (path,) = runs("transparent_head").saved
    frames = frames_of(path)
    assert frames.shape == (FRAMES, 512, 512, 4)
    assert (frames[:, 130:200, 200:260, 3] > 0.95).all() and (frames[:, :20, :20, 3] < 0.05).all()


def over(frames, colour):
    """[T, h, w, 3] of frames with straight alpha before a ground."""
    return frames[..., :3] * frames[..., 3:] + torch.tensor(colour) * (1 - frames[..., 3:])


def test_the_mask_makes_the_whole_person_transparent(runs, still, monkeypatch, session):
    """On demand each frame has its own alpha, and nothing of the old background in it."""
    rendered = []
    made = AnalyticFrames.frames
    monkeypatch.setattr(
        AnalyticFrames, "frames", lambda self, start, stop: rendered.append(start) or made(self, start, stop)
    )
    result = runs("transparent_person")
    assert result.value("final", 2).shape == (1, 512, 512)
    assert sorted(rendered) == sorted([0, *range(FRAMES), *range(FRAMES)])  # preview, webm, mov
    assert not list(session.temp.glob("real3d_master_*"))
    video = VideoFromFile(next(path for path in result.saved if path.suffix == ".webm"))
    assert video.get_components().audio is not None
    for path in result.saved:
        frames = decoded(path)
        assert frames.shape == (FRAMES, 512, 512, 4), path
        alpha = frames[..., 3]
        assert (alpha[:, :20, :20] < 0.02).all() and (alpha[:, 130:200, 200:260] > 0.98).all()
        assert (alpha[:, 400:, 150:250] > 0.98).all()  # the torso too
        own = result.value("final", 2)[0]
        assert (alpha[0] - own).abs().mean() < 0.01
        green = result.value("final", 0)[0] * own[..., None] + torch.tensor([0.0, 1.0, 0.0]) * (
            1 - own[..., None]
        )
        assert (over(frames, [0.0, 1.0, 0.0])[0] - green).abs().mean() < 0.02


def test_a_mask_for_each_picture_makes_images_transparent(runs):
    result = runs("transparent_person_from_images")
    (path,) = result.saved
    frames, masks = frames_of(path), result.value("final", 2)
    assert masks.shape == (FRAMES, 512, 512) and not torch.equal(*masks)
    assert (frames[..., 3] - masks).abs().max() < 0.003
    assert (frames[..., :3] - result.value("final", 0)).abs().max() < 0.003


def test_one_render_serves_all_consumers_and_goes_with_its_object(runs, session, monkeypatch):
    rendered = []
    made = AnalyticFrames.frames
    monkeypatch.setattr(
        AnalyticFrames, "frames", lambda self, start, stop: rendered.append(start) or made(self, start, stop)
    )
    result = runs("one_render_for_all")
    assert sorted(rendered) == [0, *range(FRAMES)]  # the first one was shown before
    assert sorted(path.suffix for path in result.saved) == [".mp4", ".mp4", ".webm"]
    assert all(frames_of(path).shape[0] == FRAMES for path in result.saved)
    assert len(list(session.temp.glob("real3d_master_*"))) == 1
    del result
    gc.collect()
    assert not list(session.temp.glob("real3d_master_*"))


class Stopped(BaseException):
    pass


@pytest.mark.parametrize("error", [RenderError("this frame is bad; try another."), Stopped()])
def test_a_frame_that_fails_names_its_stage_and_leaves_no_file(runs, session, tmp_path, monkeypatch, error):
    """Of a clip on demand it is a later node that works when the frame fails."""
    made, before = AnalyticFrames.frames, set(session.temp.rglob("*"))

    def failing(self, start, stop):
        if start == 1:
            raise error
        return made(self, start, stop)

    monkeypatch.setattr(AnalyticFrames, "frames", failing)
    with pytest.raises(type(error)) as caught:
        runs("one_render_for_all")
    if isinstance(error, RenderError):
        assert "HTB-SR: this frame is bad; try another." in str(caught.value)
    assert not [path for path in (tmp_path / "output").rglob("*") if path.is_file()]
    left = set(session.temp.rglob("*")) - before
    assert not [path for path in left if path.suffix != ".png"]  # previews only
