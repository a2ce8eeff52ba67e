"""The box that says "two eyes" in mp4 and mov: there, read by ffmpeg, and nothing else changed."""

import os
import shutil
import struct
import subprocess

import av
import numpy as np
import pytest

from real3d_core.video.encoder import encode
from real3d_core.video.format_files import load_format
from real3d_core.video.stereo_box import add_stereo_box

from .test_formats import ramps, tone


def written(folder, name, **arguments):
    kind = load_format(name)
    path = folder / f"clip{kind.ending}"
    encode(path, ramps(), 25, tone(1.0), kind=kind, **arguments)
    return path


def frames_of(path):
    with av.open(os.fspath(path)) as file:
        sound = sum(frame.samples for frame in file.decode(audio=0))
    with av.open(os.fspath(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]), sound


@pytest.mark.parametrize("name", ["mp4", "mov"])
@pytest.mark.parametrize(("layout", "mode"), [("side by side", 2), ("over-under", 1)])
def test_the_box_is_there_and_the_clip_the_same(tmp_path, name, layout, mode):
    path = written(tmp_path, name)
    marked = tmp_path / f"marked{path.suffix}"
    shutil.copy(path, marked)
    assert add_stereo_box(marked, layout)
    assert b"st3d" not in path.read_bytes()
    assert marked.read_bytes().count(struct.pack(">I4sIB", 13, b"st3d", 0, mode)) == 1
    for one, other in zip(frames_of(path), frames_of(marked), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe")
@pytest.mark.parametrize(
    ("layout", "word"), [("side by side", "side by side"), ("over-under", "top and bottom")]
)
def test_ffmpeg_s_own_tool_reads_it(tmp_path, layout, word):
    path = written(tmp_path, "mov", stereo=layout)
    told = subprocess.run(["ffprobe", "-v", "error", "-show_streams", path], capture_output=True, text=True)
    assert f"type={word}" in told.stdout and not told.stderr


def test_an_index_at_the_end_needs_no_moving(tmp_path):
    kind = load_format("mp4")
    path = tmp_path / "clip.mp4"
    with av.open(os.fspath(path), "w", format="mp4") as file:  # without faststart
        track = file.add_stream("libx264", rate=25)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for picture in (np.full((48, 64, 3), level, np.uint8) for level in (0, 90, 180)):
            file.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(track.encode(None))
    assert path.read_bytes().index(b"moov") > path.read_bytes().index(b"mdat") and kind.stereo is not None
    with av.open(os.fspath(path)) as file:
        before = [frame.to_ndarray() for frame in file.decode(video=0)]
    assert add_stereo_box(path, "side by side")
    with av.open(os.fspath(path)) as file:
        after = [frame.to_ndarray() for frame in file.decode(video=0)]
    assert np.array_equal(before, after) and b"st3d" in path.read_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"moov",
        b"\0" * 64,
        struct.pack(">I4s", 8, b"moov"),
        struct.pack(">I4s", 0, b"moov"),
        struct.pack(">I4sI4s", 16, b"moov", 500, b"trak"),
        struct.pack(">I4sI4s", 16, b"moov", 3, b"trak"),
        struct.pack(">I4sQ", 1, b"moov", 2**60),
    ],
)
def test_what_is_no_such_file_stays_as_it_is(tmp_path, data):
    path = tmp_path / "file.mp4"
    path.write_bytes(data)
    assert not add_stereo_box(path, "side by side")
    assert path.read_bytes() == data
