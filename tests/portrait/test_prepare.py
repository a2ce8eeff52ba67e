from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from real3d_core.errors import FaceNetsError, FaceNotFoundError, ImageError
from real3d_core.portrait.faces import Face
from real3d_core.portrait.geometry import apply, invert
from real3d_core.portrait.nets import FaceNets
from real3d_core.portrait.overlay import draw_overlay
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.render_triplane.cameras import built_in_camera
from real3d_core.wires import Portrait
from tests.cancelling import ends_at_any_step

SHAPES = {
    "image": (512, 512, 3),
    "crop_to_photo": (2, 3),
    "landmarks": (478, 3),
    "person": (512, 512),
    "head_weight": (512, 512),
    "foreground": (512, 512, 3),
    "torso": (512, 512, 4),
    "background": (512, 512, 3),
    "segmentation": (6, 512, 512),
    "camera": (25,),
}


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().mean())


def test_shapes_and_ranges(portrait: Portrait, astronaut: np.ndarray) -> None:
    for name, shape in SHAPES.items():
        value = getattr(portrait, name)
        assert tuple(value.shape) == shape, name
        assert value.dtype == torch.float32, name
        assert value.is_contiguous(), name
        if len(shape) > 1 and 512 in shape:
            assert float(value.min()) >= 0 and float(value.max()) <= 1, name
    np.testing.assert_array_equal(portrait.photo.numpy(), astronaut)
    assert torch.equal(portrait.camera, built_in_camera())


def test_the_face_has_its_place(portrait: Portrait) -> None:
    face = portrait.landmarks[:468, :2]
    low, high = face.min(0).values / 512, face.max(0).values / 512
    assert float(high[0] - low[0]) == pytest.approx(0.37, abs=0.02)
    assert float(low[0] + high[0]) / 2 == pytest.approx(0.5, abs=0.01)
    assert float(low[1] + high[1]) / 2 == pytest.approx(0.49, abs=0.01)


def test_crop_and_photo_agree(portrait: Portrait, face: Face) -> None:
    affine = portrait.crop_to_photo.double().numpy()
    back = apply(affine, portrait.landmarks.double().numpy()[:, :2])
    np.testing.assert_allclose(back, face.landmarks[:, :2], atol=1e-3)
    # The crop's pixel under the nose is the photo's pixel there.
    to_crop = invert(affine)
    for photo_x, photo_y in ((230.5, 128.5), (180.5, 60.5), (270.5, 200.5)):
        x, y = apply(to_crop, np.array([photo_x, photo_y]))
        seen = portrait.image[int(y), int(x)].numpy() * 255
        wanted = portrait.photo[int(photo_y), int(photo_x)].numpy()
        assert np.abs(seen - wanted).max() < 25


def test_equal_inputs_give_equal_portraits(astronaut: np.ndarray, nets: FaceNets, portrait: Portrait) -> None:
    again = prepare_portrait(astronaut, nets)
    for field in dataclasses.fields(Portrait):
        one, other = getattr(portrait, field.name), getattr(again, field.name)
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other, field.name


def test_a_larger_photo_gives_the_same_crop(
    astronaut: np.ndarray, nets: FaceNets, portrait: Portrait
) -> None:
    large = prepare_portrait(cv2.resize(astronaut, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC), nets)
    assert difference(large.image, portrait.image) < 0.03
    assert difference(large.landmarks[:, :2], portrait.landmarks[:, :2]) < 3
    assert difference(large.person, portrait.person) < 0.02


@pytest.mark.parametrize("degrees", [90, -50, 180])
def test_a_turned_head_is_straightened(
    astronaut: np.ndarray, nets: FaceNets, portrait: Portrait, degrees: int
) -> None:
    turn = cv2.getRotationMatrix2D((255.5, 255.5), degrees, 1.0)
    turned = prepare_portrait(cv2.warpAffine(astronaut, turn, (512, 512)), nets)
    right, left = turned.landmarks[33], turned.landmarks[263]
    assert abs(float(left[1] - right[1])) < 0.05 * float(left[0] - right[0])
    assert difference(turned.landmarks[:, :2], portrait.landmarks[:, :2]) < 6
    affine = turned.crop_to_photo.numpy()
    angle = np.arctan2(affine[1, 0], affine[0, 0])
    assert np.cos(angle + np.radians(degrees)) > np.cos(np.radians(8))


def test_a_small_tilt_is_the_photos_own(astronaut: np.ndarray, nets: FaceNets) -> None:
    turn = cv2.getRotationMatrix2D((230, 130), -5, 1.0)
    affine = prepare_portrait(cv2.warpAffine(astronaut, turn, (512, 512)), nets).crop_to_photo
    assert float(affine[0, 1]) == 0 and float(affine[1, 0]) == 0


def test_mask_takes_the_place_of_the_search(astronaut: np.ndarray, nets: FaceNets, face: Face) -> None:
    mask = np.zeros((256, 256), np.float32)  # half the photo's resolution
    cv2.circle(mask, (113, 60), 50, 1.0, -1)
    portrait = prepare_portrait(astronaut, nets, mask=torch.from_numpy(mask))
    affine = invert(portrait.crop_to_photo.double().numpy())
    inside, outside = apply(affine, np.array([[226, 30], [226, 235]], float)).astype(int)
    assert float(portrait.person[inside[1], inside[0]]) > 0.9
    assert float(portrait.person[outside[1], outside[0]]) < 0.1
    assert not any("mask" in text for text in portrait.findings)


def test_soft_mask_is_taken_as_it_is(astronaut: np.ndarray, nets: FaceNets) -> None:
    mask = np.zeros((512, 512), np.float32)
    cv2.circle(mask, (226, 120), 100, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 12)
    portrait = prepare_portrait(astronaut, nets, mask=mask)
    affine = portrait.crop_to_photo.double().numpy()
    for x, y in ((256, 120), (120, 250), (330, 60)):
        photo_x, photo_y = apply(affine, np.array([x + 0.5, y + 0.5]))
        wanted = mask[int(photo_y), int(photo_x)]
        assert float(portrait.person[y, x]) == pytest.approx(wanted, abs=0.05)


def test_inverted_mask_is_reported_and_left_aside(
    astronaut: np.ndarray, nets: FaceNets, portrait: Portrait
) -> None:
    mask = np.ones((512, 512), np.float32)
    cv2.circle(mask, (226, 120), 100, 0.0, -1)
    other = prepare_portrait(astronaut, nets, mask=mask)
    assert torch.equal(other.person, portrait.person)
    assert any("inverted" in text for text in other.findings)


def test_given_landmarks_need_no_nets(astronaut: np.ndarray, face: Face, portrait: Portrait) -> None:
    given = prepare_portrait(astronaut, None, landmarks=face.landmarks)
    assert torch.equal(given.landmarks, portrait.landmarks)
    assert torch.equal(given.image, portrait.image)
    both = (given.person > 0.5) & (portrait.person > 0.5)
    either = (given.person > 0.5) | (portrait.person > 0.5)
    assert float(both.sum() / either.sum()) > 0.9  # the matte found from landmarks alone


def test_mesh_without_irises(astronaut: np.ndarray, face: Face, portrait: Portrait) -> None:
    given = prepare_portrait(astronaut, None, landmarks=torch.from_numpy(face.landmarks[:468]))
    np.testing.assert_allclose(given.landmarks[468:, :2], portrait.landmarks[468:, :2], atol=8)


def test_unusable_inputs(astronaut: np.ndarray, nets: FaceNets, face: Face) -> None:
    with pytest.raises(FaceNotFoundError, match="face 3"):
        prepare_portrait(astronaut, nets, face_index=3)
    with pytest.raises(FaceNetsError, match="landmarks"):
        prepare_portrait(astronaut, None)
    with pytest.raises(ImageError, match="landmarks"):
        prepare_portrait(astronaut, nets, landmarks=face.landmarks[:68])
    for no_face in (face.landmarks * [-1, 1, 1] + [512, 0, 0], np.full((478, 3), 100.0)):
        with pytest.raises(ImageError, match="not those of a face"):
            prepare_portrait(astronaut, nets, landmarks=no_face)
    with pytest.raises(ImageError, match="do not lie"):
        prepare_portrait(astronaut, nets, landmarks=face.landmarks + 5000)
    with pytest.raises(ImageError, match="mask"):
        prepare_portrait(astronaut, nets, mask=np.ones((3, 10, 10)))
    with pytest.raises(ImageError, match="uint8"):
        prepare_portrait(astronaut.astype(np.float32), nets)
    with pytest.raises(FaceNotFoundError):
        prepare_portrait(np.zeros((300, 300, 3), np.uint8), nets)


def test_findings_name_what_is_wrong(astronaut: np.ndarray, nets: FaceNets, portrait: Portrait) -> None:
    def words(photo: np.ndarray) -> str:
        return " ".join(prepare_portrait(photo, nets).findings)

    plain = " ".join(portrait.findings)
    assert "94 pixels wide" in plain and "mouth is open" in plain
    for word in ("dark", "blurred", "cut", "near", "turned", "closed"):
        assert word not in plain.replace("closed lips", "")
    assert "dark" in words((astronaut * 0.2).astype(np.uint8))
    assert "blurred" in words(cv2.GaussianBlur(astronaut, (0, 0), 2.5))
    assert "cuts off the top" in words(astronaut[45:])
    assert "near the photo's edge" in words(astronaut[:, 205:])
    assert "pixels wide" not in words(cv2.resize(astronaut, None, fx=2, fy=2))


def test_cut_head_is_closed(astronaut: np.ndarray, nets: FaceNets) -> None:
    portrait = prepare_portrait(astronaut[45:], nets)
    above = invert(portrait.crop_to_photo.double().numpy())[1, 2]  # the photo's upper edge in the crop
    assert above > 40
    assert float(portrait.person[int(above) - 8, 256]) > 0.9  # hair goes on above it
    assert float(portrait.person[:4].max()) < 0.05  # and ends
    assert float(portrait.head_weight[int(above) - 8, 256]) > 0.9


def test_overlay(portrait: Portrait) -> None:
    before = portrait.image.clone()
    overlay = draw_overlay(portrait)
    assert tuple(overlay.shape) == (512, 512, 3)
    assert overlay.dtype == torch.float32
    assert float(overlay.min()) >= 0 and float(overlay.max()) <= 1
    assert torch.equal(portrait.image, before)
    nose = portrait.landmarks[1].int()
    green = overlay[nose[1], nose[0]]
    assert green[1] > green[0] and green[1] > green[2]
    wordless = draw_overlay(dataclasses.replace(portrait, findings=()))
    assert torch.equal(overlay[:400], wordless[:400]) and not torch.equal(overlay[440:], wordless[440:])


def test_check_ends_the_work_at_any_step(astronaut: np.ndarray, nets: FaceNets) -> None:
    ends_at_any_step(lambda check: prepare_portrait(astronaut, nets, check=check), steps=6)
