"""Paths inside a workflow may not leave the folders; results are numbered as ComfyUI numbers them."""

import os

import pytest

from real3d_core.errors import OutputError, WorkflowError
from real3d_portrait.nodes import paths
from real3d_portrait.nodes.headless.session import Session, using

from ..sentences import assert_one_sentence


@pytest.fixture
def folders(tmp_path):
    session = Session(input=tmp_path / "input", output=tmp_path / "output", temp=tmp_path / "temp")
    session.input.mkdir()
    (session.input / "me.png").write_bytes(b"x")
    (session.input / "sub").mkdir()
    (session.input / "sub" / "you.jpg").write_bytes(b"x")
    (tmp_path / "secret.png").write_bytes(b"x")
    with using(session):
        yield session


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "sub/../../secret.png",
        "..\\secret.png",
        "/etc/passwd",
        "\\\\server\\share\\x.png",
        "//server/share/x.png",
        "C:\\Windows\\x.png",
        "C:x.png",
        "me.png\0",
        "../secret.png [input]",
        "../../x [output]",
    ],
)
def test_names_that_leave_the_folder_are_refused(folders, name):
    with pytest.raises(WorkflowError, match="leaves the folder"):
        paths.input_file(name)


def test_links_that_leave_the_folder_are_refused(folders, tmp_path):
    try:
        os.symlink(tmp_path / "secret.png", folders.input / "link.png")
    except OSError:
        pytest.skip("symbolic links cannot be made here")
    with pytest.raises(WorkflowError, match="leaves the folder"):
        paths.input_file("link.png")


def test_names_inside_are_found(folders):
    assert paths.input_file("me.png") == folders.input / "me.png"
    assert paths.input_file("sub/you.jpg").samefile(folders.input / "sub" / "you.jpg")
    assert paths.input_file("sub\\you.jpg").samefile(folders.input / "sub" / "you.jpg")
    folders.output.mkdir()
    (folders.output / "o.png").write_bytes(b"x")
    assert paths.input_file("o.png [output]") == folders.output / "o.png"
    assert paths.input_names(frozenset({".png"})) == ["me.png"]


@pytest.mark.parametrize("name", ["", " ", ".", "sub", "nobody.png"])
def test_what_is_no_file_is_refused(folders, name):
    with pytest.raises(WorkflowError, match="There is no file"):
        paths.input_file(name)


def test_a_path_that_the_user_typed_may_lie_anywhere(folders, tmp_path):
    name = str(tmp_path / "secret.png")
    with using(Session(input=folders.input, trusted=frozenset({name}))):
        assert paths.input_file(name) == tmp_path / "secret.png"


def test_results_are_numbered(folders):
    first = paths.numbered_output("clips/talk", ".mp4", 512, 512)
    assert (first.name, first.subfolder) == ("talk_00001_.mp4", "clips")
    assert first.path.parent.is_dir()
    (first.path.parent / "talk_00041_.mp4").touch()
    (first.path.parent / "talking_00099_.mp4").touch()
    assert paths.numbered_output("clips/talk", ".mp4", 512, 512).name == "talk_00042_.mp4"
    assert paths.numbered_output("a%width%x%height%", ".mp4", 64, 48).name == "a64x48_00001_.mp4"


@pytest.mark.parametrize(
    "name",
    ["nul", "con.png", "aux/x.png", "COM1", "lpt9.tar.gz", "x" * 300, "a\nb.png", "\ud800.png", "a/\x7f/b"],
)
def test_names_that_not_every_system_can_have_are_refused(folders, name):
    for refused in (
        lambda: paths.input_file(name),
        lambda: paths.numbered_output(name, ".mp4", 1, 1),
    ):
        with pytest.raises(WorkflowError, match="plainer") as caught:
            refused()
        assert_one_sentence(caught.value)
    assert not folders.output.exists()


def test_links_in_a_circle_and_paths_of_any_length_are_refused(folders):
    with pytest.raises(WorkflowError, match="no file") as caught:
        paths.input_file("/".join(["deep"] * 2000)[1:])
    assert len(str(caught.value)) < 30_000
    try:
        os.symlink(folders.input / "loop", folders.input / "loop")
    except OSError:
        pytest.skip("symbolic links cannot be made here")
    with pytest.raises(WorkflowError, match=r"leaves the folder|no file"):
        paths.input_file("loop")


@pytest.mark.parametrize("prefix", [".", "./", "sub/..//.", "%width%/../."])
def test_a_prefix_that_is_the_folder_itself_does_not_lead_out_of_it(folders, prefix):
    with pytest.raises(WorkflowError) as caught:
        paths.numbered_output(prefix, ".mp4", 1, 1)
    assert_one_sentence(caught.value)
    assert not list(folders.output.parent.glob("*.mp4"))


@pytest.mark.parametrize("prefix", ["../x", "/tmp/x", "C:/x", "a/../../x"])
def test_results_stay_in_the_output_folder(folders, prefix):
    with pytest.raises(WorkflowError, match="leaves the folder"):
        paths.numbered_output(prefix, ".mp4", 1, 1)


def test_an_output_folder_that_cannot_be_made_is_said(folders):
    folders.output.write_text("a file in its place")
    with pytest.raises(OutputError, match="cannot be made"):
        paths.numbered_output("x", ".mp4", 1, 1)
