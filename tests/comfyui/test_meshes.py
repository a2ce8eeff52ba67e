"""Head Mesh before core's own 3D nodes: Save 3D Model, Preview 3D."""

from tests.head_mesh.read_glb import read_glb

from .graphs import graph, head


def test_a_head_becomes_files_that_core_takes(server):
    inputs = {
        "triplane": ["plane", 0],
        "portrait": ["portrait", 0],
        "frame": 0,
        "resolution": 64,
        "texture_size": "512",
        "shape": "head",
        "head_pose": False,
        "unit": "metres",
        "turntable": 2,
    }
    made = head(audio=None) | graph(
        mesh=("R3DP_HeadMesh", inputs),
        own=("R3DP_SaveMesh", {"mesh": ["mesh", 0], "filename_prefix": "Real3D/head"}),
        core=("SaveGLB", {"mesh": ["mesh", 0], "filename_prefix": "3d/core"}),
        view=("Preview3D", {"model_file": ["own", 0]}),
        shown=("PreviewImage", {"images": ["mesh", 1]}),
    )
    del made["head"]
    run = server.run(made)
    assert run.error is None
    assert run.outputs["mesh"]["text"] and run.outputs["mesh"]["images"]
    assert len(run.outputs["shown"]["images"]) == 2
    files = {}
    for node in ("own", "core"):
        (shown,) = run.outputs[node]["3d"]
        files[node] = read_glb((server.base / "output" / shown["subfolder"] / shown["filename"]).read_bytes())
    assert run.outputs["view"]["result"][0] == "Real3D/head_00001_.glb"
    own, core = files["own"], files["core"]
    assert own.texture is not None and {"TEXCOORD_0", "NORMAL"} <= set(own.attributes)
    assert "prompt" in own.document["asset"]["extras"]
    assert len(core.triangles) == len(own.triangles)
    if "TEXCOORD_0" in core.attributes:  # not on 0.8
        assert core.texture.shape == own.texture.shape
