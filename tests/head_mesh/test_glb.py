"""Files read back by another reader."""

import json

import numpy as np
import pytest
import torch

from real3d_core.errors import OutputError
from real3d_core.head_mesh.glb import MeshData, glb_bytes, save_glb
from tests.sentences import assert_one_sentence

from .read_glb import read_glb

CORNERS = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
SIDES = torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def tetrahedron(**changes):
    return MeshData(**{"vertices": CORNERS, "triangles": SIDES} | changes)


def test_everything_comes_back(tmp_path):
    texture = torch.rand(5, 7, 3)
    normals = torch.nn.functional.normalize(CORNERS - 0.25, dim=1)
    mesh = tetrahedron(normals=normals, uvs=CORNERS[:, :2], texture=texture, colours=CORNERS)
    path = tmp_path / "a.glb"
    size = save_glb(mesh, path, {"workflow": json.dumps({"nodes": [], "name": "头"})})
    read = read_glb(path.read_bytes())
    assert size == path.stat().st_size and [one.name for one in tmp_path.iterdir()] == ["a.glb"]
    np.testing.assert_array_equal(read.attributes["POSITION"], CORNERS)
    np.testing.assert_array_equal(read.attributes["NORMAL"], normals)
    np.testing.assert_array_equal(read.attributes["TEXCOORD_0"], CORNERS[:, :2])
    np.testing.assert_array_equal(read.triangles, SIDES)
    np.testing.assert_array_equal(read.texture, (texture * 255).round().byte())
    assert "COLOR_0" not in read.attributes  # would be multiplied with the texture
    assert "KHR_materials_unlit" in read.document["materials"][0]["extensions"]
    assert json.loads(read.document["asset"]["extras"]["workflow"])["name"] == "头"


def test_colours_are_linear_and_a_bare_mesh_has_none():
    read = read_glb(glb_bytes(tetrahedron(colours=torch.full((4, 4), 0.5))))
    assert read.attributes["COLOR_0"][0] == pytest.approx([0.2140, 0.2140, 0.2140, 0.5], abs=1e-4)
    assert set(read_glb(glb_bytes(tetrahedron())).attributes) == {"POSITION"}


@pytest.mark.parametrize(
    "changes",
    [
        {"vertices": CORNERS[:0]},
        {"triangles": SIDES[:0]},
        {"triangles": SIDES + 1},
        {"triangles": SIDES - 1},
        {"triangles": SIDES.float()},
        {"vertices": CORNERS[:, :2]},
        {"vertices": CORNERS * float("nan")},
        {"vertices": CORNERS * float("inf")},
        {"normals": CORNERS[:3]},
        {"uvs": CORNERS},
        {"colours": CORNERS[:, :2]},
        {"texture": torch.rand(4, 4)},
        {"texture": torch.rand(4, 4, 3) * float("nan")},
        {"texture": torch.rand(0, 4, 3)},
    ],
    ids=lambda one: "-".join(f"{name} {list(value.shape)}" for name, value in one.items()),
)
def test_what_is_no_mesh_is_refused(changes, tmp_path):
    with pytest.raises(OutputError) as error:
        save_glb(tetrahedron(**changes), tmp_path / "a.glb")
    assert_one_sentence(str(error.value))
    assert not list(tmp_path.iterdir())
