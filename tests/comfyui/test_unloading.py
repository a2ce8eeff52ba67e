"""After the results are emptied, nothing of ours is in the process: looked up among all of its objects."""

import time

import pytest

from .graphs import graph, head, node_of, pictures, save_video, template
from .test_on_demand import masters, on_demand

WIRES = ("LazyVideo", "TriPlane", "Portrait", "HeadRender", "Motion")


def whole_run(server):
    made = template()
    made[node_of(made, "R3DP_AudioToMotion")]["inputs"]["seed"] = 99
    server.run(made)


def sliced(server):
    inputs = {"video": ["pictures", 1], "start_time": 0.12, "duration": 0.2, "strict_duration": False}
    made = on_demand(coarse_samples=18) | save_video(["pictures", 1], "whole")
    if "Video Slice" in server.get("/object_info"):
        made |= graph(part=("Video Slice", inputs)) | save_video(["part", 0], "part_of_it")
    server.run(made)


def cancelled(server):
    """The render is cut short, and its exception holds everything that took part."""
    made = head(audio="long.wav") | pictures(deliver="video on demand")
    run = server.start(made | save_video(["pictures", 1], "core"))
    server.wait(run, "progress", node="core")
    time.sleep(0.5)
    server.interrupt()
    assert server.finish(run).of("execution_interrupted")


def failed(server):
    with server.failing("output", "ENOSPC"):
        run = server.finish(server.start(on_demand(coarse_samples=22) | save_video(["pictures", 1], "core")))
    assert "No space left" in run.error


@pytest.mark.parametrize("work", [whole_run, sliced, cancelled, failed])
def test_nothing_stays_in_memory_after_unloading(server, work):
    work(server)
    assert set(server.alive(*WIRES).counts) == set(WIRES)
    server.free()
    left = server.alive(*WIRES)
    assert not left.counts, left.holders
    assert not masters(server)
