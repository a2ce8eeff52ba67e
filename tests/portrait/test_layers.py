from __future__ import annotations

import numpy as np
import pytest
import torch

from real3d_core.portrait.background import fill_background
from real3d_core.portrait.filters import guided, push_pull, shrink, smoothstep
from real3d_core.portrait.regions import CHIN, NOSE_TIP, face_height, face_mask, jaw_distance
from real3d_core.wires import Portrait


@pytest.fixture
def layers(portrait: Portrait) -> dict[str, np.ndarray]:
    names = ("image", "person", "head_weight", "foreground", "torso", "background", "segmentation")
    return {name: getattr(portrait, name).numpy() for name in names}


def test_layers_compose_to_the_photo(portrait: Portrait) -> None:
    colour, alpha = portrait.torso[..., :3], portrait.torso[..., 3:]
    picture = portrait.background * (1 - alpha) + colour * alpha
    head = portrait.head[..., None]
    picture = picture * (1 - head) + portrait.foreground * head
    off = (picture - portrait.image).abs().mean(-1)
    assert float(off.mean()) < 0.004
    inside = portrait.person > 0.99
    assert float(off[inside].mean()) < 0.004
    assert float(torch.quantile(off[inside], 0.99)) < 0.06


def test_person(layers: dict[str, np.ndarray], portrait: Portrait) -> None:
    person = layers["person"]
    assert person[shrink(face_mask(portrait.landmarks.numpy()), 8) > 0].min() > 0.99
    assert person[:200, :40].max() < 0.02 and person[:200, -60:].max() < 0.02  # the backdrop
    assert person[80:140, 200:340].min() > 0.95  # hair
    assert person[440:500, 220:300].min() > 0.95  # chest
    soft = (person > 0.05) & (person < 0.95)
    assert 0.005 < soft.mean() < 0.08


def test_head_weight_follows_face_and_clothes(layers: dict[str, np.ndarray], portrait: Portrait) -> None:
    weight, inside = layers["head_weight"], layers["person"] > 0.9
    assert weight[face_mask(portrait.landmarks.numpy()) > 0].min() > 0.9
    assert weight[60:250][inside[60:250]].min() > 0.95  # hair and ears
    assert weight[440:][inside[440:]].max() < 0.01  # suit and turtle-neck
    # The collar's ring stands as high as the mouth, right beside the jaw: it must not move with the head.
    ring = inside[318:400, 60:165]
    assert weight[318:400, 60:165][ring].mean() < 0.03
    assert weight[400:430, 190:300].max() < 0.05  # the turtle-neck's edge


def test_neck_passes_smoothly(layers: dict[str, np.ndarray], portrait: Portrait) -> None:
    x, y = portrait.landmarks[CHIN, :2].int().tolist()
    column = layers["head_weight"][y - 20 : y + 60, x]
    assert column[0] > 0.95 and column[-1] < 0.05
    assert np.diff(column).max() < 0.05  # it only falls


def test_torso_goes_on_behind_the_chin(layers: dict[str, np.ndarray], portrait: Portrait) -> None:
    torso = layers["torso"]
    x, y = portrait.landmarks[CHIN, :2].int().tolist()
    assert torso[y - 25, x, 3] > 0.9
    red, green, blue = torso[y - 15 : y + 5, x - 20 : x + 20, :3].mean((0, 1))
    assert red > green > blue and red > 0.5  # the neck's skin, not the black turtle-neck
    assert torso[:200, :, 3].max() < 0.02
    np.testing.assert_allclose(torso[450:, 230:280, :3], layers["image"][450:, 230:280], atol=0.02)


def test_background_holds_no_person(layers: dict[str, np.ndarray]) -> None:
    background, image = layers["background"], layers["image"]
    far = np.s_[20:180, 8:60]
    np.testing.assert_array_equal(background[far], image[far])
    hidden = background[60:380, 160:350]
    scenery = image[20:200, 8:70].reshape(-1, 3)
    assert np.abs(hidden.mean((0, 1)) - scenery.mean(0)).max() < 0.15
    assert hidden.min() > scenery.min() - 0.12  # hair and turtle-neck are much darker
    edges = np.abs(np.diff(hidden.mean(-1), axis=0)).max()
    assert edges < 0.1


def test_background_of_a_full_frame() -> None:
    image = np.random.default_rng(0).random((512, 512, 3), np.float32)
    everywhere = np.ones((512, 512), np.float32)
    filled = fill_background(image, everywhere, np.zeros((512, 512), np.uint8))
    assert np.isfinite(filled).all() and filled.std() < 0.01


def test_background_without_a_person_is_the_picture() -> None:
    image = np.random.default_rng(0).random((512, 512, 3), np.float32)
    nobody = np.zeros((512, 512), np.float32)
    np.testing.assert_array_equal(fill_background(image, nobody, np.zeros((512, 512), np.uint8)), image)


def test_foreground_goes_on_beyond_the_edge(layers: dict[str, np.ndarray]) -> None:
    inside = layers["person"] > 0.999
    off = np.abs(layers["foreground"] - layers["image"]).mean(-1)
    assert off[inside].mean() < 0.004
    hair = layers["foreground"][20:60, 230:300].mean()
    backdrop = layers["image"][8:16, 230:300].mean()
    assert hair < backdrop - 0.15


def test_segmentation(layers: dict[str, np.ndarray], portrait: Portrait) -> None:
    classes = layers["segmentation"]
    np.testing.assert_array_equal(classes.sum(0), np.ones((512, 512)))
    assert set(np.unique(classes)) == {0.0, 1.0}
    np.testing.assert_array_equal(classes[0], layers["person"] < 0.5)
    x, y = portrait.landmarks[NOSE_TIP, :2].int().tolist()
    assert classes[3, y, x] == 1
    assert classes[1, 60:130, 200:330].mean() > 0.9
    assert classes[4, 440:, 230:290].mean() > 0.95
    assert classes[2].sum() > 500  # the neck


def test_jaw_distance(portrait: Portrait) -> None:
    points = portrait.landmarks.numpy()
    distance = jaw_distance(points)
    x, y = points[CHIN, :2].astype(int)
    assert abs(distance[y, x]) < 0.06
    np.testing.assert_allclose(np.diff(distance, axis=0), 1 / face_height(points), rtol=1e-3)
    nose_x, nose_y = points[NOSE_TIP, :2].astype(int)
    assert distance[nose_y, nose_x] < -0.2


def test_push_pull_keeps_what_is_known_and_fills_the_rest() -> None:
    picture = np.full((64, 64, 3), 0.5, np.float32)
    picture[:, 32:] = 0.9
    weight = np.zeros((64, 64), np.float32)
    weight[:, :8] = 1
    filled = push_pull(picture, weight)
    np.testing.assert_allclose(filled, 0.5, atol=1e-3)


def test_guided_filter_moves_an_edge_to_the_pictures() -> None:
    guide = np.zeros((64, 64, 3), np.float32)
    guide[:, 30:] = (1.0, 0.2, 0.1)
    rough = np.zeros((64, 64), np.float32)
    rough[:, 33:] = 1  # three pixels off
    fine = guided(guide, rough, 6, 1e-4)
    assert fine[32, 29] < 0.05 and fine[32, 31] > 0.4


def test_smoothstep_both_ways() -> None:
    x = np.linspace(-1, 2, 31)
    np.testing.assert_allclose(smoothstep(0, 1, x) + smoothstep(1, 0, x), 1)
