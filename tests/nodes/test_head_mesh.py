"""Head Mesh and Save Head GLB as nodes; core's Save 3D Model in their place."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from real3d_core.errors import OutputError, RenderError, WorkflowError
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_portrait.nodes import HeadMesh, SaveMesh
from real3d_portrait.nodes import host as hosts
from real3d_portrait.nodes.headless import io
from real3d_portrait.nodes.headless.core_meshes import SaveGLB
from real3d_portrait.nodes.headless.session import Session, using
from tests.head_mesh.read_glb import read_glb
from tests.sentences import assert_one_sentence


@pytest.fixture(autouse=True)
def session(tmp_path):
    with (
        using(Session(output=tmp_path / "output", temp=tmp_path / "temp")) as session,
        torch.inference_mode(),
    ):
        yield session


@pytest.fixture(scope="module")
def triplane(portrait):
    return image_to_plane(portrait, Model.built_in())


def made(triplane, portrait=None, resolution=64, turntable=2, size="512", frame=0):
    return HeadMesh.execute(triplane, frame, resolution, size, "head", False, "metres", turntable, portrait)


def test_a_head_is_saved_with_its_texture(session, triplane, portrait):
    answer = made(triplane, portrait)
    mesh, pictures = answer.result
    assert pictures.shape == (2, 512, 512, 3) and pictures.min() >= 0 and pictures.max() <= 1
    assert pictures[0].std() > 0.05 and "triangles" in answer.ui["text"][0] and answer.ui["images"]
    hidden = io.HiddenHolder("7", {"1": {"class_type": "X"}}, {"workflow": {"nodes": []}})
    saved = SaveMesh.with_hidden(hidden).execute(mesh, "Real3D/me")
    (name,) = saved.result
    assert name == "Real3D/me_00001_.glb" and "MB" in saved.ui["text"][0]
    read = read_glb((session.output / name).read_bytes())
    assert read.texture.shape == tuple(mesh.texture.shape[1:])
    np.testing.assert_array_equal(read.attributes["TEXCOORD_0"], mesh.uvs[0])
    assert set(read.document["asset"]["extras"]) == {"workflow", "prompt"}
    SaveGLB.execute(mesh, "core")
    assert (session.output / "core_00001_.glb").stat().st_size > 100_000


def test_an_old_server_s_mesh_carries_the_rest_all_the_same(session, triplane, portrait, monkeypatch):
    class Bare:
        def __init__(self, vertices, faces):
            self.vertices, self.faces = vertices, faces

    monkeypatch.setattr(hosts, "Types", SimpleNamespace(MESH=Bare))
    mesh = made(triplane, portrait, turntable=1).result[0]
    assert isinstance(mesh, Bare)
    (name,) = SaveMesh.execute(mesh, "old").result
    assert read_glb((session.output / name).read_bytes()).texture is not None


def test_meshes_of_other_nodes(session):
    """A batch that was filled up to one length, without anything but shape."""
    points = torch.rand(2, 6, 3)
    faces = torch.tensor([[[0, 1, 2], [0, 2, 3]], [[0, 1, 2], [0, 0, 0]]])
    batch = SimpleNamespace(
        vertices=points, faces=faces, vertex_counts=torch.tensor([6, 3]), face_counts=torch.tensor([2, 1])
    )
    saved = SaveMesh.execute(batch, "batch")
    names = [one["filename"] for one in saved.ui["3d"]]
    assert names == ["batch_00001_.glb", "batch_00002_.glb"] and saved.result == (names[0],)
    second = read_glb((session.output / names[1]).read_bytes())
    assert len(second.triangles) == 1 and len(second.attributes["POSITION"]) == 3


def test_of_a_batch_with_a_broken_mesh_nothing_is_written(session):
    faces = torch.tensor([[[0, 1, 2]], [[0, 1, 9]]])
    with pytest.raises(OutputError):
        SaveMesh.execute(SimpleNamespace(vertices=torch.rand(2, 6, 3), faces=faces), "batch")
    assert not list(session.output.rglob("*.glb"))


@pytest.mark.parametrize("value", [None, "mesh", SimpleNamespace(vertices=torch.rand(4, 3), faces=None)])
def test_no_mesh_is_refused(value):
    with pytest.raises(OutputError) as error:
        SaveMesh.execute(value, "x")
    assert_one_sentence(str(error.value))


def test_bad_wishes(triplane, portrait):
    with pytest.raises(RenderError, match="texture") as error:
        made(triplane, portrait, size="100000")
    assert_one_sentence(str(error.value))
    for name, value in (("shape", "cube"), ("unit", "miles"), ("density", float("nan")), ("turntable", 0)):
        usual = {"frame": 0, "resolution": 32, "texture_size": "512", "shape": "head", "head_pose": False}
        usual |= {"unit": "metres", "turntable": 1}
        with pytest.raises(RenderError, match=name) as error:
            HeadMesh.execute(triplane, portrait=portrait, **usual | {name: value})
        assert_one_sentence(str(error.value))
    with pytest.raises(RenderError, match="Frame 9"):
        made(triplane, portrait, frame=9)
    with pytest.raises(RenderError, match="turntable"):
        made(triplane, portrait, turntable=10**8)
    mesh = SimpleNamespace(vertices=torch.rand(1, 3, 3), faces=torch.tensor([[[0, 1, 2]]]))
    with pytest.raises(WorkflowError):
        SaveMesh.execute(mesh, "../me")
