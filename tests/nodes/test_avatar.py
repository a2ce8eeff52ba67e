"""Save Avatar and Load Avatar as nodes: names, paths, what they show."""

import pytest
import torch

from real3d_core.errors import Real3DError, WorkflowError
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_portrait.nodes import LoadAvatar, SaveAvatar
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.load_avatar import avatar_file, avatar_names

from ..sentences import assert_one_sentence


@pytest.fixture
def session(tmp_path):
    folders = {name: tmp_path / name for name in ("input", "output", "temp", "models")}
    for folder in folders.values():
        folder.mkdir()
    with using(Session(**folders)):
        yield tmp_path


def test_an_avatar_goes_out_and_comes_back(session, portrait):
    triplane = image_to_plane(portrait, Model.built_in())
    saved = SaveAvatar.execute(triplane, portrait, "Real3D/me", "fp16", True)
    assert saved.result[0] is triplane and saved.result[1] is portrait
    file = session / "output" / "Real3D" / "me_00001_.safetensors"
    megabytes = f"{file.stat().st_size / 1e6:.1f} MB"
    assert megabytes in saved.ui["text"][0] and "with the photo" in saved.ui["text"][0]
    (name,) = avatar_names()
    assert name == "Real3D/me_00001_.safetensors [output]"
    assert LoadAvatar.validate_inputs(name) is True
    loaded = LoadAvatar.execute(name)
    again, seen, thumbnail = loaded.result
    assert torch.equal(again.planes, triplane.planes) and seen.findings == portrait.findings
    assert thumbnail.shape == (1, 256, 256, 3) and megabytes in loaded.ui["text"][0]
    kept = session / "models" / "real3d_portrait" / "avatars"
    kept.mkdir(parents=True)
    file.rename(kept / "me.safetensors")
    (name,) = avatar_names()
    assert name == "me.safetensors [avatars]" and LoadAvatar.validate_inputs(name) is True
    assert avatar_file(name).samefile(kept / "me.safetensors")
    assert LoadAvatar.fingerprint_inputs(name)[1] > 0


@pytest.mark.parametrize(
    "name",
    [
        "../secret.safetensors",
        "../secret.safetensors [avatars]",
        "/etc/passwd [avatars]",
        "C:\\x.safetensors [avatars]",
        "a\0b [avatars]",
        " [avatars]",
        "gone.safetensors [avatars]",
        "gone.safetensors",
        "Real3D/../../secret.safetensors [output]",
    ],
)
def test_a_name_leads_nowhere_else(session, name):
    (session / "secret.safetensors").write_bytes(b"x")
    (session / "models" / "real3d_portrait" / "avatars").mkdir(parents=True)
    with pytest.raises(WorkflowError) as raised:
        avatar_file(name)
    assert_one_sentence(raised.value)
    assert isinstance(LoadAvatar.validate_inputs(name), str)


def test_nothing_chosen_and_a_file_of_another_kind(session):
    assert "Save Avatar" in LoadAvatar.validate_inputs(None)
    (session / "input" / "x.safetensors").write_bytes(b"no avatar at all")
    with pytest.raises(Real3DError) as raised:
        LoadAvatar.execute("x.safetensors")
    assert_one_sentence(raised.value)


def test_a_prefix_may_not_leave_the_output_folder(session, portrait):
    with pytest.raises(WorkflowError):
        SaveAvatar.execute(None, portrait, "../me", "fp16", True)
