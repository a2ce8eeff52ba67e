"""3D Preview as a node: what goes out, what is told to the browser, and runs without one."""

import math
from dataclasses import replace

import pytest
import torch

from real3d_core.arkit import ARKIT_INDEX
from real3d_core.errors import BackendError, Real3DError
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.wires import Motion
from real3d_portrait.nodes import Preview3D
from real3d_portrait.nodes.headless.execute import SHOWS_ONLY
from real3d_portrait.nodes.headless.session import Session, using

from ..sentences import assert_one_sentence


@pytest.fixture(scope="module")
def triplane(portrait):
    return image_to_plane(portrait, Model.built_in())


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preview")
    with using(Session(**{name: folder / name for name in ("input", "output", "temp", "models")})):
        yield folder


def settings(**changes):
    inputs = Preview3D.define_schema().inputs
    return {one.id: one.default for one in inputs if hasattr(one, "default")} | changes


def test_view_and_sliders_go_out(session, triplane, portrait):
    chosen = settings(camera='{"yaw": 12, "dolly": 0.9}', jaw=0.5, brow=-1.0, frames=4, fps=30.0)
    with torch.inference_mode():
        answer = Preview3D.execute(triplane=triplane, portrait=portrait, **chosen)
    camera, motion, head, image = answer.result
    assert math.degrees(float(camera.yaw[0])) == pytest.approx(12) and len(camera) == 1
    assert len(motion) == 4 and motion.fps == 30.0
    assert float(motion.blendshapes[3, ARKIT_INDEX["jawOpen"]]) == 0.5
    assert float(motion.blendshapes[0, ARKIT_INDEX["browDownLeft"]]) == 1.0
    assert head is triplane and image.shape == (1, 512, 512, 3)
    (shown,) = answer.ui["r3dp_preview"]
    file = session / "temp" / shown["subfolder"] / shown["filename"]
    assert shown["type"] == "temp" and file.read_bytes()[:2] == b"\x1f\x8b"
    # Another view and face of the same head is another picture, and the same file.
    before = file.stat().st_mtime_ns
    again = Preview3D.execute(triplane=triplane, portrait=portrait, **settings())
    assert again.ui == answer.ui and file.stat().st_mtime_ns == before
    assert not torch.equal(again.result[3], image)


def test_a_motion_goes_out_with_the_face_on_top(session, triplane, portrait):
    spoken = Motion.still(6, 30.0)
    spoken.blendshapes[2, ARKIT_INDEX["jawOpen"]] = 0.4
    chosen = settings(smile=0.5)
    with torch.inference_mode():
        made = Preview3D.execute(triplane=triplane, portrait=portrait, motion=spoken, **chosen).result
        alone = Preview3D.execute(triplane=triplane, portrait=portrait, **chosen).result
    assert len(made[1]) == 6 and made[1].fps == 30.0
    assert float(made[1].blendshapes[2, ARKIT_INDEX["jawOpen"]]) == pytest.approx(0.4)
    assert float(made[1].blendshapes[5, ARKIT_INDEX["mouthSmileLeft"]]) == 0.5
    assert torch.equal(made[3], alone[3])


@pytest.mark.parametrize(
    "changes",
    [{"camera": "north"}, {"camera": '{"yaw": 999}'}, {"jaw": math.nan}, {"frames": 0}, {"fps": -1.0}],
)
def test_bad_values_are_told_before_any_work(session, triplane, portrait, changes, monkeypatch):
    def worked(*_):
        raise AssertionError("worked")

    monkeypatch.setattr("real3d_portrait.nodes.preview_3d.preview_file", worked)
    with pytest.raises(Real3DError) as error:
        Preview3D.execute(triplane=triplane, portrait=portrait, **settings(**changes))
    assert_one_sentence(error.value)


def test_another_portrait_is_refused(session, triplane, portrait):
    other = replace(portrait, image=portrait.image.flip(1))
    with pytest.raises(BackendError) as error:
        Preview3D.execute(triplane=triplane, portrait=other, **settings())
    assert_one_sentence(error.value)


def test_it_saves_no_result():
    """So that a workflow with a preview in it still runs with one output file."""
    assert Preview3D.define_schema().node_id in SHOWS_ONLY
