"""The file: what is in it, how large, when it is written anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from real3d_core.errors import BackendError, OutputError
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.preview_3d import key_of, preview_file
from real3d_core.preview_3d.compact import FREE
from real3d_core.preview_3d.looks import at_rest, moved, still_picture
from real3d_core.preview_3d.occupancy import occupancy
from real3d_core.preview_3d.view import SHAPES, camera_of, motion_of
from real3d_core.render_triplane.field import FieldSource
from real3d_core.wires import Motion, TriPlane
from tests.sentences import assert_one_sentence

from .making import ReadFile, plain_preview, random_head


@pytest.fixture(scope="module")
def triplane(portrait) -> TriPlane:
    return image_to_plane(portrait, Model.built_in())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("previews") / "not yet there"


@pytest.fixture(scope="module")
def path(triplane, portrait, folder):
    return preview_file(triplane, portrait, folder)


@pytest.fixture(scope="module")
def file(path) -> ReadFile:
    return ReadFile.of(path.read_bytes())


def test_it_is_small_and_whole(file, path):
    assert path.stat().st_size <= 3_000_000
    assert file.header["mode"] == "photo" and file.header["resolution"] == 256
    assert set(file.header["pictures"]) == {
        "skin", "side", "inner", "masks", "torso", "torso_masks", "ground"
    }  # fmt: skip
    for span in file.header["pictures"].values():
        assert file.bytes(span)[:4] in (b"RIFF", b"\x89PNG")
    assert list(path.parent.iterdir()) == [path]


def test_the_planes_are_the_head_s(file, triplane):
    decoder, groups, real = file.header["decoder"], groups_of(triplane), triplane.planes[0].numpy()
    assert decoder["outputs"] == 12
    for texels, (plane, group) in zip(file.planes(), decoder["layers"], strict=True):
        for place, channel in enumerate(groups[group]):
            if channel != FREE:
                np.testing.assert_allclose(texels[..., place], real[plane, channel], rtol=6e-4, atol=1e-4)


def test_another_run_writes_nothing(path, triplane, portrait, folder):
    before = path.stat().st_mtime_ns
    motion = Motion.still(5)
    assert preview_file(motion_adapter(triplane, portrait, motion), portrait, folder) == path
    assert path.stat().st_mtime_ns == before


def test_names_tell_heads_apart(triplane, portrait):
    other = replace(triplane, planes=triplane.planes + 1e-3)
    keys = {key_of(triplane, portrait), key_of(triplane, None), key_of(other, portrait)}
    assert len(keys) == 3 and key_of(at_rest(triplane), portrait) in keys


def test_another_portrait_is_refused(triplane, portrait, tmp_path):
    with pytest.raises(BackendError) as error:
        preview_file(triplane, replace(portrait, image=portrait.image.flip(1)), tmp_path)
    assert_one_sentence(error.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(triplane, portrait, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    made = plain_preview(random_head(3), np.full((64, 64, 64), 255, np.uint8))
    monkeypatch.setattr("real3d_portrait.real3d_core.preview_3d.preview_of", lambda *_: made)
    with pytest.raises(OutputError) as error:
        preview_file(triplane, portrait, tmp_path / "file" / "sub")
    assert_one_sentence(error.value)


def test_a_cancelled_run_leaves_nothing(triplane, portrait, tmp_path):
    class Cancelled(BaseException):
        pass

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        preview_file(triplane, portrait, tmp_path / "new", cancel)
    assert not (tmp_path / "new").exists()


def test_nothing_that_is_seen_lies_in_an_empty_cell(triplane):
    cells = occupancy(triplane, None) > 0
    assert 0.02 < cells.mean() < 0.5
    points = torch.rand(20_000, 3, generator=torch.Generator().manual_seed(2)) - 0.5
    x, y, z = points.T[:, None] * 2
    field = FieldSource(triplane).frame(None, 0)
    density = torch.nn.functional.softplus(field.density(torch.stack([x, y, z, x])) - 1).flatten()
    at = ((points + 0.5) * 64).long().numpy()
    empty = ~cells[at[:, 2], at[:, 1], at[:, 0]]
    assert empty.mean() > 0.4 and float(density[torch.from_numpy(empty)].max()) < 0.5


@pytest.mark.parametrize("name", list(SHAPES))
def test_a_slider_s_end_is_what_motion_adapter_makes(file, triplane, portrait, name):
    sliders = {"brow_up": {"brow": 1.0}, "brow_down": {"brow": -1.0}}.get(name, {name: 1.0})
    posed = moved(triplane, motion_of(sliders))
    wanted = (posed.frames(0, 1)[0, 0] - triplane.planes[0, 0]).numpy()
    (entry,) = [one for one in file.header["expressions"] if (one["name"], one["amount"]) == (name, 1.0)]
    x, y, width, height = entry["box"]
    made = np.zeros_like(wanted)
    decoder = file.header["decoder"]
    groups = groups_of(triplane)
    for part in entry["parts"]:
        values = file.values(part, len(part["layers"]), height, width)
        for layer, texels in zip(part["layers"], values, strict=True):
            plane, group = decoder["layers"][layer]
            assert plane == 0
            for place, channel in enumerate(groups[group]):
                if channel != FREE:
                    made[channel, y : y + height, x : x + width] += texels[..., place]
    largest = np.abs(wanted).max()
    read = [channel for group in groups for channel in group if channel != FREE]
    assert largest > 0.05 and np.abs(made[read] - wanted[read]).max() < 0.01 * largest + 2e-3


def groups_of(triplane: TriPlane) -> tuple[tuple[int, ...], ...]:
    from real3d_core.preview_3d import PHOTO_FEATURES
    from real3d_core.preview_3d.compact import compacted
    from real3d_core.preview_3d.expressions import expression_planes

    changes = expression_planes(triplane)
    changing = frozenset((plane, one) for plane in changes.planes for one in changes.channels)
    return compacted(triplane.planes[0], triplane.decoder, PHOTO_FEATURES, changing).groups


def test_a_network_s_head_is_quantised():
    triplane = random_head()
    content = plain_preview(triplane, np.full((64, 64, 64), 255, np.uint8)).encoded()
    file = ReadFile.of(content)
    assert len(content) <= 6_000_000 and file.header["mode"] == "volume"
    assert file.header["planes"]["format"] == "u8" and file.header["expressions"] == []
    field = plain_preview(triplane, np.zeros((64, 64, 64), np.uint8)).field
    texels = field.texels(triplane.planes[0])
    assert np.abs(file.planes() - texels).max() <= np.ptp(texels) / 255


def test_the_still_picture(triplane, portrait):
    front = still_picture(triplane, portrait, camera_of(""), motion_of({}))
    assert front.shape == (512, 512, 3) and float(front.min()) >= 0 and float(front.max()) <= 1
    photo = portrait.image[..., :3] / (255 if portrait.image.dtype == torch.uint8 else 1)
    error = float((front - photo.reshape(front.shape)).square().mean())
    assert -10 * np.log10(error) > 25
    jaw = still_picture(triplane, portrait, camera_of(""), motion_of({"jaw": 1.0}))
    assert float((jaw - front).abs().max()) > 0.3
    alone = still_picture(triplane, None, camera_of('{"yaw": 20}'), motion_of({}))
    assert alone.shape == (512, 512, 3) and alone[0, 0].tolist() == pytest.approx(
        [0.13, 0.13, 0.15], abs=1e-3
    )
