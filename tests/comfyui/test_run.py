"""The template on a real server: progress, previews, the file; caching; Cancel; errors."""

import json
import os
import time

import pytest

from .graphs import TEMPLATE, combine, head, node_of, pictures, save_video, template

WORKFLOW = json.loads(TEMPLATE.read_text(encoding="utf-8"))


def saved(server, run, node):
    """The file that a node says it has saved."""
    (shown,) = run.outputs[node]["images"]
    assert shown["type"] == "output"
    return server.base / "output" / shown["subfolder"] / shown["filename"]


def test_the_template_makes_a_video(server):
    import av

    graph = template("real3d_speech.flac")
    combine = node_of(graph, "R3DP_VideoCombine")
    run = server.finish(server.start(graph, WORKFLOW))
    assert run.error is None and set(run.executed) | run.cached == set(graph)
    steps = run.progress(combine)
    assert steps == sorted(steps) and len(steps) > 3
    frames = steps[-1][1]
    assert steps[-1] == (frames, frames)
    assert len(run.previews) >= 3 and all(b"\xff\xd8\xff" in one for one in run.previews)  # JPEG
    assert run.outputs[combine]["animated"] == [True]
    for kind in ("R3DP_LoadPortrait", "R3DP_HTBSR"):
        assert run.outputs[node_of(graph, kind)]["images"][0]["type"] == "temp"
    with av.open(os.fspath(saved(server, run, combine))) as file:
        assert json.loads(file.metadata["workflow"]) == WORKFLOW
        prompt = json.loads(file.metadata["prompt"])
        assert {node: entry["inputs"] for node, entry in prompt.items()} == {
            node: entry["inputs"] for node, entry in graph.items()
        }
        picture, sound = file.streams.video[0], file.streams.audio[0]
        assert (picture.width, picture.height, picture.frames) == (512, 512, frames)
        assert picture.codec.name == "h264" and sound.codec.name == "aac"
        assert abs(float(sound.duration * sound.time_base) - frames / 25) < 0.05


def test_an_unchanged_run_computes_nothing(server):
    graph = template()
    server.run(graph)
    files = server.files("output")
    again = server.run(graph)
    assert again.executed == [] and again.cached == set(graph)
    assert server.files("output") == files


def test_an_unchanged_run_shows_its_pictures_again(server):
    """A page that was loaded since does not have them."""
    graph = template()
    server.run(graph)
    shown = server.run(graph).outputs
    for kind in ("R3DP_LoadPortrait", "R3DP_HTBSR"):
        if not server.get(f"/object_info/{kind}")[kind].get("has_intermediate_output"):
            pytest.skip("ComfyUI tells this since 0.18.1")
        assert shown[node_of(graph, kind)]["images"][0]["type"] == "temp"


def test_another_sound_keeps_the_head(server):
    server.run(template())
    graph = template("other.wav")
    kinds = {graph[node]["class_type"] for node in server.run(graph).executed}
    assert "R3DP_AudioToMotion" in kinds and "R3DP_VideoCombine" in kinds
    assert not kinds & {"R3DP_LoadPortrait", "R3DP_LoadModel", "R3DP_ImageToPlane"}


def test_another_seed_keeps_the_sound(server):
    graph = template()
    server.run(graph)
    graph[node_of(graph, "R3DP_AudioToMotion")]["inputs"]["seed"] = 5
    kinds = {graph[node]["class_type"] for node in server.run(graph).executed}
    assert not kinds & {"R3DP_LoadPortrait", "R3DP_ImageToPlane", "LoadAudio"}


def long_template():
    return template("long.wav"), "R3DP_VideoCombine"


def long_images():
    graph = head(audio="long.wav") | pictures(deliver="images") | combine(["pictures", 0])
    return graph, "R3DP_HTBSR"


def long_save_video():
    graph = head(audio="long.wav") | pictures(deliver="video on demand") | save_video(["pictures", 1], "core")
    return graph, "SaveVideo"


@pytest.mark.parametrize("make", [long_template, long_images, long_save_video])
def test_cancel_ends_within_a_second_and_leaves_no_file(server, make):
    graph, kind = make()
    before = server.files("output"), server.files("temp")
    run = server.start(graph)
    server.wait(run, "progress", node=node_of(graph, kind))
    time.sleep(0.5)
    pressed = time.monotonic()
    server.interrupt()
    ended = server.wait(run, "execution_interrupted", "execution_success", "execution_error")
    assert ended.kind == "execution_interrupted" and ended.time - pressed < 1
    assert server.files("output") == before[0]
    new = set(server.files("temp")) - set(before[1])
    assert {path.suffix for path in new} <= {".png"}, "previews alone may stay"


@pytest.mark.parametrize(
    "kind", ["R3DP_LoadPortrait", "R3DP_AudioToMotion", "R3DP_ImageToPlane", "R3DP_HTBSR"]
)
def test_every_stage_ends_within_a_second_of_cancel(server, kind):
    graph = template("long.wav")  # other tests' results are not these: what is cancelled is not in the cache
    graph[node_of(graph, "R3DP_LoadPortrait")]["inputs"]["fetch_nets"] = True
    graph[node_of(graph, "R3DP_AudioToMotion")]["inputs"]["seed"] = 55
    run = server.start(graph)
    server.wait(run, "executing", node=node_of(graph, kind))
    pressed = time.monotonic()
    server.interrupt()
    ended = server.wait(run, "execution_interrupted", "execution_success", "execution_error")
    assert ended.kind == "execution_interrupted" and ended.time - pressed < 1


def test_it_runs_after_a_cancel(server):
    graph = template()
    graph[node_of(graph, "R3DP_AudioToMotion")]["inputs"]["seed"] = 77
    assert saved(server, server.run(graph), node_of(graph, "R3DP_VideoCombine")).is_file()


def test_an_error_is_one_sentence(server):
    graph = template()
    graph[node_of(graph, "R3DP_LoadPortrait")]["inputs"]["image"] = "no_face.png"
    run = server.finish(server.start(graph))
    message = run.error.strip()
    assert "No human face was found" in message and "\n" not in message and message.endswith(".")
    (error,) = run.of("execution_error")
    assert graph[error.data["node_id"]]["class_type"] == "R3DP_LoadPortrait"
    assert error.data["exception_type"].rpartition(".")[2] == "FaceNotFoundError"


@pytest.mark.parametrize(
    ("name", "words"),
    [("gone.png", "There is no file 'gone.png'"), ("../../secret.png", "leaves the folder")],
)
def test_a_file_that_is_not_there_is_refused_before_the_run(server, name, words):
    graph = template()
    loader = node_of(graph, "R3DP_LoadPortrait")
    graph[loader]["inputs"]["image"] = name
    status, answer = server.post("/prompt", {"prompt": graph})
    assert status == 400
    (error,) = answer["node_errors"][loader]["errors"]
    assert words in error["details"] and "\n" not in error["details"]
