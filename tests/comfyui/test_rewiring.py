"""The workflows of tests/workflows, which the headless host runs too, on a real server among core's nodes."""

import os
from pathlib import Path

import pytest

from real3d_portrait.nodes.headless.graph import Registry, read_workflow
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.validate import checked

WORKFLOWS = sorted((Path(__file__).resolve().parents[1] / "workflows").glob("*.json"))


def whole(server, file):
    """The graph with every input that the file leaves to its default: a server asks for all of them."""
    registry = Registry.standard()
    with using(Session(input=server.base / "input")):
        return checked(read_workflow(file, registry), registry).prompt()


@pytest.mark.parametrize(
    "file", [one for one in WORKFLOWS if "foreign" not in one.stem], ids=lambda one: one.stem
)
def test_a_rewired_graph_runs(server, file):
    import av

    graph = whole(server, file)
    if unknown := {node["class_type"] for node in graph.values()} - set(server.get("/object_info")):
        pytest.skip(f"this ComfyUI has no {', '.join(unknown)}")
    before = set(server.files("output"))
    server.run(graph)
    saved = set(server.files("output")) - before
    assert saved
    for path in saved:
        if path.suffix in (".mp4", ".webm", ".mov"):
            with av.open(os.fspath(path)) as video:
                assert next(video.decode(video=0)).width >= 128


@pytest.mark.parametrize(
    "file", [one for one in WORKFLOWS if "foreign" in one.stem], ids=lambda one: one.stem
)
def test_a_foreign_portrait_is_said_in_a_sentence(server, file):
    before = server.files("output")
    run = server.finish(server.start(whole(server, file)))
    assert "made from another PORTRAIT" in run.error
    assert run.error.strip().count(".") == 1 and "\n" not in run.error.strip()
    assert server.files("output") == before
