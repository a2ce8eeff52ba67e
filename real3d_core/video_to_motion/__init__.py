"""Video-to-Motion: a film of a face becomes the motion of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from ..errors import FaceNotFoundError
from ..streaming import no_check
from ..wires import ARKIT_NAMES, Motion

if TYPE_CHECKING:
    from ..face_model.bfm import FaceModel

Take = Literal["both", "expression", "pose"]
TAKES: tuple[Take, ...] = ("both", "expression", "pose")
SLOW_WINDOW = 2.0  # translation is smoothed over this many times the window of the rest: size is seen badly
QUICK_WINDOW = 0.6  # and eyes over this share of it: a lid closes in a tenth of a second
SPARE = 1.6  # pictures per frame of the motion beyond which only every second, third, ... is looked at


@dataclass(frozen=True)
class VideoToMotionSettings:
    """take                 what the motion holds; the rest stays as in the photo.
    smoothing           0 (none) .. 1 of the jitter filter.
    map_to_initial_pose  the head's pose is against the clip's own resting pose; else against the camera's
                        direction, as filmed.
    fps                 frames per second of the motion.
    """

    take: Take = "both"
    smoothing: float = 0.5
    map_to_initial_pose: bool = True
    fps: float = 25.0


@dataclass(frozen=True)
class FrameOfFace:
    """landmarks [478, 3] (mesh_fit.py, "Convention"), None if no face was found; blendshapes [52] by a net
    that judges them, None if there is none.
    """

    landmarks: np.ndarray | None
    blendshapes: np.ndarray | None = None


@dataclass(frozen=True)
class VideoMotion:
    """motion, and how many of the `seen` pictures that were looked at showed no face."""

    motion: Motion
    seen: int
    lost: int

    @property
    def summary(self) -> str:
        """One line for the user."""
        text = f"{len(self.motion)} frames at {self.motion.fps:g} per second from {self.seen} pictures."
        if self.lost:
            text += f" The face was lost in {self.lost} of them; the motion is bridged there."
        return text


Watcher = Callable[[int, np.ndarray], FrameOfFace]
"""(number of the picture, uint8 [h, w, 3]) -> its face."""


def video_to_motion(
    pictures: Iterable[np.ndarray],
    fps: float,
    watch: Watcher,
    settings: VideoToMotionSettings | None = None,
    check: Callable[[], None] = no_check,
    on_picture: Callable[[int], None] | None = None,
    face_model: FaceModel | None = None,
) -> VideoMotion:
    """The motion of the face in `pictures` (uint8 [h, w, 3], fps of them a second), read once, one at a time.

    watch       finds the face in a picture.
    check       called before each picture and between later steps; whatever it raises ends the work.
    on_picture  told how many pictures are done.
    face_model  fitted to the clip, unless only the pose is taken: the motion then has a 3DMM expression too.

    Raises FaceNotFoundError if no picture shows a face.
    """
    settings = settings or VideoToMotionSettings()
    every = max(1, int(fps / (settings.fps * SPARE) + 0.5))
    frames: list[FrameOfFace] = []
    count = 0
    for count, picture in enumerate(pictures, 1):
        if (count - 1) % every == 0:
            check()
            frames.append(_compact(watch(count - 1, picture)))
        if on_picture is not None:
            on_picture(count)
    lost = sum(frame.landmarks is None for frame in frames)
    if lost == len(frames):
        raise FaceNotFoundError(
            f"No face was found in any of the {count} pictures of the video; use one whose face is seen"
            " whole."
        )
    times = np.arange(len(frames)) * (every / fps)
    return VideoMotion(_motion(frames, times, count / fps, settings, face_model, check), len(frames), lost)


def _compact(frame: FrameOfFace) -> FrameOfFace:
    marks = frame.landmarks
    return FrameOfFace(None if marks is None else marks.astype(np.float32), frame.blendshapes)


def _motion(
    frames: list[FrameOfFace],
    times: np.ndarray,
    seconds: float,
    settings: VideoToMotionSettings,
    face_model: FaceModel | None,
    check: Callable[[], None],
) -> Motion:
    from .curves import at_rate, smooth
    from .judged import above_neutral
    from .measure import measure

    nowhere = np.full((478, 3), np.nan, np.float32)
    landmarks = np.stack([nowhere if frame.landmarks is None else frame.landmarks for frame in frames])
    measured = measure(landmarks, settings.map_to_initial_pose)
    blendshapes = above_neutral([frame.blendshapes for frame in frames], measured.blendshapes)

    def read(values: np.ndarray) -> np.ndarray:
        return at_rate(values, times, settings.fps, seconds)

    def smoothed(values: np.ndarray, share: float = 1.0) -> np.ndarray:
        return smooth(values, settings.fps, settings.smoothing, share)

    shapes, turn = read(blendshapes), smoothed(read(measured.euler))
    eyes = np.array([name.startswith("eye") for name in ARKIT_NAMES])
    shapes = np.where(eyes, smoothed(shapes, QUICK_WINDOW), smoothed(shapes)).clip(min=0)
    place = smoothed(read(measured.translation), SLOW_WINDOW)
    expression = None
    if settings.take == "pose":
        shapes = np.zeros_like(shapes)
    elif face_model is not None:
        from .coefficients import fitted_expressions

        marks = read(landmarks.reshape(len(landmarks), -1)).reshape(-1, 478, 3)
        expression = torch.from_numpy(smoothed(fitted_expressions(face_model, marks, check).numpy()))
    if settings.take == "expression":
        turn, place = np.zeros_like(turn), np.zeros_like(place)
    return Motion(settings.fps, *(torch.from_numpy(part) for part in (shapes, turn, place)), expression)
