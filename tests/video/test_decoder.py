from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from real3d_core.errors import AudioError, ImageError, RenderError
from real3d_core.video.decoder import read_audio, read_video
from real3d_core.video.encoder import encode_mp4
from real3d_core.wires import Audio

SUFFIXES = {
    "wav": "pcm_s16le",
    "flac": "flac",
    "mp3": "libmp3lame",
    "m4a": "aac",
    "ogg": "libopus",
}


def tone(channels, seconds=1.0, rate=48000, hertz=440.0):
    time = torch.arange(int(seconds * rate)) / rate
    return Audio(0.5 * torch.sin(2 * torch.pi * hertz * time).expand(channels, -1).contiguous(), rate)


def write_sound(path, audio, codec):
    with av.open(str(path), "w") as file:
        layout = {1: "mono", 2: "stereo", 8: "7.1"}[len(audio.waveform)]
        track = file.add_stream(codec, rate=audio.sample_rate, layout=layout)
        packed = audio.waveform.T.contiguous().numpy().reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts = audio.sample_rate, 0
        file.mux(track.encode(frame))
        file.mux(track.encode(None))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_files_of_every_kind(tmp_path, suffix, channels):
    path, sound = tmp_path / f"sound.{suffix}", tone(channels)
    write_sound(path, sound, SUFFIXES[suffix])
    read = read_audio(path)
    assert read.sample_rate == 48000 and len(read.waveform) == channels
    assert read.waveform.dtype == torch.float32
    assert abs(read.seconds - 1) < 0.06
    middle = read.waveform[:, 12000:36000]
    want = sound.waveform[:, 12000:36000]
    assert float((middle - want).abs().max()) < 0.06  # in step to a small part of a period


def test_wav_is_exact_and_keeps_eight_channels(tmp_path):
    write_sound(tmp_path / "a.wav", tone(8, rate=192000), "pcm_f32le")
    read = read_audio(tmp_path / "a.wav")
    assert read.waveform.shape == (8, 192000) and read.sample_rate == 192000
    assert torch.equal(read.waveform, tone(8, rate=192000).waveform)


def test_what_is_no_sound(tmp_path):
    (tmp_path / "text.wav").write_text("no sound at all " * 100)
    encode_mp4(tmp_path / "mute.mp4", [np.zeros((8, 8, 3), np.uint8)], 25)
    for name, words in (
        ("absent.wav", "no file"),
        ("text.wav", "cannot be read"),
        ("mute.mp4", "has no sound"),
    ):
        with pytest.raises(AudioError, match=words):
            read_audio(tmp_path / name)


def test_a_cut_off_file_gives_what_it_holds(tmp_path):
    write_sound(tmp_path / "a.mp3", tone(1, 4.0), "libmp3lame")
    data = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(data[: len(data) // 2] + b"\x13" * 301)
    assert 1.5 < read_audio(tmp_path / "a.mp3").seconds < 2.5


def test_frames_by_range_and_again(tmp_path):
    encode_mp4(tmp_path / "a.mp4", [np.full((16, 16, 3), 10 * i, np.uint8) for i in range(20)], 30, crf=5)
    clip = read_video(tmp_path / "a.mp4")
    assert (clip.width, clip.height, clip.fps, clip.has_audio) == (16, 16, 30, False)
    assert clip.seconds == pytest.approx(20 / 30, abs=1e-3)
    levels = [round(f.mean() / 10) for f in clip.frames(5, 9)]
    assert levels == [5, 6, 7, 8]
    assert len(list(clip.frames(18))) == 2 and len(list(clip.frames(50))) == 0
    assert len(list(clip.frames())) == 20
    with pytest.raises(RenderError):
        list(clip.frames(5, 2))


def test_what_is_no_video(tmp_path):
    write_sound(tmp_path / "a.wav", tone(1), "pcm_s16le")
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("absent.mp4", "a.wav", "text.mp4"):
        with pytest.raises(ImageError, match=name):
            read_video(tmp_path / name)


def write_at(path, times, base=Fraction(1, 1000), audio_starts=None):
    """A file whose frame i is full of 10 * i and shown at times[i] (in units of base)."""
    with av.open(str(path), "w") as file:
        track = file.add_stream("libx264", rate=25, options={"crf": "5", "bf": "0"})
        track.width = track.height = 16
        track.pix_fmt = "yuv420p"
        track.codec_context.time_base = base
        sound = None if audio_starts is None else file.add_stream("pcm_s16le", rate=16000, layout="mono")
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), 10 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, base
            file.mux(track.encode(frame))
        if sound is not None:
            block = av.AudioFrame.from_ndarray(
                np.full((1, 16000), 9000, np.int16), format="s16", layout="mono"
            )
            block.sample_rate, block.pts, block.time_base = 16000, audio_starts, Fraction(1, 16000)
            file.mux(sound.encode(block))
            file.mux(sound.encode(None))
        file.mux(track.encode(None))


def test_a_varying_rate_becomes_constant(tmp_path):
    """Frame 2 is shown three times as long, frames 4 and 5 within one period."""
    write_at(tmp_path / "a.mkv", [0, 40, 80, 200, 240, 250, 280, 320])
    clip = read_video(tmp_path / "a.mkv")
    levels = [round(f.mean() / 10) for f in clip.frames()]
    if clip.fps == 25:
        assert levels == [0, 1, 2, 2, 2, 3, 5, 6, 7]
    assert levels[-1] == 7 and abs(len(levels) / clip.fps - Fraction(9, 25)) < Fraction(1, 20)


def test_sound_that_starts_late_or_early_is_put_in_step(tmp_path):
    write_at(tmp_path / "late.mkv", list(range(0, 1000, 40)), audio_starts=4000)
    late = read_audio(tmp_path / "late.mkv").waveform[0]
    assert abs(int((late > 0.1).nonzero()[0]) - 4000) < 32 and len(late) == pytest.approx(20000, abs=32)
    write_at(tmp_path / "early.mkv", list(range(500, 1500, 40)), audio_starts=0)
    early = read_audio(tmp_path / "early.mkv").waveform[0]
    assert len(early) == pytest.approx(8000, abs=32)


@pytest.mark.parametrize(
    ("codec", "suffix", "pixels"),
    [
        ("mjpeg", "avi", "yuvj420p"),
        ("png", "mov", "rgb24"),
        ("ffv1", "mkv", "gray"),
        ("libx264", "mp4", "yuv444p"),
    ],
)
def test_colours_of_other_kinds_of_picture(tmp_path, codec, suffix, pixels):
    colour = (150, 150, 150) if pixels == "gray" else (200, 120, 60)
    with av.open(str(tmp_path / f"a.{suffix}"), "w") as file:
        track = file.add_stream(codec, rate=25)
        track.width = track.height = 32
        track.pix_fmt = pixels
        picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), colour, np.uint8), format="rgb24")
        file.mux(track.encode(picture.reformat(format=pixels)))
        file.mux(track.encode(None))
    shown = next(read_video(tmp_path / f"a.{suffix}").frames())
    assert np.abs(shown[16, 16].astype(int) - colour).max() <= 6
