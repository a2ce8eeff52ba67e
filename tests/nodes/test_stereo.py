"""Stereo: pictures for two eyes, on demand or at once, and files that say so."""

import os

import av
import pytest
import torch

from real3d_core.errors import RenderError
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.wires import Camera, HeadRender, Motion, RenderSettings
from real3d_portrait.nodes import Stereo, VideoCombine
from real3d_portrait.nodes.headless import io
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.video import VideoFromComponents, VideoFromFile
from real3d_portrait.nodes.lazy_video import LazyVideo
from tests.frame_packing import frame_packing

from .small import beep

FRAMES = 2
SETTINGS = {"eye_distance": 0.1, "convergence": 0.2, "background_depth": 0.8, "swap_eyes": False}


@pytest.fixture(autouse=True)
def session(tmp_path):
    with (
        using(Session(output=tmp_path / "output", temp=tmp_path / "temp")) as session,
        torch.inference_mode(),
    ):
        yield session


@pytest.fixture(scope="module")
def head(portrait):
    from dataclasses import replace

    triplane = replace(image_to_plane(portrait, Model.built_in()), motion=Motion.still(FRAMES))
    return HeadRender(triplane, Camera.front(), RenderSettings(resolution=64))


def stereo(head, portrait, layout="side by side", deliver="video on demand", **changes):
    return Stereo.execute(head, portrait, layout, deliver, **SETTINGS | changes)


def saved(session, video, **changes):
    inputs = {"fps": 25.0, "filename_prefix": "pair", "format": "mp4", "quality": 80, "save_metadata": True}
    hidden = io.HiddenHolder("7", {"1": {"class_type": "X"}}, {"workflow": {"nodes": []}})
    VideoCombine.with_hidden(hidden).execute(video, **inputs | changes)
    (path,) = session.output.glob("pair*")
    with av.open(os.fspath(path)) as file:
        return file.streams.video[0].metadata.get("stereo_mode"), path


def test_a_pair_on_demand_is_told_to_players(session, head, portrait):
    audio = {"waveform": beep(FRAMES / 25).waveform[None], "sample_rate": 16_000}
    answer = stereo(head, portrait, audio=audio)
    first, video = answer.result
    assert first.shape == (1, 512, 1024, 3) and isinstance(video, LazyVideo)
    assert video.get_dimensions() == (1024, 512) and video.get_frame_count() == FRAMES
    assert answer.ui["images"] and "apart for the two eyes" in answer.ui["text"][0]
    _, path = saved(session, video)  # the master itself: nothing is encoded twice
    assert frame_packing(path) == 3
    assert VideoFromFile(path).get_components().images.shape == (FRAMES, 512, 1024, 3)
    assert video.as_trimmed(0, 1 / 25).stereo == "side by side"


def test_pictures_at_once_are_told_too(session, head, portrait):
    images, video = stereo(head, portrait, "over-under, half height", "images").result
    assert images.shape == (FRAMES, 512, 512, 3) and isinstance(video, VideoFromComponents)
    assert saved(session, video, format="webm")[0] == "top_bottom"


def test_eyes_of_1024_pixels(head, portrait):
    first, video = stereo(head, portrait, size="1024").result
    assert first.shape == (1, 1024, 2048, 3) and video.get_dimensions() == (2048, 1024)
    with pytest.raises(RenderError):
        stereo(head, portrait, size="4096")


@pytest.mark.parametrize(
    ("layout", "swap", "choice", "told"),
    [
        ("anaglyph, Dubois", False, "as the video", False),
        ("side by side", True, "as the video", False),
        ("side by side", False, "none", False),
        ("anaglyph, Dubois", False, "side by side", True),
    ],
)
def test_only_whole_pairs_are_told_unless_the_user_says(session, head, portrait, layout, swap, choice, told):
    _, video = stereo(head, portrait, layout, swap_eyes=swap).result
    assert frame_packing(saved(session, video, stereo=choice)[1]) == (3 if told else None)


def test_images_of_other_nodes_can_be_marked_by_hand(session):
    assert saved(session, torch.rand(2, 32, 64, 3), format="webm", stereo="side by side")[0] == "left_right"


def test_too_much_depth_is_told(head, portrait):
    answer = stereo(head, portrait, eye_distance=0.25, background_depth=3.0)
    assert "tiring" in answer.ui["text"][1]
