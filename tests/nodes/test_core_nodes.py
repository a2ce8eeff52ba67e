"""The stand-ins for core's nodes: what Load Image gives, and what it refuses."""

import numpy as np
import pytest
import torch
from PIL import Image

from real3d_core import streaming
from real3d_core.errors import RenderError
from real3d_portrait.nodes.headless.core_nodes import CORE_NODES, LoadImage
from real3d_portrait.nodes.headless.session import Session, using

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def session(tmp_path):
    session = Session(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    session.input.mkdir()
    with using(session):
        yield session


@pytest.fixture
def ramp():
    return np.arange(HEIGHT * WIDTH * 3, dtype=np.uint32).reshape(HEIGHT, WIDTH, 3).astype(np.uint8)


def load(session, array, name="picture.png"):
    Image.fromarray(array).save(session.input / name)
    image, mask = LoadImage.execute(name).result
    assert image.dtype == mask.dtype == torch.float32 and image.shape[0] == mask.shape[0] == 1
    return image[0], mask[0]


def test_a_picture_without_alpha_has_core_s_empty_mask(session, ramp):
    image, mask = load(session, ramp)
    assert torch.equal((image * 255).round().byte(), torch.from_numpy(ramp))
    assert mask.shape == (64, 64) and not mask.any()


def test_the_mask_is_what_is_transparent(session, ramp):
    alpha = np.linspace(0, 255, HEIGHT * WIDTH).astype(np.uint8).reshape(HEIGHT, WIDTH)
    image, mask = load(session, np.dstack([ramp, alpha]))
    assert image.shape == (HEIGHT, WIDTH, 3) and mask.shape == (HEIGHT, WIDTH)
    assert torch.allclose(mask, 1 - torch.from_numpy(alpha).float() / 255)
    assert (image[0, 0] == 1).all()  # over white


def test_alpha_that_hides_nothing_is_none(session, ramp):
    image, mask = load(session, np.dstack([ramp, np.full((HEIGHT, WIDTH), 255, np.uint8)]))
    assert torch.equal((image * 255).round().byte(), torch.from_numpy(ramp))
    assert mask.shape == (64, 64) and not mask.any()


@pytest.mark.parametrize("share", [0.99, 1.01])
def test_a_picture_that_does_not_fit_into_memory_is_said(session, ramp, monkeypatch, share):
    needed = HEIGHT * WIDTH * 3 * 4 / streaming.MEMORY_SHARE
    monkeypatch.setattr(streaming, "available_memory", lambda: int(needed * share))
    if share > 1:
        assert load(session, ramp)[0].shape == (HEIGHT, WIDTH, 3)
        return
    with pytest.raises(RenderError, match=r"1 frame of 60x40 as images needs .* reduce the picture first\.$"):
        load(session, ramp)


def test_a_file_that_is_not_there_is_said_before_anything_runs(session):
    assert "There is no file" in LoadImage.validate_inputs("nobody.png")
    assert "leaves the folder" in LoadImage.validate_inputs("../x.png")


def test_choices_are_the_files_that_are_there_now(session, ramp):
    assert list(LoadImage.define_schema().input("image").options) == []
    load(session, ramp)
    (session.input / "notes.txt").write_text("no picture")
    assert list(LoadImage.define_schema().input("image").options) == ["picture.png"]


def test_schemas_are_made_anew_for_each_reader():
    for node in CORE_NODES:
        first, second = node.define_schema(), node.define_schema()
        assert first.node_id == node.__name__ and first.title and first.inputs is not second.inputs
