"""Every kind of file in formats/: what comes back from it, what it carries, that it is whole or not there."""

import errno
import json
import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from real3d_core import part_files
from real3d_core.errors import OutputError, RenderError
from real3d_core.video import container_writer, encoder, format_files, palette_writer, picture_writer
from real3d_core.video.decoder import read_audio, read_video
from real3d_core.video.encoder import encode
from real3d_core.video.format_files import format_names, load_format, transparent_formats
from real3d_core.wires import Audio
from tests.frame_packing import frame_packing

ROOT = Path(__file__).resolve().parents[2]
KINDS = ["gif", "mov", "mp4", "png", "webm"]
FRAMES, WIDTH, HEIGHT = 12, 66, 50
TAGS = {"prompt": {"1": {"class_type": "Ä"}}, "workflow": '{"nodes": []}'}


class Cancelled(BaseException):
    pass


def ramps(count=FRAMES, alpha=False):
    """A red ramp across, a green one down, and a blue that tells the number of the frame."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for index in range(count):
        blue = np.full_like(x, 20 * index)
        picture = np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, blue], axis=2).astype(np.uint8)
        disc = 255 * (np.hypot(y - 25, x - 33 - index) < 15)
        yield np.dstack([picture, disc.astype(np.uint8)]) if alpha else picture


def tone(seconds, rate=16000):
    return Audio(0.4 * torch.sin(torch.arange(round(seconds * rate)) * 0.3)[None], rate)


def saved(folder, name, **arguments):
    """Encodes ramps; the file or folder."""
    kind, path = load_format(name), folder / f"clip_{name}"
    path = path if kind.is_folder else path.with_suffix(kind.ending)
    arguments = {"frames": ramps(), "fps": 25, "audio": tone(1.0), "metadata": TAGS} | arguments
    assert encode(path, kind=kind, **arguments) == FRAMES
    return path


def shown(path, alpha=False):
    """The pictures of a file or folder as arrays."""
    if path.is_dir():
        files = sorted(path.glob("frame_*"))
        assert [file.stem for file in files] == [f"frame_{i:05}" for i in range(len(files))]
        return [np.array(Image.open(file)) for file in files]
    if path.suffix == ".gif":
        with Image.open(path) as file:
            return [np.array(one.convert("RGBA"))[..., : 3 + alpha] for one in ImageSequence.Iterator(file)]
    if not alpha:
        return list(read_video(path).frames())
    if path.suffix != ".webm":
        with av.open(str(path)) as file:
            return [frame.to_ndarray(format="rgba") for frame in file.decode(video=0)]
    if int(av.__version__.split(".")[0]) < 15:
        pytest.skip("the only decoder of VP9's alpha breaks memory in this ffmpeg")
    with av.open(str(path)) as file:  # ffmpeg's own decoder of VP9 leaves the alpha out
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        frames = [frame for packet in file.demux(video=0) for frame in decoder.decode(packet)]
        return [np.dstack([frame.to_ndarray(format="rgb24"), alpha_plane(frame)]) for frame in frames]


def alpha_plane(frame):
    """swscale leaves the alpha of the last columns as its memory was when it makes RGBA of YUVA."""
    plane = frame.planes[3]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]


@pytest.mark.parametrize("name", KINDS)
def test_pictures_come_back(tmp_path, name):
    pictures = shown(saved(tmp_path, name))
    assert len(pictures) == FRAMES
    allowed = {"png": 0, "mov": 2, "gif": 24, "mp4": 6, "webm": 6}[name]  # mean over a picture, of 255
    for picture, given in zip(pictures, ramps(), strict=True):
        assert np.abs(picture.astype(int) - given).mean() <= allowed
        if name != "gif":  # 256 colours are few for three ramps
            assert np.abs(picture.mean((0, 1)) - given.mean((0, 1))).max() <= 4


@pytest.mark.parametrize("name", ["gif", "mov", "png", "webm"])
def test_transparency_comes_back(tmp_path, name):
    path = saved(tmp_path, name, frames=ramps(alpha=True))
    assert name in transparent_formats()
    pictures = shown(path, alpha=True)
    assert len(pictures) == FRAMES
    for picture, given in zip(pictures, ramps(alpha=True), strict=True):
        opaque = given[..., 3] > 128
        assert np.mean((picture[..., 3] > 128) != opaque) < 0.02
        assert np.abs(picture[opaque].astype(int) - given[opaque])[:, :3].mean() < 14
    if name == "webm":
        with av.open(str(path)) as file:
            assert file.streams.video[0].metadata["ALPHA_MODE"] == "1"


def test_a_format_without_transparency_says_which_have_it(tmp_path):
    with pytest.raises(RenderError, match="mp4 cannot be transparent; choose gif, mov, png, webm"):
        encode(tmp_path / "a.mp4", ramps(alpha=True), 25, kind=load_format("mp4"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["mov", "mp4", "png", "webm"])
@pytest.mark.parametrize("seconds", [0.2, 1.0])
def test_the_sound_ends_with_the_pictures(tmp_path, name, seconds):
    path = saved(tmp_path, name, audio=tone(seconds))
    sound = read_audio(path / "sound.wav" if path.is_dir() else path)
    assert sound.seconds == pytest.approx(FRAMES / 25, abs=0.03)
    heard = sound.waveform[0].abs()
    tail = heard[round(0.3 * sound.sample_rate) : round(0.45 * sound.sample_rate)]
    assert heard[: round(0.15 * sound.sample_rate)].max() == pytest.approx(0.4, abs=0.08)
    assert (tail.max() > 0.3) == (seconds > 0.5)


@pytest.mark.parametrize("name", KINDS)
def test_the_workflow_is_in_the_file(tmp_path, name):
    path = saved(tmp_path, name)
    wanted = {"prompt": json.dumps(TAGS["prompt"]), "workflow": TAGS["workflow"]}
    if name == "gif":
        with Image.open(path) as file:
            assert json.loads(file.info["comment"]) == wanted
    elif name == "png":
        assert all(Image.open(file).text == wanted for file in path.glob("*.png"))
    else:
        with av.open(str(path)) as file:
            found = {key.lower(): value for key, value in file.metadata.items()}
        assert {key: found[key] for key in wanted} == wanted


def told_stereo(path):
    """How a decoder says that the eyes' pictures lie in the first frame, and the track's own tag."""
    with av.open(os.fspath(path)) as file:
        next(file.decode(video=0))
        return file.streams.video[0].metadata.get("stereo_mode")


@pytest.mark.parametrize("name", ["mp4", "webm"])
@pytest.mark.parametrize(
    ("layout", "mode"), [("side by side", "left_right"), ("over-under", "top_bottom"), ("", None)]
)
def test_players_are_told_of_two_eyes(tmp_path, name, layout, mode):
    path = saved(tmp_path, name, stereo=layout)
    if name == "mp4":
        assert frame_packing(path) == {"left_right": 3, "top_bottom": 4, None: None}[mode]
    else:
        assert told_stereo(path) == mode


@pytest.mark.parametrize("name", ["gif", "mov", "png"])
def test_a_format_that_cannot_say_stereo_is_written_all_the_same(tmp_path, name):
    assert saved(tmp_path, name, stereo="side by side").exists()


def test_an_unknown_stereo_layout_is_refused(tmp_path):
    with pytest.raises(RenderError, match="no stereo layout"):
        saved(tmp_path, "mp4", stereo="hologram")


@pytest.mark.parametrize("fps", [25, 30, Fraction(30000, 1001)])
@pytest.mark.parametrize("name", ["gif", "mov", "webm"])
def test_the_rate_is_kept(tmp_path, name, fps):
    with av.open(str(saved(tmp_path, name, fps=fps, audio=None))) as file:
        times = [frame.time for frame in file.decode(video=0)]
    step = 0.0101 if name == "gif" else 0.0011  # the clocks of these files
    assert all(abs(time - index / fps) < step for index, time in enumerate(times))


@pytest.mark.parametrize("name", ["gif", "mov", "mp4", "webm"])
def test_quality_decides_the_size(tmp_path, name):
    generator = np.random.default_rng(0)
    noise = [generator.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(4)]
    kind, sizes = load_format(name), []
    for quality in (0, 80, 100):
        path = tmp_path / f"{quality}{kind.ending}"
        encode(path, noise, 25, kind=kind, quality=quality)
        sizes.append(path.stat().st_size)
    assert sizes[0] < sizes[1] < sizes[2]
    with pytest.raises(RenderError, match="quality of 101"):
        encode(tmp_path / "a", noise, 25, kind=kind, quality=101)


@pytest.mark.parametrize("name", KINDS)
def test_a_cancel_leaves_nothing(tmp_path, name):
    def cancelled():
        yield from list(ramps())[:5]
        raise Cancelled

    with pytest.raises(Cancelled):
        saved(tmp_path, name, frames=cancelled())
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("name", KINDS)
def test_a_disk_that_refuses_the_file(tmp_path, monkeypatch, name, code):
    """Refused when it is opened, while it is written, and when it is moved into place."""

    def refused(*_, **__):
        raise OSError(code, os.strerror(code))

    for owner, attribute in (
        (part_files.os, "mkdir" if name == "png" else "open"),
        (picture_writer if name == "png" else container_writer, "output_errors"),
        (part_files.os, "replace"),
    ):
        with monkeypatch.context() as patch:
            if attribute == "output_errors":
                patch.setattr(*_refusing_writes(name), refused)
            else:
                patch.setattr(owner, attribute, refused)
            with pytest.raises(OutputError, match=os.strerror(code)):
                saved(tmp_path, name)
        assert os.listdir(tmp_path) == []


def _refusing_writes(name):
    if name == "png":
        return Image.Image, "save"
    return (
        (palette_writer, "_with_comment") if name == "gif" else (container_writer.SoundTrack, "encode_until")
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("name", KINDS)
def test_a_full_disk(tmp_path, name):
    """A limit on the size of files stands in for a full disk: the same write fails in the same way."""
    script = """
import resource, sys
import numpy as np
from real3d_core.errors import OutputError
from real3d_core.video.encoder import encode
from real3d_core.video.format_files import load_format
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
rng = np.random.default_rng(0)
pictures = (rng.integers(0, 256, (160, 160, 3), dtype=np.uint8) for _ in range(10))
try:
    encode(sys.argv[1], pictures, 25, kind=load_format(sys.argv[2]))
except OutputError as error:
    print("refused:", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "clip", name], cwd=ROOT, capture_output=True, text=True
    )
    assert "refused: The video" in done.stdout and "free space" in done.stdout, done.stderr
    assert os.listdir(tmp_path) == []


def test_leftovers_of_a_killed_folder_are_swept(tmp_path):
    left = tmp_path / ".real3d_part_0123456789abcdef.frames"
    left.mkdir()
    (left / "frame_00000.png").touch()
    if part_files.fcntl is None:
        pytest.skip("Windows has no locks that end with a process")
    saved(tmp_path, "png")
    assert os.listdir(tmp_path) == ["clip_png"]


def test_a_folder_is_not_written_over(tmp_path):
    saved(tmp_path, "png")
    before = time.time()
    with pytest.raises(OutputError, match="a folder already; give the name of a new folder"):
        saved(tmp_path, "png")
    assert all(file.stat().st_mtime <= before for file in (tmp_path / "clip_png").iterdir())


@pytest.mark.parametrize("kind", ["mp4", "png"])
def test_a_name_that_is_too_long_is_told(tmp_path, kind):
    with pytest.raises(OutputError, match="cannot be written"):
        encode(tmp_path / ("x" * 300), ramps(), 25, kind=load_format(kind))
    assert os.listdir(tmp_path) == []


def test_frames_that_change_their_kind(tmp_path):
    frames = [next(ramps()), next(ramps(alpha=True))]
    with pytest.raises(RenderError, match="Frame 1 has 4 channels"):
        encode(tmp_path / "a.webm", frames, 25, kind=load_format("webm"))


# --- formats as data --------------------------------------------------------------------------------------


@pytest.fixture
def formats(tmp_path, monkeypatch):
    """A folder of formats of our own."""
    monkeypatch.setattr(format_files, "FOLDER", tmp_path / "formats")
    (tmp_path / "formats").mkdir()
    return tmp_path / "formats"


GOOD = {
    "about": "lossless",
    "writer": "container",
    "ending": ".mkv",
    "preview": "mp4",
    "container": "matroska",
    "video": {"codec": "ffv1", "pixels": "bgr0"},
    "sound": {"codec": "flac"},
}


def test_the_combo_lists_what_is_there():
    assert set(format_names()) >= set(KINDS)
    assert all(load_format(name).about for name in format_names())


def test_a_format_is_added_without_code(formats, tmp_path):
    (formats / "lossless.json").write_text(json.dumps(GOOD))
    assert format_names() == ["lossless"]
    encode(tmp_path / "a.mkv", ramps(), 25, tone(1.0), kind=load_format("lossless"))
    for picture, given in zip(read_video(tmp_path / "a.mkv").frames(), ramps(), strict=True):
        assert np.array_equal(picture, given)
    jpeg = {"about": "x", "writer": "pictures", "ending": ".jpg", "preview": "itself"}
    jpeg["video"] = {
        "codec": "JPEG",
        "pixels": "RGB",
        "quality": {"option": "quality", "worst": 5, "best": 95},
    }
    jpeg["video"]["quality"] = {"option": "quality", "worst": 30, "best": 95}
    (formats / "jpg.json").write_text(json.dumps(jpeg))
    encode(tmp_path / "jpg", ramps(), 25, kind=load_format("jpg"), quality=100)
    assert len(list((tmp_path / "jpg").glob("frame_*.jpg"))) == FRAMES


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"about": None}, "about is missing"),
        ({"writer": "magic"}, "writer must be one of"),
        ({"ending": "../x"}, "ending must be a dot"),
        ({"ending": 3}, "ending must be a text"),
        ({"preview": "no"}, "preview must be"),
        ({"container": ""}, "container is missing"),
        ({"speed": 1}, "speed is not known"),
        ({"video": "x264"}, "video. must be an object"),
        ({"video": {"codec": "ffv1"}}, "video.pixels is missing"),
        ({"video": {"codec": "ffv1", "pixels": "bgr0", "transfer": "odd"}}, "video.transfer must be one of"),
        ({"video": {"codec": "ffv1", "pixels": "bgr0", "options": [1]}}, "video.options must be texts"),
        ({"video": {"codec": "c", "pixels": "p", "quality": {"option": "crf"}}}, "quality.worst is missing"),
        ({"sound": {"codec": "flac", "rates": ["many"]}}, "sound.rates must be a list"),
        ({"sound": {"codec": "flac", "bits": [1]}}, "sound.bits must be two"),
        ({"writer": "pictures"}, "sound.container is missing"),
    ],
)
def test_a_wrong_format_says_what_is_wrong(formats, change, words):
    data = {name: value for name, value in (GOOD | change).items() if value is not None}
    (formats / "bad.json").write_text(json.dumps(data))
    with pytest.raises(OutputError, match=words) as caught:
        load_format("bad")
    assert "bad.json is wrong" in str(caught.value) and format_names() == ["bad"]
    assert transparent_formats() == []


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "nul", "[" * 100_000])
def test_a_format_that_is_no_json(formats, text):
    (formats / "bad.json").write_text(text)
    with pytest.raises(OutputError, match=r"bad\.json"):
        load_format("bad")


def test_pillow_s_own_refusals_are_typed(formats, tmp_path):
    video = {"codec": "JPEG", "pixels": "RGB", "options": {"quality": "odd"}}
    odd = {"about": "x", "writer": "pictures", "ending": ".jpg", "preview": "itself", "video": video}
    for change in ({}, {"pixels": "nothing"}, {"codec": "nothing"}):
        (formats / "odd.json").write_text(json.dumps(odd | {"video": video | change}))
        with pytest.raises(OutputError, match="Pillow"):
            encode(tmp_path / "a", ramps(), 25, kind=load_format("odd"))
        assert os.listdir(tmp_path) == ["formats"]


@pytest.mark.parametrize("name", ["avi", "../mp4", "formats/mp4", "", "mp4.json"])
def test_a_format_that_is_not_there(name):
    with pytest.raises(OutputError, match=r"There is no format .*; choose one of gif"):
        load_format(name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"container": "nothing"}, "the file kind nothing"),
        ({"video": {"codec": "nothing", "pixels": "bgr0"}}, "the encoder nothing"),
        ({"video": {"codec": "ffv1", "pixels": "nothing"}}, "the pixel format nothing"),
        ({"sound": {"codec": "nothing"}}, "the encoder nothing"),
        ({"video": {"codec": "ffv1", "pixels": "gbrp"}}, "ffv1 refuses the settings of the format odd"),
    ],
)
def test_what_this_ffmpeg_lacks_is_named(formats, tmp_path, change, words):
    (formats / "odd.json").write_text(json.dumps(GOOD | change))
    with pytest.raises(OutputError, match=words):
        encode(tmp_path / "a.mkv", ramps(), 25, tone(1.0), kind=load_format("odd"))
    assert os.listdir(tmp_path) == ["formats"]


def test_every_format_names_a_writer_that_there_is():
    assert set(format_files.WRITERS) == set(encoder._WRITERS)
