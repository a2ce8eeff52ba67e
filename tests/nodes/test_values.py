"""ComfyUI's values and the core's."""

import numpy as np
import pytest
import torch

from real3d_core.errors import AudioError, FaceNotFoundError, ImageError
from real3d_portrait.nodes import values

from ..sentences import assert_one_sentence


def test_audio_takes_the_first_of_a_batch_and_keeps_its_channels():
    wave = torch.rand(2, 2, 100)
    audio = values.audio_from({"waveform": wave, "sample_rate": 8000})
    assert torch.equal(audio.waveform, wave[0]) and audio.sample_rate == 8000
    assert torch.equal(values.audio_value(audio)["waveform"], wave[:1])
    assert values.audio_from(None) is None and values.audio_value(None) is None


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "sound",
        {"waveform": torch.rand(5), "sample_rate": 1},
        {"waveform": torch.rand(1, 1, 5)},
        {"waveform": torch.rand(0, 1, 5), "sample_rate": 8000},
        {"waveform": [[[0.0]]], "sample_rate": 8000},
        *(
            {"waveform": torch.rand(1, 1, 5), "sample_rate": rate}
            for rate in (0, -1, "", "8k", float("nan"), 2**40)
        ),
    ],
)
def test_what_is_no_audio_is_refused(value):
    with pytest.raises(AudioError):
        values.audio_from(value)


def test_encoded_audio_takes_the_first_of_a_batch():
    encoded = torch.rand(2, 5, 7)
    value = {"encoded_audio": encoded, "encoded_audio_all_layers": (), "audio_samples": 1680}
    assert torch.equal(values.encoded_audio_from(value), encoded[0])
    assert values.encoded_audio_from(None) is None


@pytest.mark.parametrize(
    "value", [{}, [], {"encoded_audio": [[0.0]]}, {"encoded_audio": torch.rand(5, 7)}, torch.rand(1, 5, 7)]
)
def test_what_is_no_encoded_audio_is_refused(value):
    with pytest.raises(AudioError) as caught:
        values.encoded_audio_from(value)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("value", [None, [], "picture", np.zeros((1, 4, 5, 3)), torch.rand(1, 4, 5, 2)])
def test_what_is_no_image_or_mask_is_refused(value):
    with pytest.raises(ImageError) as caught:
        values.pictures(value)
    assert_one_sentence(caught.value)
    if value is not None and not isinstance(value, torch.Tensor):
        with pytest.raises(ImageError) as caught:
            values.person_mask(value, 0)
        assert_one_sentence(caught.value)
    with pytest.raises(ImageError, match="mask"):
        values.person_mask(torch.rand(5), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"frames": [None]},
        {"frames": [[{}]]},
        {"frames": [["face"]]},
        {"image_size": None},
        {"image_size": (0, 0)},
        {"image_size": (512,)},
        {"image_size": "512x512"},
    ],
)
def test_landmarks_of_another_make_are_refused(change):
    for value in (faces(1, 0) | change, {k: v for k, v in faces(1, 0).items() if k not in change}, "points"):
        with pytest.raises(ImageError, match="Detect Face Landmarks") as caught:
            values.face_points(value, 0, 0, 200, 400)
        assert_one_sentence(caught.value)
    with pytest.raises(FaceNotFoundError):
        values.face_points(faces(1, 0), 0, -1, 200, 400)


def test_pictures_lose_transparency_and_grey_gets_colour():
    assert values.pictures(torch.rand(2, 4, 5, 4)).shape == (2, 4, 5, 3)
    assert values.pictures(torch.rand(2, 4, 5, 1)).shape == (2, 4, 5, 3)
    for bad in (torch.rand(4, 5, 3), torch.rand(0, 4, 5, 3)):
        with pytest.raises(ImageError):
            values.pictures(bad)


def test_an_empty_mask_is_none_and_one_mask_serves_all():
    masks = torch.zeros(2, 64, 48)
    masks[1, :32] = 1
    assert values.person_mask(None, 0) is None
    assert values.person_mask(masks, 0) is None
    half = values.person_mask(masks, 1)
    assert half.shape == (64, 48) and half.dtype == np.float32 and half.mean() == 0.5
    assert np.array_equal(values.person_mask(masks, 7), half)
    assert np.array_equal(values.person_mask(masks[1], 0), half)


def faces(scale: float, turn: float) -> dict:
    """One face of a 400 x 200 picture whose crop is scaled and turned against it, and a smaller one."""
    crop = np.random.default_rng(1).uniform(0, 192, (478, 3))
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    flat = crop[:, :2] @ rotation.T + [50, 40]
    large = {"landmarks_xy": flat, "landmarks_3d": crop, "bbox_xyxy": np.array([0, 0, 50, 90])}
    small = large | {"bbox_xyxy": np.array([0, 0, 9, 9]), "landmarks_xy": flat + 100}
    return {"frames": [[small, large]], "image_size": (200, 400)}


def test_landmarks_of_core_come_in_picture_pixels_with_depth_on_their_scale():
    found = faces(scale=0.5, turn=0.3)
    points = values.face_points(found, 0, 0, 200, 400)
    large = found["frames"][0][1]
    assert np.allclose(points[:, :2], large["landmarks_xy"])
    assert np.allclose(points[:, 2], 0.5 * large["landmarks_3d"][:, 2])
    halved = values.face_points(found, 0, 0, 100, 200)  # the photo was read at half its size
    assert np.allclose(halved, points / 2)
    second = values.face_points(found, 0, 1, 200, 400)
    assert np.allclose(second[:, :2], found["frames"][0][0]["landmarks_xy"])


def test_a_face_that_is_not_there_is_said():
    with pytest.raises(FaceNotFoundError, match="holds 2"):
        values.face_points(faces(1, 0), 0, 2, 200, 400)
    with pytest.raises(FaceNotFoundError):
        values.face_points({"frames": [], "image_size": (1, 1)}, 0, 0, 1, 1)
