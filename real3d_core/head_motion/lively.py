"""All movements of Head Motion over the frames of a clip, before they are put on a motion.

Every movement has a random stream of its own, so that the amount of one leaves the others as they were.
Angles follow `idle.py`. See docs/model.md, "Head motion".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..audio_to_motion.curves import at_frames, ease, ramp, smooth
from ..audio_to_motion.features import FEATURE_RATE, RATE, analyse
from ..audio_to_motion.loudness import measure
from ..sound import to_mono
from ..streaming import no_check
from ..wires import Audio
from . import HeadMotionSettings
from .accents import Accent, accents, phrase_ends
from .blinks import Blink, blinks
from .gaze import Gaze, glances
from .gestures import NOD, RAISE, gesture
from .idle import EYE_DEGREES, LIMITS, LISTENING, SETTLE, SIDEWAYS, breath, sway

STREAM = 100
"""First of the seed's streams here; Audio-to-Motion has those below."""
RESTING = 0.35  # how much of the sway is left in silence, where there is sound at all
HOLD = 0.8  # of the head's turn that the eyes take back to keep their target
NOD_TURN = 0.25  # degrees of roll for each degree of a nod: heads do not move like hinges
BROW_INNER, BROW_OUTER = 0.6, 0.48  # weights of a full raise


@dataclass(frozen=True)
class Lively:
    """What is to be added to the T frames of a motion.

    euler           [T, 3] degrees: pitch, yaw, roll; translation [T, 3] box sides.
    brow_inner      [T] 0..1, brow_outer [T] 0..1.
    right, down     [T] eyeLook weights, signed: to the image's right, downwards.
    blinks          the clip's blinks.
    """

    euler: np.ndarray
    translation: np.ndarray
    brow_inner: np.ndarray
    brow_outer: np.ndarray
    right: np.ndarray
    down: np.ndarray
    blinks: list[Blink]


@dataclass(frozen=True)
class Heard:
    """What a sound tells: talking [n] 0..1 at the rows, activity [n], how much of the sway there is; stressed
    syllables; ends of phrases in s."""

    talking: np.ndarray
    activity: np.ndarray
    accents: list[Accent] = field(default_factory=list)
    ends: np.ndarray = field(default_factory=lambda: np.zeros(0))


def lively(
    frames: int,
    fps: float,
    settings: HeadMotionSettings,
    audio: Audio | None,
    check: Callable[[], None] = no_check,
) -> Lively:
    """The movements of a clip; the sound has been checked."""
    seconds = frames / fps
    rows = np.arange(int(seconds * FEATURE_RATE) + 2) / FEATURE_RATE
    streams = [np.random.default_rng([settings.seed, STREAM + k]) for k in range(9)]
    heard = _listen(audio, rows, check)
    settle = min(SETTLE, seconds / 3)
    settled = ease(rows, 0, settle) * ease(seconds - rows, 0, settle)

    nod = settings.nod * gesture(NOD, heard.accents, streams[4], rows)
    lean = streams[7].choice((-1.0, 1.0)) * NOD_TURN
    turns = [settings.sway * heard.activity * turn for turn in sway(streams[:3], len(rows))]
    yaw, pitch, roll = (
        limit * np.tanh(settled * turn / limit)
        for limit, turn in zip(LIMITS, (turns[0], turns[1] + nod, turns[2] + lean * nod), strict=True)
    )
    rise = settings.breathing * settled * breath(streams[3], rows)
    raised = settings.brow * settled * gesture(RAISE, heard.accents, streams[5], rows)
    looked = _looked(settings.gaze, glances(rows, heard.talking, streams[6]), settled, yaw, pitch)
    return Lively(
        euler=_frames(np.stack([pitch, yaw, roll], 1), frames, fps),
        translation=_frames(np.stack([SIDEWAYS * yaw, rise, np.zeros_like(rise)], 1), frames, fps),
        brow_inner=at_frames(BROW_INNER * raised, frames, fps),
        brow_outer=at_frames(BROW_OUTER * raised, frames, fps),
        right=at_frames(looked.right / EYE_DEGREES, frames, fps),
        down=at_frames(looked.down / EYE_DEGREES, frames, fps),
        blinks=blinks(seconds, settings.blink, fps, heard.ends, streams[8]) if settings.blink else [],
    )


def _looked(amount: float, seen: Gaze, settled: np.ndarray, yaw: np.ndarray, pitch: np.ndarray) -> Gaze:
    """Glances, with the head's turn taken back."""
    return Gaze(
        amount * settled * seen.right - min(amount, 1.0) * HOLD * yaw,
        amount * settled * seen.down - min(amount, 1.0) * HOLD * pitch,
    )


def _listen(audio: Audio | None, rows: np.ndarray, check: Callable[[], None]) -> Heard:
    """What matters of the sound at rows [n]; silence after its end."""
    if audio is None:
        return Heard(np.zeros(len(rows)), np.full(len(rows), LISTENING))
    features = analyse(to_mono(audio, RATE), check)
    loudness = measure(features)
    vowel = np.zeros(len(rows))
    shared = min(len(rows), len(features))
    vowel[:shared] = loudness.vowel[:shared]
    talking = ramp(smooth(vowel, 0.6), 0.05, 0.3)
    ends = phrase_ends(loudness)
    return Heard(
        talking,
        RESTING + (1 - RESTING) * smooth(talking, 0.3),
        [accent for accent in accents(features, loudness) if accent.time < rows[-1]],
        ends[ends < rows[-1]],
    )


def _frames(track: np.ndarray, frames: int, fps: float) -> np.ndarray:
    """[frames, c] of rows [n, c]."""
    return np.stack([at_frames(axis, frames, fps) for axis in track.T], 1)
