"""The Video-to-Motion node: what the face model adds, and the pose of one film with the face of another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from real3d_core.model import Model, Networks
from real3d_core.wires import ARKIT_NAMES, Motion
from real3d_portrait.nodes import BlendMotion, VideoToMotion
from real3d_portrait.nodes.headless.session import Session, using
from tests.expressive_bfm import expressive_face_model
from tests.nodes.test_motion_tools import defaults
from tests.video_to_motion.test_coefficients import FRAMES, driver, moved

SIZE = (480, 1280)  # of the film


@pytest.fixture(autouse=True)
def session(tmp_path: Path) -> Iterator[None]:
    """Folders of its own."""
    with using(Session(input=tmp_path, output=tmp_path, temp=tmp_path)):
        yield


def network_model() -> Model:
    """A trained model of which only the face model can be asked for."""

    def nothing() -> Any:
        raise AssertionError("Video-to-Motion needs no networks but the face model")

    networks = Networks(None, None, None, load_decoder=nothing, load_face_model=expressive_face_model)
    return Model("stand-in", "network", networks)


def found_landmarks(film: np.ndarray) -> dict[str, Any]:
    """FACE_LANDMARKS of a film [T, 478, 3], as Detect Face Landmarks hands them on."""
    faces = [
        [{"landmarks_xy": points[:, :2], "landmarks_3d": points, "bbox_xyxy": (0, 0, 10, 10)}]
        for points in film
    ]
    return {"frames": faces, "image_size": SIZE}


def filmed(film: np.ndarray, take: str, model: Model | None = None) -> Motion:
    settings = defaults(VideoToMotion) | {"take": take, "smoothing": 0.0}
    images = torch.zeros(len(film), *SIZE, 3)
    answer = VideoToMotion.execute(
        **settings, images=images, face_landmarks=found_landmarks(film), model=model
    )
    assert answer.ui["images"] and f"{len(film)} pictures" in answer.ui["text"][0]
    return answer.result[0]


@cache
def expressive() -> np.ndarray:
    return driver().landmarks


def agreement(a: np.ndarray | Tensor, b: np.ndarray | Tensor) -> float:
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


def test_a_trained_model_adds_the_3dmm_expression() -> None:
    plain = filmed(expressive(), "both", Model.built_in())
    fitted = filmed(expressive(), "both", network_model())
    assert plain.expression is None and fitted.expression.shape == (FRAMES, 64)
    assert agreement(moved(driver().expression), moved(fitted.expression)) >= 0.95
    for name in ("blendshapes", "euler", "translation"):
        assert torch.equal(getattr(plain, name), getattr(fitted, name))


def test_of_a_pose_alone_no_face_model_is_read() -> None:
    def unasked() -> Any:
        raise AssertionError("a pose has no expression")

    model = Model("stand-in", "network", Networks(None, None, None, unasked, unasked))
    assert filmed(expressive(), "pose", model).expression is None


def test_the_face_of_one_film_and_the_pose_of_another() -> None:
    """Two Video-to-Motion and Blend Motion, as the help page has it."""
    other = expressive()[::-1]  # turns when the first does not
    face, pose = filmed(expressive(), "expression", network_model()), filmed(other, "pose")
    assert not face.euler.any() and not pose.blendshapes.any()
    only_head = dict.fromkeys(("mouth", "brows", "eyes"), 0.0) | {"head": 1.0}
    both = BlendMotion.execute(face, pose, **defaults(BlendMotion) | only_head).result[0]
    assert torch.equal(both.blendshapes, face.blendshapes) and face.blendshapes.any()
    assert torch.equal(both.expression, face.expression)
    assert torch.equal(both.euler, pose.euler) and torch.equal(both.translation, pose.translation)
    time = np.linspace(0, 2 * np.pi, FRAMES)[::-1]
    assert agreement(both.euler[:, 1], 0.25 * np.sin(2 * time)) >= 0.95
    assert agreement(moved(driver().expression), moved(both.expression)) >= 0.95
    assert both.blendshapes.shape == (FRAMES, len(ARKIT_NAMES))
