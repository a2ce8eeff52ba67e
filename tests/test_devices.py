"""Every stage of the built-in backend computes where the host says, and mixes no devices on the way."""

import math

import pytest
import torch

from real3d_core.htb_sr import Form, HTBSRSettings, htb_sr
from real3d_core.preview_3d import looks
from real3d_core.render_passes import PassSettings, pass_source
from real3d_core.stereo import StereoSettings, stereo_frames
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion
from real3d_portrait.nodes import HeadMesh, ImageToPlane, MotionAdapter, Preview3D, RenderTriplane
from real3d_portrait.nodes.headless import stand_in
from real3d_portrait.nodes.headless.session import Session, using

from .pretended_gpu import GPU, OnGpu, PretendedGpu

CPU = torch.device("cpu")


def motion():
    made = Motion.still(2)
    made.euler[1] = torch.tensor([0.05, math.radians(12), 0.02])
    for name in ("jawOpen", "eyeBlinkLeft", "mouthSmileRight", "eyeLookInLeft"):
        made.blendshapes[1, ARKIT_INDEX[name]] = 0.5
    return made


def track():
    yaw, one = torch.tensor([0.0, 0.2]), torch.ones(2)
    return Camera(yaw, yaw / 2, yaw / 3, one, torch.zeros(2, 2), one)


def head(portrait, camera=None, sampler="fast"):
    """The stages from portrait to head by their nodes, as a graph runs them."""
    still = ImageToPlane.execute(portrait).result[0]
    clip = MotionAdapter.execute(still, portrait, motion()).result[0]
    return RenderTriplane.execute(clip, 64, 16, 16, sampler, camera).result[0]


def pictures(head: HeadRender, portrait, form=Form.PICTURE, settings=None):
    return htb_sr(head, portrait.to(head.triplane.planes.device), settings).as_form(form).frames(1, 2)


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(stand_in, "device", lambda: GPU)
    monkeypatch.setattr("real3d_portrait.nodes.host.device", lambda: GPU)
    with PretendedGpu(), torch.no_grad():
        yield GPU


def test_the_pretended_gpu_refuses_what_a_gpu_refuses():
    with PretendedGpu(), torch.no_grad():
        here, there = torch.ones(3), torch.ones(3).to(GPU)
        assert there.device == GPU and (there + 1).device == GPU and there.cpu().device == CPU
        assert (there + torch.tensor(2.0)).sum().item() == 9 and there[[0, 2]].device == GPU
        for refused in (lambda: here + there, lambda: here[there.long()], lambda: torch.cat([here, there])):
            with pytest.raises(RuntimeError, match="one device"):
                refused()
        with pytest.raises(TypeError, match="bring it to the CPU"):
            there.numpy()
        with pytest.raises(TypeError, match="float64"):
            there.double()


def test_planes_are_made_where_the_host_says(portrait, gpu):
    plane = ImageToPlane.execute(portrait).result[0]
    tensors = (plane.planes, plane.camera, plane.pivot, plane.decoder.w1, plane.avatar.points)
    assert all(isinstance(one, OnGpu) for one in tensors)


@pytest.mark.parametrize(("camera", "sampler"), [(track(), "fast"), (None, "plain")])
def test_all_stages_compute_on_one_device(portrait, request, camera, sampler):
    """And give the picture that they give on the CPU, up to how pictures are read between pixels."""
    with torch.no_grad():
        wanted = pictures(head(portrait, camera, sampler), portrait)
    request.getfixturevalue("gpu")
    made = head(portrait, camera, sampler)
    assert isinstance(made.triplane.planes, OnGpu)
    got = pictures(made, portrait)
    assert not isinstance(got, OnGpu) and (got - wanted).abs().mean() < 1e-4
    assert (got - wanted).abs().max() < 0.05


def test_all_kinds_of_pictures(portrait, gpu):
    made = head(portrait)
    settings = HTBSRSettings(torch.rand(1, 90, 120, 3), torch.rand(2, 64, 64, 3))
    for form in (Form.MASKED, Form.CUT_OUT):
        frames = pictures(made, portrait, form, settings)
        assert frames.device == CPU and frames.shape == (1, 512, 512, 4)
    layers = pass_source(made, PassSettings(2.36, 3.36, "near and far", 512), portrait).frames(1, 2)
    assert layers.device == CPU and not isinstance(layers, OnGpu)


@pytest.mark.parametrize("shape", ["head", "volume"])
def test_a_mesh(portrait, request, shape):
    def made():
        still = ImageToPlane.execute(portrait).result[0]
        clip = MotionAdapter.execute(still, portrait, motion()).result[0]
        return HeadMesh.execute(clip, 1, 48, "512", shape, True, "metres", 1, portrait).result

    with torch.no_grad():
        wanted, _ = made()
    request.getfixturevalue("gpu")
    mesh, picture = made()
    parts = (mesh.vertices, mesh.faces, mesh.normals, mesh.uvs, mesh.texture, picture)
    assert not any(isinstance(part, OnGpu) for part in parts)
    assert abs(len(mesh.vertices[0]) / len(wanted.vertices[0]) - 1) < 0.01
    for end in ("amin", "amax"):
        assert (getattr(mesh.vertices, end)(1) - getattr(wanted.vertices, end)(1)).abs().max() < 1e-3


def test_two_eyes(portrait, request):
    """A camera beyond the good range, too: what is limited stays where the head is."""
    wide = Camera(
        torch.tensor([0.6]), *(torch.zeros(1),) * 2, torch.ones(1), torch.zeros(1, 2), torch.ones(1)
    )
    with torch.no_grad():
        wanted = stereo_frames(head(portrait, wide), portrait, StereoSettings()).frames(1, 2)
    gpu = request.getfixturevalue("gpu")
    made = head(portrait, wide)
    got = stereo_frames(made, portrait.to(gpu), StereoSettings()).frames(1, 2)
    assert not isinstance(got, OnGpu) and got.shape == (1, 512, 1024, 3)
    assert (got - wanted).abs().mean() < 1e-3


def test_the_viewer_s_file_is_made_of_a_head_on_the_gpu(portrait, tmp_path, request, monkeypatch):
    def in_this_thread(source, **_):
        return (source.frames(i, i + 1) for i in range(len(source)))

    monkeypatch.setattr(looks, "iterate_frames", in_this_thread)
    monkeypatch.setattr(looks, "YAWS", (0, 20))
    monkeypatch.setattr(looks, "PITCHES", (0,))
    with torch.no_grad():
        wanted = preview(portrait, tmp_path / "cpu")
    request.getfixturevalue("gpu")
    made = preview(portrait, tmp_path / "gpu")
    assert made.result[3].device == CPU
    assert float((made.result[3] - wanted.result[3]).abs().mean()) < 2e-3
    (here,), (there,) = ((tmp_path / name).rglob("*.r3dv") for name in ("cpu", "gpu"))
    assert here.stat().st_size == pytest.approx(there.stat().st_size, rel=0.02)


def preview(portrait, temp):
    """3D Preview's answer for a fresh head, its file in a folder of its own."""
    plane = ImageToPlane.execute(portrait).result[0]
    sliders = {"jaw": 0.5, "blink": 0.0, "smile": 0.3, "brow": 0.2}
    with using(Session(temp=temp)):
        return Preview3D.execute(
            plane, '{"yaw": 12}', frames=1, fps=25.0, portrait=portrait.to(plane.planes.device), **sliders
        )
