"""Convert Real3D Model and Load Real3D Model on a real server: lists, files, sentences, Cancel's traces."""

import pytest
import torch

from real3d_core.checkpoints.store import Origin, read_header, write

from ..checkpoints.making import flat, manifest
from ..checkpoints.small import write_checkpoint

SOURCE = "downloaded/audio2secc_vae"
HEAD = "head_without_face_model.safetensors"


@pytest.fixture(scope="module")
def models(server):
    """The server's models folder, with a checkpoint of the speech network's real layout."""
    folder = server.base / "models" / "real3d_portrait"
    shapes = manifest("audio2secc_vae").items()
    write_checkpoint(folder / SOURCE, flat({name: torch.zeros(shape) for name, shape in shapes}))
    return folder


def options(server, node, name):
    inputs = server.get(f"/object_info/{node}")[node]["input"]
    declared = (inputs["required"] | inputs.get("optional", {}))[name]
    return declared[1]["options"] if declared[0] == "COMBO" else declared[0]


def converting(source):
    return {"1": {"class_type": "R3DP_ConvertModel", "inputs": {"source": source}}}


def test_a_download_becomes_a_choice_without_a_restart(server, models):
    made = models / "audio2secc_vae.safetensors"
    assert SOURCE in options(server, "R3DP_ConvertModel", "source")
    assert made.name not in options(server, "R3DP_LoadModel", "audio_model")
    run = server.run(converting(SOURCE))
    assert run.outputs["1"]["text"] == [f"{made.name}: audio-to-motion"]
    assert read_header(made).kind == "audio-to-motion"
    assert made.name in options(server, "R3DP_LoadModel", "audio_model")


def test_a_damaged_download_is_one_sentence_and_leaves_nothing(server, models):
    file = models / "cut.ckpt"
    file.write_bytes((models / SOURCE / "model_ckpt_steps_100000.ckpt").read_bytes()[:10_000])
    before = server.files("models")
    run = server.finish(server.start(converting(file.name)))
    assert run.error.startswith(f"{file} is damaged")
    assert server.files("models") == before


@pytest.mark.parametrize("source", ["../../../etc/passwd", "/etc/passwd", "nothing found"])
def test_only_what_is_listed_can_be_named(server, source):
    status, answer = server.post("/prompt", {"prompt": converting(source)})
    assert status == 400 and "to convert in" in str(answer["node_errors"])


def test_a_missing_face_model_is_told_before_the_run(server, models):
    write(models / HEAD, {"weight": torch.ones(1)}, "talking-head", {}, Origin("by hand", ""))
    assert HEAD in options(server, "R3DP_LoadModel", "model")
    graph = {
        "1": {"class_type": "R3DP_LoadModel", "inputs": {"model": HEAD}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    status, answer = server.post("/prompt", {"prompt": graph})
    assert status == 400 and "BFM_model_front.mat" in str(answer["node_errors"])
    assert "python convert_model.py" in str(answer["node_errors"])
    server.run(graph | {"1": {"class_type": "R3DP_LoadModel", "inputs": {"model": "built-in"}}})
