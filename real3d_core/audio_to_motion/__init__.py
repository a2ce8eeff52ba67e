"""Audio-to-Motion: the expressions and head movements that go with a sound."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import BackendError, MotionError
from ..model import Model
from ..sound import check_audio
from ..streaming import no_check
from ..timing import stage
from ..wires import Audio, Motion


@dataclass(frozen=True)
class AudioToMotionSettings:
    """How the face moves to the sound.

    mouth_amplitude     0..2, how far the mouth opens and moves; 1 is natural.
    temperature         0..1, variety of the network backend; the analytic one has no use for it.
    head_motion         0..2, amount of sway, nods, gaze and brows; 0 holds the head still.
    blink               0..2, how often the eyes blink; 0 never, 1 every 2 to 6 s.
    fps                 frames per second of the motion.
    seed                >= 0; the same seed gives the same motion.
    """

    mouth_amplitude: float = 1.0
    temperature: float = 0.2
    head_motion: float = 1.0
    blink: float = 1.0
    fps: float = 25.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fps) and 1 <= self.fps <= 240):
            raise MotionError(f"A motion of {self.fps} frames per second was asked for; choose 1 to 240.")
        for name in ("mouth_amplitude", "head_motion", "blink"):
            value = getattr(self, name)
            if not 0 <= value <= 2:
                raise MotionError(f"{name} is {value}; choose a value from 0 to 2.")
        if self.seed < 0:
            raise MotionError(f"The seed is {self.seed}; choose 0 or more.")


def audio_to_motion(
    audio: Audio, model: Model, settings: AudioToMotionSettings, check: Callable[[], None] = no_check
) -> Motion:
    """A motion of ceil(seconds * fps) frames. Raises AudioError for empty or damaged sound.

    check   called now and then; whatever it raises ends the work.
    """
    check_audio(audio)
    with stage("audio_to_motion"):
        if model.kind == "analytic":
            from .analytic import analytic_motion

            return analytic_motion(audio, settings, check)
    raise BackendError(f'The model "{model.name}" cannot turn sound into motion; choose "built-in".')
