"""Motions that are known are rendered, and measured back from the pictures."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

from real3d_core.htb_sr import htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.streaming import iterate_frames
from real3d_core.video_to_motion import FrameOfFace, VideoToMotionSettings, video_to_motion
from real3d_core.video_to_motion.tracking import FaceTracker
from real3d_core.wires import ARKIT_INDEX, ARKIT_NAMES, Camera, HeadRender, Motion, RenderSettings

FRAMES = 16
CHANNELS = {
    "jaw": ("jawOpen",),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "brows": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
}
ANGLES = {"pitch": 0, "yaw": 1, "roll": 2}
DEGREES = {"pitch": 10.0, "yaw": 15.0, "roll": 8.0}
MOST_STRAY = 0.35  # of its range a channel may move that was not asked to
WIDE, NARROW = ("mouthStretchLeft", "mouthStretchRight"), "mouthPucker"


def known(*groups: str, frames: int = FRAMES, amount: float = 1.0) -> Motion:
    """Each group goes its way at a rate of its own: weights 0..amount, angles and width both ways."""
    motion, time = Motion.still(frames), torch.arange(frames) * (2 * np.pi / frames)
    for place, group in enumerate(groups):
        wave = time * (1 + place % 4 / 2)
        if group in ANGLES:
            motion.euler[:, ANGLES[group]] = amount * np.radians(DEGREES[group]) * wave.sin()
        elif group == "width":
            for name in WIDE:
                motion.blendshapes[:, ARKIT_INDEX[name]] = amount * wave.sin().clamp(min=0)
            motion.blendshapes[:, ARKIT_INDEX[NARROW]] = amount * (-wave.sin()).clamp(min=0)
        else:
            for name in CHANNELS[group]:
                motion.blendshapes[:, ARKIT_INDEX[name]] = amount * (1 - wave.cos()) / 2
    return motion


def signal(motion: Motion, group: str) -> np.ndarray:
    """[T] what a group does."""
    if group in ANGLES:
        return motion.euler[:, ANGLES[group]].numpy()
    if group == "width":
        return (sum(motion.channel(name) for name in WIDE) / 2 - motion.channel(NARROW)).numpy()
    return (sum(motion.channel(name) for name in CHANNELS[group]) / len(CHANNELS[group])).numpy()


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else 0.0


@dataclass(frozen=True)
class Seen:
    """A motion, and what was measured of its pictures."""

    asked: Motion
    found: Motion

    def agreement(self, group: str) -> float:
        return correlation(signal(self.asked, group), signal(self.found, group))

    def pose_error(self) -> np.ndarray:
        """[3] median degrees, against each track's own mean."""
        apart = self.found.euler - self.asked.euler
        return np.degrees((apart - apart.mean(0)).abs().median(0).values.numpy())

    def strays(self) -> dict[str, float]:
        """Highest weights of the channels that were not asked for."""
        still = self.asked.blendshapes.amax(0) == 0
        return {name: float(self.found.channel(name).max()) for i, name in enumerate(ARKIT_NAMES) if still[i]}

    def talk(self, group: str) -> dict[str, float]:
        """Correlations of these channels with the group that moves."""
        moved = signal(self.asked, group)
        return {
            name: correlation(self.found.channel(name).numpy(), moved)
            for name, highest in self.strays().items()
            if highest > 0
        }


@pytest.fixture(scope="module")
def seen(portrait, nets):
    """(groups) -> what is seen of them; each rendered once."""
    triplane = image_to_plane(portrait, Model.built_in())

    @cache
    def look(*groups: str) -> Seen:
        asked = known(*groups) if len(groups) == 1 else known(*groups, frames=2 * FRAMES, amount=0.7)
        head = HeadRender(motion_adapter(triplane, portrait, asked), Camera.front(), RenderSettings())
        frames = (frame for chunk in iterate_frames(htb_sr(head, portrait)) for frame in chunk)
        tracker = FaceTracker(nets)
        made = video_to_motion(
            ((frame * 255 + 0.5).to(torch.uint8).numpy() for frame in frames),
            25.0,
            lambda index, picture: FrameOfFace(tracker(picture)),
            VideoToMotionSettings(smoothing=0),
        )
        assert made.lost == 0 and len(made.motion) == len(asked)
        return Seen(asked, made.motion)

    return look


@pytest.mark.parametrize(
    ("group", "least"),
    [("jaw", 0.9), ("blink", 0.9), ("brows", 0.7), ("width", 0.7), ("smile", 0.7)],
)
def test_an_expression_is_measured_back(seen, group, least):
    one = seen(group)
    print(group, {name: f"{r:.2f} up to {one.strays()[name]:.2f}" for name, r in one.talk(group).items()})
    assert one.agreement(group) >= least
    assert (one.pose_error() <= 2).all()
    assert max(one.strays().values()) <= MOST_STRAY


@pytest.mark.parametrize("group", ["yaw", "pitch", "roll"])
def test_a_turn_is_measured_back(seen, group):
    one = seen(group)
    print(group, {name: f"{r:.2f} up to {one.strays()[name]:.2f}" for name, r in one.talk(group).items()})
    assert one.agreement(group) >= 0.99
    assert (one.pose_error() <= 2).all()
    assert max(one.strays().values()) <= MOST_STRAY


def test_all_at_once(seen):
    groups = (*CHANNELS, "width", *ANGLES)
    one = seen(*groups)
    print({group: round(one.agreement(group), 2) for group in groups}, one.pose_error())
    assert all(one.agreement(group) >= 0.9 for group in ANGLES)
    assert one.agreement("blink") >= 0.8 and one.agreement("jaw") >= 0.7
    assert (one.pose_error() <= 2).all()
