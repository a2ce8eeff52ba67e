"""The trained networks on a real server: files of the released layout become a video, and leave the memory.

Weights and face model are made by formula, all of their real sizes, so the pictures show nothing.
"""

import os
import shutil

import pytest

from ..checkpoints.network_files import convert_all
from ..sentences import assert_one_sentence
from .graphs import graph, node_of, template, write_speech
from .test_run import saved

FRAMES = 3
SOUND = "three_frames.wav"
NETWORKS = ("CanonicalPlanes", "MotionPlanes", "FoldedSuperResolution", "PitchContourVAE", "Hubert")


@pytest.fixture(scope="module")
def files(server, released, face_model, tmp_path_factory):
    """What a user has converted, in the server's models folder while these tests run."""
    write_speech(server.base / "input" / SOUND, 0, FRAMES / 25)
    folder = server.base / "models" / "real3d_portrait"
    made = convert_all(folder, tmp_path_factory.mktemp("originals"), released, face_model)
    yield made
    for file in made:
        file.unlink()


@pytest.fixture(scope="module")
def trained(files):
    """The template with the networks, quick to render."""
    made = template(SOUND)
    chosen = {"model": files.talking_head.name, "audio_model": "automatic"}
    made[node_of(made, "R3DP_LoadModel")]["inputs"] |= chosen
    made[node_of(made, "R3DP_RenderTriplane")]["inputs"] |= {"coarse_samples": 8, "fine_samples": 8}
    return made


@pytest.fixture(scope="module")
def first_run(server, trained):
    return server.run(trained, seconds=300)


def moved(trained, **inputs):
    """The template up to Motion Adapter, with other inputs of Audio-to-Motion."""
    made = {key: node | {"inputs": dict(node["inputs"])} for key, node in trained.items()}
    for kind in ("R3DP_VideoCombine", "R3DP_HTBSR", "R3DP_RenderTriplane"):
        del made[node_of(made, kind)]
    made[node_of(made, "R3DP_AudioToMotion")]["inputs"] |= inputs
    return made | graph(shown=("PreviewAny", {"source": [node_of(made, "R3DP_MotionAdapter"), 0]}))


def test_the_template_makes_a_video(server, trained, first_run):
    import av
    import numpy as np

    combine = node_of(trained, "R3DP_VideoCombine")
    steps = first_run.progress(combine)
    assert steps == sorted(steps) and steps[-1] == (FRAMES, FRAMES) and first_run.previews
    with av.open(os.fspath(saved(server, first_run, combine))) as file:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
        assert file.streams.audio
    assert frames.shape == (FRAMES, 512, 512, 3) and frames.std() > 10


def test_another_seed_keeps_the_planes(server, trained, first_run):
    run = server.run(moved(trained, seed=5))
    kinds = {trained[node]["class_type"] for node in run.executed if node in trained}
    assert kinds == {"R3DP_AudioToMotion", "R3DP_HeadMotion", "R3DP_MotionAdapter"}
    assert node_of(trained, "R3DP_ImageToPlane") in run.cached


def test_a_missing_hubert_is_told_before_the_run(server, trained, files, tmp_path):
    shutil.move(files.hubert, tmp_path / "elsewhere")
    try:
        status, answer = server.post("/prompt", {"prompt": trained})
    finally:
        shutil.move(tmp_path / "elsewhere", files.hubert)
    assert status == 400
    ((node, told),) = answer["node_errors"].items()
    assert node == node_of(trained, "R3DP_LoadModel")
    for error in told["errors"]:  # one for each input that was looked at, all of them the same
        assert_one_sentence(error["details"])
        assert "HuBERT" in error["details"] and str(files.hubert.parent) in error["details"]


def test_another_portrait_is_one_sentence(server, trained, first_run):
    made = moved(trained)
    inputs = trained[node_of(trained, "R3DP_LoadPortrait")]["inputs"] | {"image": "mirrored.png"}
    made |= graph(other=("R3DP_LoadPortrait", inputs))
    made[node_of(made, "R3DP_MotionAdapter")]["inputs"]["portrait"] = ["other", 0]
    run = server.finish(server.start(made))
    (error,) = run.of("execution_error")
    assert made[error.data["node_id"]]["class_type"] == "R3DP_MotionAdapter"
    assert_one_sentence(run.error.strip())
    assert "another PORTRAIT" in run.error


def test_no_network_stays_in_memory_after_unloading(server, first_run):
    assert set(server.alive(*NETWORKS).counts) == set(NETWORKS)
    server.free()
    left = server.alive(*NETWORKS)
    assert not left.counts, left.holders
