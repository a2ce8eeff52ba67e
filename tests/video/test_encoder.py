import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from real3d_core.errors import AudioError, OutputError, RenderError
from real3d_core.video.decoder import read_audio, read_video
from real3d_core.video.encoder import encode_mp4, frame_rate, picture_array
from real3d_core.wires import Audio

ROOT = Path(__file__).resolve().parents[2]


class Cancelled(BaseException):
    pass


def grey(count, width=64, height=48):
    return [np.full((height, width, 3), 40 + i, np.uint8) for i in range(count)]


def noise(channels, seconds, rate):
    generator = torch.Generator().manual_seed(1)
    return Audio(torch.randn(channels, int(seconds * rate), generator=generator) * 0.1, rate)


@pytest.mark.parametrize(
    ("frames", "channels", "rate", "fps"),
    [
        (50, 1, 16000, 25),
        (50, 2, 44100, 30),
        (7, 8, 192000, Fraction(30000, 1001)),
        (30, 6, 8000, 24),
        (20, 3, 11025, 12.5),
        (1, 1, 48000, 25),
    ],
)
def test_picture_and_sound_end_together(tmp_path, frames, channels, rate, fps):
    path = tmp_path / "clip.mp4"
    for seconds in (0.5 * frames / float(fps), 2 * frames / float(fps)):  # to be padded; to be cut
        assert encode_mp4(path, grey(frames), fps, noise(channels, seconds, rate)) == frames
        with av.open(str(path)) as file:
            video, audio = file.streams.video[0], file.streams.audio[0]
            assert video.frames == frames and video.average_rate == frame_rate(fps)
            length = float(video.duration * video.time_base)
            assert length == pytest.approx(frames / float(fps), abs=1e-3)
            # mp4 states the length of a track in milliseconds.
            assert float(audio.duration * audio.time_base) == pytest.approx(length, abs=1.1e-3)
            assert audio.layout.name == ("mono" if channels == 1 else "stereo")
        assert sum(1 for _ in read_video(path).frames()) == frames
        # AAC comes in blocks of 1024 samples; players cut the last one off.
        assert abs(read_audio(path).seconds - length) <= 1024 / 44100


def test_without_sound_there_is_no_sound_track(tmp_path):
    encode_mp4(tmp_path / "clip.mp4", grey(3), 25)
    clip = read_video(tmp_path / "clip.mp4")
    assert not clip.has_audio and clip.audio() is None and clip.fps == 25


COLOURS = [
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (220, 170, 140),
]  # fmt: skip


@pytest.mark.parametrize("size", [(64, 96), (720, 1280)])
def test_colours_and_their_tags(tmp_path, size):
    path = tmp_path / "clip.mp4"
    encode_mp4(path, [np.full((*size, 3), c, np.uint8) for c in COLOURS], 25, crf=10)
    with av.open(str(path)) as file:
        context = file.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc) == (1, 13)
        assert (context.colorspace, context.color_range) == (1, 1)
        planes = [f.to_ndarray() for f in file.decode(video=0)]
    for colour, shown, yuv in zip(COLOURS, read_video(path).frames(), planes, strict=True):
        assert np.abs(shown[20, 30].astype(int) - colour).max() <= 4
        luma = 16 + 219 / 255 * np.dot((0.2126, 0.7152, 0.0722), colour)  # BT.709, by hand
        assert abs(int(yuv[20, 30]) - luma) <= 2


def test_an_empty_sound_is_silence(tmp_path):
    """As in a part of a clip that lies behind the end of its sound."""
    encode_mp4(tmp_path / "clip.mp4", grey(10), 25, Audio(torch.zeros(2, 0), 16000))
    heard = read_audio(tmp_path / "clip.mp4")
    assert heard.seconds >= 0.4 and heard.waveform.abs().max() < 1e-4


def test_float_and_uint8_and_tensor_frames_are_the_same_picture():
    picture = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    for same in (
        picture,
        torch.from_numpy(picture),
        picture / 255.0,
        torch.from_numpy(picture).float() / 255,
    ):
        assert np.array_equal(picture_array(same), picture)
    half = picture_array((torch.from_numpy(picture).float() / 255).bfloat16())
    assert np.abs(half.astype(int) - picture).max() <= 1
    assert picture_array(torch.tensor([[[-1.0, 2.0, float("nan")]]])).tolist() == [[[0, 255, 0]]]


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (4, 0, 3)])
def test_frames_of_a_wrong_kind(shape):
    with pytest.raises(RenderError, match="shape"):
        picture_array(np.zeros(shape, np.uint8))
    with pytest.raises(RenderError, match="int64"):
        picture_array(np.zeros((4, 4, 3), np.int64))


def test_odd_sizes_are_padded_by_their_last_row_and_column(tmp_path):
    picture = np.zeros((33, 35, 3), np.uint8)
    picture[:, 30:] = picture[30:] = 200
    encode_mp4(tmp_path / "odd.mp4", [picture], 25, crf=5)
    shown = next(read_video(tmp_path / "odd.mp4").frames())
    assert shown.shape == (34, 36, 3)
    assert shown[-1].min() > 180 and shown[:, -1].min() > 180


def test_a_click_is_heard_at_its_flash(tmp_path):
    rate, fps, at = 22050, 25, (10, 37, 61)
    sound = torch.zeros(1, 3 * rate)
    frames = [np.zeros((32, 32, 3), np.uint8) for _ in range(75)]
    for index in at:
        frames[index][:] = 255
        sound[:, index * rate // fps : index * rate // fps + 60] = 0.9
    encode_mp4(tmp_path / "sync.mp4", frames, fps, Audio(sound, rate))
    flashes = [i for i, f in enumerate(read_video(tmp_path / "sync.mp4").frames()) if f.mean() > 128]
    heard = read_audio(tmp_path / "sync.mp4")
    loud = torch.nonzero(heard.waveform[0].abs() > 0.4)[:, 0] / heard.sample_rate
    clicks = [float(loud[0])] + [float(b) for a, b in pairwise(loud) if b - a > 0.2]
    assert flashes == list(at) and len(clicks) == 3
    assert all(abs(click - index / fps) < 0.004 for click, index in zip(clicks, at, strict=True))


def test_metadata_as_comfyui_writes_it(tmp_path):
    tags = {"prompt": {"1": {"class_type": "A"}}, "workflow": '{"nodes": []}', "comment": "hello"}
    encode_mp4(tmp_path / "clip.mp4", grey(2), 25, metadata=tags)
    with av.open(str(tmp_path / "clip.mp4")) as file:
        assert file.metadata["prompt"] == '{"1": {"class_type": "A"}}'
        assert file.metadata["workflow"] == '{"nodes": []}' and file.metadata["comment"] == "hello"
    data = (tmp_path / "clip.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # browsers can start before they have it all


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"frames": []}, RenderError, "no frames"),
        ({"frames": [*grey(2), np.zeros((8, 8, 3), np.uint8)]}, RenderError, "Frame 2 is 8x8"),
        ({"audio": Audio(torch.full((1, 100), float("nan")), 16000)}, AudioError, "NaN"),
        ({"audio": Audio(torch.zeros(9, 100), 16000)}, AudioError, "channels"),
        ({"fps": 0}, RenderError, "frames per second"),
        ({"fps": float("inf")}, RenderError, "frames per second"),
        ({"crf": 60}, RenderError, "crf"),
        ({"preset": "warp"}, RenderError, "preset"),
    ],
)
def test_what_cannot_be_encoded_leaves_nothing_behind(tmp_path, arguments, error, words):
    arguments = {"frames": grey(3), "fps": 25, **arguments}
    with pytest.raises(error, match=words):
        encode_mp4(tmp_path / "clip.mp4", arguments.pop("frames"), arguments.pop("fps"), **arguments)
    assert os.listdir(tmp_path) == []


def test_a_cancel_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"earlier")
    written = []

    def check():
        if len(written) == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        encode_mp4(path, grey(100), 25, check=check, on_frame=written.append)
    assert written == [1, 2, 3, 4, 5]
    assert os.listdir(tmp_path) == ["clip.mp4"] and path.read_bytes() == b"earlier"


def test_an_error_of_the_renderer_is_not_taken_for_one_of_the_disk(tmp_path):
    def frames():
        yield from grey(3)
        raise OSError("a plane file is gone")

    with pytest.raises(OSError, match="a plane file is gone"):
        encode_mp4(tmp_path / "clip.mp4", frames(), 25)
    assert os.listdir(tmp_path) == []


def test_a_generator_of_frames_is_closed_whatever_happens(tmp_path):
    ended = []

    def frames():
        try:
            yield from [*grey(2), np.zeros((8, 8, 3), np.uint8), *grey(9)]
        finally:
            ended.append(True)

    with pytest.raises(RenderError) as caught:
        encode_mp4(tmp_path / "clip.mp4", frames(), 25)
    assert ended and caught.value.__traceback__ is not None  # while the traceback still holds the frames


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "absent" / "a.mp4", tmp_path / "file" / "a.mp4", tmp_path):
        with pytest.raises(OutputError, match=str(tmp_path)):
            encode_mp4(path, grey(3), 25)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk(tmp_path):
    """A limit on the size of files stands in for a full disk: the same write fails in the same way."""
    script = """
import resource, sys
import numpy as np
from real3d_core.errors import OutputError
from real3d_core.video.encoder import encode_mp4
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
rng = np.random.default_rng(0)
try:
    encode_mp4(sys.argv[1], (rng.integers(0, 256, (256, 256, 3), dtype=np.uint8) for _ in range(40)), 25)
except OutputError as error:
    print("refused:", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "clip.mp4")], cwd=ROOT, capture_output=True, text=True
    )
    assert "refused: The video" in done.stdout and "free space" in done.stdout, done.stderr
    assert os.listdir(tmp_path) == []


def test_memory_does_not_grow_with_the_clip(tmp_path):
    """Frames are taken one by one: none is alive when the one after the next is asked for."""
    import weakref

    alive, most = weakref.WeakValueDictionary(), 0

    class Picture(np.ndarray):
        pass

    def frames():
        nonlocal most
        for i in range(300):
            picture = np.full((48, 64, 3), i % 256, np.uint8).view(Picture)
            alive[i] = picture
            most = max(most, len(alive))
            yield picture

    encode_mp4(tmp_path / "clip.mp4", frames(), 25)
    assert most <= 3
