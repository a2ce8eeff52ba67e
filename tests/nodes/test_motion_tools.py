"""The nodes of the motion tools: what they hand on and show, and which files they touch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from real3d_core.errors import Real3DError
from real3d_core.wires import Motion
from real3d_portrait.nodes import BlendMotion, EditMotion, ExpressionPreset, LoadMotion, SaveMotion
from real3d_portrait.nodes.headless.session import Session, using
from tests.sentences import assert_one_sentence


def defaults(node: type) -> dict[str, object]:
    """Every input with a default."""
    inputs = node.define_schema().inputs
    return {one.id: one.default for one in inputs if getattr(one, "default", None) is not None}


@pytest.fixture
def session(tmp_path: Path):
    """Folders of their own."""
    with using(Session(input=tmp_path / "in", output=tmp_path / "out", temp=tmp_path / "temp")):
        (tmp_path / "in").mkdir()
        yield tmp_path


def smile() -> Motion:
    return ExpressionPreset.execute(**defaults(ExpressionPreset)).result[0]


def test_untouched_settings_hand_the_motion_on(session: Path) -> None:
    motion = smile()
    answer = EditMotion.execute(motion, **defaults(EditMotion))
    assert answer.result[0] is motion and answer.ui["images"] and "75 frames" in answer.ui["text"][0]
    settings = defaults(BlendMotion) | {"mouth": 0.0, "brows": 0.0, "eyes": 0.0, "head": 0.0}
    blended = BlendMotion.execute(motion, Motion.still(75), **settings).result[0]
    assert torch.equal(blended.blendshapes, motion.blendshapes)


@pytest.mark.parametrize("kind", ["json", "Live Link Face csv"])
def test_what_is_saved_is_offered_and_loaded(session: Path, kind: str) -> None:
    motion = smile()
    saved = SaveMotion.execute(motion, "Real3D/motion", kind)
    name = f"{saved.ui['text'][1]} [output]"
    assert name in LoadMotion.define_schema().inputs[0].options
    assert LoadMotion.validate_inputs(file=name) is True
    back = LoadMotion.execute(name, 0.0).result[0]
    assert back.fps == motion.fps and torch.equal(back.blendshapes, motion.blendshapes)
    assert torch.equal(back.euler, motion.euler)


@pytest.mark.parametrize("name", ["../a.json", "/etc/passwd", "C:\\a.json", "a/../../b.csv", "a.json", ""])
def test_a_workflow_reads_nothing_outside_the_folders(session: Path, name: str) -> None:
    (session / "a.json").touch()
    assert isinstance(LoadMotion.validate_inputs(file=name), str)
    with pytest.raises(Real3DError) as caught:
        LoadMotion.execute(name, 0.0)
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize("prefix", ["../a", "/tmp/a", "C:\\a", "a/../../b"])
def test_a_workflow_writes_nothing_outside_the_folders(session: Path, prefix: str) -> None:
    with pytest.raises(Real3DError) as caught:
        SaveMotion.execute(smile(), prefix, "json")
    assert_one_sentence(str(caught.value))
    assert not list(session.glob("*.json"))
