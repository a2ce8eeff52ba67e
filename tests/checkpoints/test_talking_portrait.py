"""The talking portrait by the network backend, from checkpoint files to frames.

The weights are made by formula and the face model too, so the pictures show nothing; what is checked is that
everything fits together, and that stages agree with their networks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from real3d_core.audio_to_motion.hubert import Hubert
from real3d_core.checkpoints import parts
from real3d_core.checkpoints.parts import Part
from real3d_core.errors import BackendError
from real3d_core.htb_sr import Form, HTBSRSettings, htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.image_to_plane.network import NetworkAvatar
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.motion_adapter.mapped import mapped_expressions
from real3d_core.stereo import StereoSettings, stereo_frames
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion, Portrait, RenderSettings, TriPlane
from real3d_portrait.nodes import LoadModel
from real3d_portrait.nodes.headless.command import main
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.video import VideoFromFile

from ..deterministic import normal
from ..sounds import write_flac
from .network_files import convert_all

TEMPLATE = Path(__file__).resolve().parents[2] / "workflows" / "talking_portrait.json"
FEW = RenderSettings(coarse=8, fine=8)


def short_hubert() -> Hubert:
    """One layer of the released width: the whole one has 315 M weights."""
    return Hubert(layers=1)


@pytest.fixture(scope="module")
def models(
    released: dict[str, torch.Tensor],
    face_model: Path,
    models_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """A models folder with the face nets and all converted files."""
    root = tmp_path_factory.mktemp("network_models")
    folder = shutil.copytree(models_folder / "real3d_portrait", root / "real3d_portrait")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "HUBERT", Part("", short_hubert))
        patched.setitem(parts.PARTS, "hubert", (parts.HUBERT,))
        convert_all(folder, root, released, face_model)
        yield root


@pytest.fixture(scope="module")
def name(models: Path) -> str:
    (found,) = [path.name for path in (models / "real3d_portrait").glob("*torso*.safetensors")]
    return found


@pytest.fixture(scope="module")
def model(models: Path, name: str) -> Model:
    with using(Session(models=models)):
        return LoadModel.execute(name).result[0]


@pytest.fixture(scope="module")
def triplane(model: Model, portrait: Portrait) -> TriPlane:
    return image_to_plane(portrait, model)


@pytest.fixture(scope="module")
def motion() -> Motion:
    """Four frames of expressions, the last two with lids that close."""
    still = Motion.still(4)
    still.blendshapes[2:, ARKIT_INDEX["eyeBlinkLeft"]] = 0.7
    still.blendshapes[3, ARKIT_INDEX["eyeBlinkRight"]] = 0.9
    turned = torch.tensor([[0, 0.02 * i, 0] for i in range(4)])
    return replace(still, euler=turned, expression=0.3 * normal("expression", (4, 64)))


@pytest.fixture(scope="module")
def head(triplane: TriPlane, portrait: Portrait, motion: Motion) -> HeadRender:
    return HeadRender(motion_adapter(triplane, portrait, motion), Camera.front(), FEW)


def test_the_template_runs(models: Path, name: str, astronaut: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    Image.fromarray(astronaut).save(tmp_path / "input" / "me.png")
    write_flac(tmp_path / "input" / "short.flac", TEMPLATE.parents[1] / "demo" / "speech.flac", 0.12)
    settings = {
        "Load Portrait.image": "me.png",
        "Load Audio.audio": "short.flac",
        "Load Real3D Model.model": name,
        "Render Triplane.coarse_samples": "8",
        "Render Triplane.fine_samples": "8",
    }
    flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    folders = [f"--{one}-folder={tmp_path / one}" for one in ("input", "output", "temp")]
    output = tmp_path / "talk.mp4"
    arguments = [os.fspath(TEMPLATE), *flags, *folders, f"--models={models}", f"--output={output}", "--debug"]
    assert main(arguments) == 0
    frames = VideoFromFile(output).get_components().images
    assert frames.shape == (3, 512, 512, 3)
    assert frames.std() > 0.05


def test_the_avatar(triplane: TriPlane, model: Model) -> None:
    assert isinstance(triplane.avatar, NetworkAvatar)
    network = model.networks.image_to_plane.ready()
    with torch.no_grad():
        expected = network(triplane.avatar.seen.head[None])
    assert torch.equal(triplane.planes, expected)
    assert torch.isfinite(triplane.planes).all() and torch.isfinite(triplane.camera).all()


def test_motion_makes_planes_on_demand(head: HeadRender) -> None:
    clip = head.triplane
    whole, part = clip.residual(0, 4), clip.residual(1, 3)
    assert whole.values.shape == (4, 3, 32, 256, 256)
    assert torch.equal(whole.values[1:3], part.values)
    assert (whole.values[2] - whole.values[1]).abs().max() > 1e-3
    assert torch.allclose(clip.frames(1, 2)[0], clip.planes[0] + whole.values[1], atol=1e-4)


def test_frames_in_batches_are_single_frames(head: HeadRender, portrait: Portrait) -> None:
    source = htb_sr(head, portrait)
    together, single = source.frames(0, 2), source.frames(1, 2)
    assert together.shape == (2, 512, 512, 3)
    assert torch.equal(together[1:], single)  # a CPU computes each alone
    assert (together[0] - together[1]).abs().max() > 0.01


def test_frames_computed_together_are_single_frames(
    head: HeadRender, portrait: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an accelerator computes them.

    The planes of the two ways differ by 3e-5. That moves the samples of the second pass, and the less so the
    more weights of the first pass they are placed by: with 8 + 8 samples it makes 1.4e-4 of the picture.
    """
    source = htb_sr(replace(head, settings=RenderSettings(coarse=24, fine=24)), portrait)
    single = source.frames(1, 2)
    for module in ("motion_adapter.network", "render_triplane.render", "htb_sr.network.frames"):
        monkeypatch.setattr(f"real3d_core.{module}.frames_at_once", lambda _device, most: most)
    difference = (source.frames(0, 2)[1:] - single).abs()
    assert difference.max() > 0, "they were not computed together"
    assert difference.max() < 1e-4 and difference.mean() < 5e-6


def test_background_replacement_and_forms(head: HeadRender, portrait: Portrait) -> None:
    green, red = (torch.tensor(one).expand(1, 64, 64, 3) for one in ([0.1, 0.9, 0.2], [0.9, 0.1, 0.1]))
    settings = HTBSRSettings(background=torch.cat([green, red]), replacement_head=red, head_threshold=0.5)
    source = htb_sr(head, portrait, settings)
    own = replace(source, replacement=None, form=Form.MASKED)
    before, after = own.frames(1, 2), source.as_form(Form.MASKED).frames(1, 2)
    assert after.shape == (1, 512, 512, 4) and float(after.min()) >= 0 and float(after.max()) <= 1
    alpha = torch.nn.functional.interpolate(head.frames(1, 2).alpha.clamp(0, 1), size=512, mode="bilinear")
    mixed = torch.lerp(before[..., :3], red[0, 0, 0], alpha.movedim(1, -1))
    assert torch.allclose(mixed, after[..., :3], atol=1e-4) and torch.equal(before[..., 3], after[..., 3])
    behind_all = replace(own, scenery=source.scenery[1:])  # prepared for green, so red has to be asked for
    assert (behind_all.frames(1, 2) - before).abs().max() > 0.01
    cut_out = replace(own, form=Form.CUT_OUT).frames(1, 2)
    assert torch.equal(cut_out[..., 3], before[..., 3])


def test_two_eyes_see_it_from_two_places(head: HeadRender, portrait: Portrait) -> None:
    pair = stereo_frames(head, portrait, StereoSettings())
    own = (head.triplane.avatar.seen.background.movedim(0, -1) + 1) / 2
    assert torch.equal(pair.ground[0], own)  # in the networks' own framing
    assert (pair.left.key_points - pair.right.key_points).abs().max() > 1e-3  # the torso is warped for each
    seen = pair.eye(pair.left, 0.5, 0, 1)
    assert seen.shape == (1, 512, 512, 3) and bool(torch.isfinite(seen).all())


def test_a_second_motion_is_added(triplane: TriPlane, portrait: Portrait, motion: Motion) -> None:
    clip = motion_adapter(motion_adapter(triplane, portrait, motion), portrait, motion)
    neutral = triplane.avatar.coefficients.expression.reshape(-1)
    assert torch.allclose(clip.motion.expression, 2 * motion.expression - neutral, atol=1e-6)


def test_blendshapes_become_expressions(triplane: TriPlane, portrait: Portrait, motion: Motion) -> None:
    own = triplane.avatar.coefficients.expression.reshape(-1)
    talking = Motion.still(2)
    talking.blendshapes[1, ARKIT_INDEX["jawOpen"]] = 0.5
    clip = motion_adapter(triplane, portrait, talking)
    wanted = mapped_expressions(talking, triplane.model.networks.face_model, triplane.avatar.coefficients)
    assert torch.equal(clip.motion.expression, wanted)
    assert torch.equal(wanted[0], own) and not torch.equal(wanted[1], own)
    assert torch.equal(clip.adapter.source, own)
    both = motion_adapter(clip, portrait, motion)
    assert torch.allclose(both.motion.expression[:2], wanted + motion.expression[:2] - own, atol=1e-5)
    assert torch.allclose(both.adapter.source, motion.expression[0], atol=1e-5)


def test_what_does_not_fit_together(
    triplane: TriPlane, portrait: Portrait, motion: Motion, head: HeadRender
) -> None:
    other = replace(portrait, image=portrait.image.flip(1))
    with pytest.raises(BackendError, match="another PORTRAIT"):
        motion_adapter(triplane, other, motion)
    with pytest.raises(BackendError, match="another PORTRAIT"):
        htb_sr(head, other)
    with pytest.raises(BackendError, match="made by a trained model"):
        motion_adapter(image_to_plane(portrait, Model.built_in()), portrait, motion)
