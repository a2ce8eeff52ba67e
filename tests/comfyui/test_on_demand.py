"""A VIDEO on demand among core's own nodes: one render for all of them, in memory that does not grow."""

import os

import pytest

from .graphs import combine, graph, head, pictures, save_video, write_speech
from .server import ComfyServer
from .test_run import saved

FRAMES = 10  # of short.wav
MEMORY_FPS = 5.0  # 50 and 300 frames: a clip of 300 would show by 900 MB if it were kept


def masters(server):
    return {path for path in server.files("temp") if path.name.startswith("real3d_master")}


def on_demand(audio="short.wav", **changes):
    """HTB-SR's video on demand, rendered for this test alone: its sampling differs from all others'."""
    made = head(audio=audio) | pictures(deliver="video on demand", audio=["sound", 0])
    made["head"]["inputs"] |= changes
    return made


def length(path):
    """Seconds of picture and of sound, and the number of frames that can be decoded."""
    import av

    with av.open(os.fspath(path)) as file:
        picture, sound = file.streams.video[0], file.streams.audio[0]
        seconds = [float(one.duration * one.time_base) for one in (picture, sound)]
        return *seconds, sum(1 for _ in file.decode(picture))


def test_many_consumers_render_once(server):
    video = ["pictures", 1]
    made = on_demand(coarse_samples=20)
    made |= save_video(video, "one") | save_video(video, "two") | combine(video)
    made |= graph(
        parts=("GetVideoComponents", {"video": video}), seen=("PreviewImage", {"images": ["parts", 0]})
    )
    before = masters(server)
    run = server.run(made)
    assert len(masters(server) - before) == 1
    for node in ("one", "two", "combine"):
        picture, sound, frames = length(saved(server, run, node))
        assert frames == FRAMES and abs(picture - 0.4) < 0.01 and abs(sound - 0.4) < 0.05
    assert len(run.outputs["seen"]["images"]) == FRAMES
    assert not [path for path in server.files("output") if path.name.startswith(".")]
    made["two"]["inputs"]["filename_prefix"] = "video/three"
    again = server.run(made)
    assert again.executed == ["two"]
    assert len(masters(server) - before) == 1
    assert length(saved(server, again, "two"))[2] == FRAMES


def test_another_node_is_told_of_the_progress(server):
    run = server.run(on_demand(coarse_samples=24) | save_video(["pictures", 1], "told"))
    assert run.progress("told")[-1] == (FRAMES, FRAMES) and run.previews


def test_a_slice_renders_its_own_frames_alone(server):
    if "Video Slice" not in server.get("/object_info"):
        pytest.skip("this ComfyUI has no Video Slice")
    inputs = {"video": ["pictures", 1], "start_time": 0.12, "duration": 0.2, "strict_duration": False}
    made = on_demand(coarse_samples=28) | graph(part=("Video Slice", inputs))
    made |= save_video(["part", 0], "core") | combine(["part", 0], "again")
    run = server.run(made)
    assert (run.progress("core") or run.progress("again"))[-1] == (5, 5)  # of whichever comes first
    for node in ("core", "again"):
        picture, sound, frames = length(saved(server, run, node))
        assert frames == 5 and abs(picture - 0.2) < 0.01 and abs(sound - 0.2) < 0.05


def test_memory_does_not_grow_with_the_clip(setup, server, models_folder, tmp_path):
    """Peak of a fresh server through core's Save Video: a minute against ten seconds."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("needs /proc")
    own = ComfyServer(setup, tmp_path, models_folder)
    try:
        (tmp_path / "input" / "astronaut.png").write_bytes(
            (server.base / "input" / "astronaut.png").read_bytes()
        )
        peaks = []
        for seconds in (10, 60):
            write_speech(tmp_path / "input" / f"{seconds}.wav", 0, seconds)
            made = on_demand(f"{seconds}.wav", resolution=32)
            made["motion"]["inputs"]["fps"] = MEMORY_FPS
            own.run(made | save_video(["pictures", 1], "saved"))
            peaks.append(own.peak_memory())
    finally:
        own.stop()
    assert peaks[1] <= 1.15 * peaks[0], [f"{peak / 2**20:.0f} MiB" for peak in peaks]
