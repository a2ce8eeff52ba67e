from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from real3d_core.portrait.faces import Face
from real3d_core.portrait.geometry import apply, sample
from real3d_core.portrait.nets import FaceNets
from real3d_core.portrait.network import NetworkPortrait, prepare_for_networks
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.wires import Portrait
from tests.cancelling import ends_at_any_step

PICTURES = ("image", "head", "torso", "background")
HEAD, TORSO = [1, 3, 5], [2, 4]


@pytest.fixture(scope="module")
def prepared(portrait: Portrait) -> NetworkPortrait:
    return prepare_for_networks(portrait)


def levels(picture: torch.Tensor) -> np.ndarray:
    return ((picture.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()


def test_shapes_and_ranges(prepared: NetworkPortrait) -> None:
    shapes = dict.fromkeys(PICTURES, (3, 512, 512))
    shapes |= {"segmentation": (6, 512, 512), "landmarks": (478, 3), "crop_to_photo": (2, 3)}
    assert set(shapes) == {field.name for field in dataclasses.fields(NetworkPortrait)}
    for name, shape in shapes.items():
        value = getattr(prepared, name)
        assert tuple(value.shape) == shape and value.dtype == torch.float32 and value.is_contiguous(), name
    for name in PICTURES:
        value = getattr(prepared, name)
        assert float(value.min()) >= -1 and float(value.max()) <= 1, name
    assert torch.equal(prepared.segmentation.sum(0), torch.ones(512, 512))


def test_the_crop_is_the_photo_s(prepared: NetworkPortrait, portrait: Portrait) -> None:
    affine = prepared.crop_to_photo.double().numpy()
    seen = sample(portrait.photo.numpy(), affine, 512)
    assert np.abs(levels(prepared.image).astype(int) - seen).max() <= 1
    points = apply(affine, prepared.landmarks[:, :2].double().numpy())
    wanted = apply(portrait.crop_to_photo.double().numpy(), portrait.landmarks[:, :2].double().numpy())
    np.testing.assert_allclose(points, wanted, atol=1e-3)
    low, high = prepared.landmarks[:, :2].min(0).values, prepared.landmarks[:, :2].max(0).values
    assert float((high - low).prod()) / 512**2 == pytest.approx(0.2, abs=0.005)


def test_what_belongs_where(prepared: NetworkPortrait) -> None:
    classes = prepared.segmentation
    head, ground = classes[HEAD].sum(0) > 0, classes[0] > 0
    assert torch.equal(prepared.head[:, head], prepared.image[:, head])
    assert bool((prepared.head[:, ~head] == -1).all())
    clothes = classes[4] > 0
    assert float((prepared.torso[:, clothes] - prepared.image[:, clothes]).abs().mean()) < 0.02
    assert bool((prepared.torso[:, ground & (torch.arange(512)[:, None] < 100)] == -1).all())
    for x, y in prepared.landmarks[[33, 263, 1, 13], :2].long().tolist():  # eyes, nose, mouth
        assert bool(head[y, x])
    assert 0.15 < float(head.float().mean()) < 0.6
    assert float(classes[TORSO].sum(0).mean()) > 0.05


def test_the_person_has_left_the_background(prepared: NetworkPortrait) -> None:
    """Every colour of the background is one of the scenery's."""
    filled, image = levels(prepared.background), levels(prepared.image)
    ground = prepared.segmentation[0].numpy() > 0
    numbers = [picture.astype(int) @ [1, 256, 65536] for picture in (filled[~ground], image[ground])]
    assert np.isin(*numbers).all()


def test_classes_of_the_net_come_first(portrait: Portrait) -> None:
    class AllFace:
        def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
            scores = np.zeros((256, 256, 6), np.float32)
            scores[..., 3] = 1
            return [scores]

    prepared = prepare_for_networks(portrait, AllFace())
    assert bool((prepared.segmentation[3] == 1).all())
    assert torch.equal(prepared.head, prepared.image)
    assert bool((prepared.torso == -1).all())
    assert float(prepared.background.std()) == 0  # no scenery is left


@pytest.mark.parametrize("part", [np.s_[:300, 120:330], np.s_[40:300, 165:285], np.s_[70:175, 180:270]])
def test_photos_of_any_shape(astronaut: np.ndarray, nets: FaceNets, face: Face, part: slice) -> None:
    """Tall, narrower than the crop, and with no room around the face: upright and not squashed."""
    photo = np.ascontiguousarray(astronaut[part])
    landmarks = face.landmarks - [part[1].start or 0, part[0].start or 0, 0]
    prepared = prepare_for_networks(prepare_portrait(photo, nets, landmarks=landmarks))
    affine = prepared.crop_to_photo.numpy()
    assert affine[0, 0] == affine[1, 1] and affine[0, 1] == 0
    y, x = np.mgrid[0:512, 0:512] + 0.5
    seen = apply(affine.astype(float), np.stack([x, y], -1))
    inside = ((seen > 2) & (seen < np.array(photo.shape[1::-1]) - 2)).all(-1)
    expected = sample(photo, affine.astype(float), 512)
    assert np.abs(levels(prepared.image).astype(int) - expected)[inside].max() <= 1
    assert float(prepared.image.isfinite().float().mean()) == 1


def test_repeatable_and_movable(prepared: NetworkPortrait, portrait: Portrait) -> None:
    again = prepare_for_networks(portrait).to("cpu")
    for field in dataclasses.fields(NetworkPortrait):
        assert torch.equal(getattr(prepared, field.name), getattr(again, field.name)), field.name


def test_it_can_be_cancelled(portrait: Portrait) -> None:
    ends_at_any_step(lambda check: prepare_for_networks(portrait, check=check), 3)
