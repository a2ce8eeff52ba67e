"""Audio-to-Motion: the expressions and head movements that go with a sound."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import BackendError, MotionError
from ..model import Model
from ..sound import check_audio
from ..streaming import no_check
from ..timing import stage
from ..wires import Audio, Motion

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class AudioToMotionSettings:
    """How the face moves to the sound.

    mouth_amplitude     0..2, how far the mouth opens and moves; 1 is natural (networks: 0.45 of their scale).
    temperature         0..1, variety of the network backend; the analytic one has no use for it.
    head_motion         0..2, amount of sway, nods, gaze and brows; 0 holds the head still. The networks'
                        motion has sway and nods only.
    blink               0..2, how often the eyes blink; 0 never, 1 every 2 to 6 s (networks: every 5 s).
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

    def frames(self, audio: Audio) -> int:
        """How many frames the motion to a sound has: ceil(seconds * fps), at least 1."""
        # A hair less before rounding up: 2.0 s at 25 frames/s are 50 frames in spite of binary fractions.
        return max(1, math.ceil(audio.seconds * self.fps - 1e-6))


def audio_to_motion(
    audio: Audio,
    model: Model,
    settings: AudioToMotionSettings,
    check: Callable[[], None] = no_check,
    hubert_features: Tensor | None = None,
) -> Motion:
    """A motion of ceil(seconds * fps) frames. Raises AudioError for empty or damaged sound, CheckpointError
    if the model's networks for sound are not there.

    check               called now and then; whatever it raises ends the work.
    hubert_features     [rows, 1024] of HuBERT for this sound, if known; only the networks need them.
    """
    check_audio(audio)
    with stage("audio_to_motion"):
        if model.kind == "analytic":
            from .analytic import analytic_motion

            return analytic_motion(audio, settings, check)
        if model.networks is not None:
            from .network import network_motion

            return network_motion(audio, model.networks, settings, hubert_features, check)
    raise BackendError(f'The model "{model.name}" cannot turn sound into motion; choose "built-in".')
