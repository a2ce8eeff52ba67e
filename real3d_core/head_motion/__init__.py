"""Head Motion: what a living face does by itself, put on top of a motion.

Sway, breathing, nods and brow raises on stressed syllables, blinks, and eyes that look away and back.
See docs/model.md, "Head motion".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import MotionError
from ..sound import check_audio
from ..streaming import no_check
from ..timing import stage
from ..wires import Audio, Motion

MOST = 2.0
"""The greatest amount of a movement."""


@dataclass(frozen=True)
class HeadMotionSettings:
    """How much of each movement is added; 0 is none, 1 is natural, 2 is the most.

    sway        slow turns of the head: size.
    breathing   rise and fall of the head: size.
    nod         nods on stressed syllables: size. Needs sound.
    brow        raised brows on stressed syllables: size. Needs sound.
    blink       blinks: how often (1 is about 16 a minute).
    gaze        glances away from the viewer, and eyes that hold the viewer while the head sways: size.
    seed        >= 0; the same seed gives the same movements.

    Raises MotionError for values outside.
    """

    sway: float = 1.0
    breathing: float = 1.0
    nod: float = 1.0
    brow: float = 1.0
    blink: float = 1.0
    gaze: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("sway", "breathing", "nod", "brow", "blink", "gaze"):
            value = getattr(self, name)
            if not 0 <= value <= MOST:
                raise MotionError(f"{name} is {value}; choose a value from 0 to {MOST:g}.")
        if self.seed < 0:
            raise MotionError(f"The seed is {self.seed}; choose 0 or more.")

    @property
    def nothing(self) -> bool:
        """Whether all amounts are 0."""
        return not any((self.sway, self.breathing, self.nod, self.brow, self.blink, self.gaze))


def head_motion(
    motion: Motion,
    settings: HeadMotionSettings,
    audio: Audio | None = None,
    check: Callable[[], None] = no_check,
) -> Motion:
    """The motion with the movements added; as many frames. The very same object where all amounts are 0, and
    the very same tensors (`expression` always) where nothing is added to them.

    audio   what the face says: starts with the motion; what one has more than the other is silence, or not
            looked at. Without it the face listens: no nods, no brow raises.
    check   called now and then; whatever it raises ends the work.

    Raises AudioError for empty or damaged sound, MotionError for a motion of less than 1 frame per second.
    """
    if audio is not None:
        check_audio(audio)
    if settings.nothing:
        return motion
    if motion.fps < 1:
        raise MotionError(
            f"A motion has {motion.fps:.3g} frames per second, too few to blink in; bring it to 25 first."
        )
    from .combine import added
    from .lively import lively

    with stage("head_motion"):
        return added(motion, lively(len(motion), motion.fps, settings, audio, check))
