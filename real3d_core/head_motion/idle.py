"""What Audio-to-Motion adds to the lips by itself: head sway, nods, gaze, blinks, brows, from loudness alone.

Head Motion (`lively.py`) shares the sway, the breath and the shape of a blink; its nods, brows, gaze and
moments of blinking are richer. What is here keeps its results to the bit: saved workflows rely on them.

Convention
    Rows are 1 / FEATURE_RATE seconds apart. Angles here are degrees: pitch > 0 looks down, yaw > 0 turns to
    the image's right, roll > 0 tips the crown to the image's left. Everything starts and ends at the photo's
    pose. eyeLook 1 turns the eye by 30 degrees.

All randomness comes from the seed, one independent stream for each movement, so that a change of one amount
leaves the others as they were; a longer sound begins like a shorter one.
See docs/model.md, "Sound to motion".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio_to_motion.curves import ease, ramp, smooth
from ..audio_to_motion.features import FEATURE_RATE, Features
from ..audio_to_motion.loudness import Loudness
from .blinks import CLOSING, OPENING, Blink, lids

SWAY = ((4.2, 0.75), (1.1, 0.3)), ((1.5, 0.65), (0.5, 0.28)), ((1.2, 0.8), (0.35, 0.35))
"""For yaw, pitch, roll: (degrees, seconds of smoothing) of a slow and a quicker movement."""
LIMITS = (
    11.0,
    7.0,
    4.5,
)  # degrees of yaw, pitch, roll, approached softly; the picture is best well inside 12, 8, 5
LISTENING = 0.65  # how much of the sway is left while nobody talks
NOD = 3.2  # degrees by which a stressed phrase lowers the head
SETTLE = 0.9  # s in which the head leaves the photo's pose, and returns to it at the end
BREATH = (0.24, 0.0012)  # Hz, box sides
SIDEWAYS = 0.00025  # box sides that the head moves for each degree of yaw, as a neck does

BLINK_GAP = (
    1.15,
    0.4,
    2.0,
    6.0,
)  # log-normal of the seconds between blinks: location, scale; shortest, longest
BLINK_SHUT = 0.04  # s
GLANCE_GAP, GLANCE_YAW, GLANCE_PITCH = (0.7, 2.4), 5.0, 2.0  # s between; degrees of a look away
AT_VIEWER = 0.6  # share of the fixations that look straight at the viewer
HOLD = 0.5  # of the head's turn that the eyes take back to keep their target
EYE_DEGREES = 30.0  # of eyeLook 1


@dataclass(frozen=True)
class IdleMotion:
    """euler [n, 3] degrees (pitch, yaw, roll); translation [n, 3] box sides; channels by ARKit name, 0..1."""

    euler: np.ndarray
    translation: np.ndarray
    channels: dict[str, np.ndarray]


def idle_motion(
    features: Features,
    loudness: Loudness,
    *,
    seconds: float,
    fps: float,
    seed: int,
    head: float,
    blink: float,
) -> IdleMotion:
    """All movements of a clip; head scales sway, nods, gaze and brows, blink the rate of blinks."""
    rows = len(features)
    streams = [np.random.default_rng([seed, k]) for k in range(6)]
    time = np.arange(rows) / FEATURE_RATE
    settle = min(SETTLE, seconds / 3)
    settled = ease(time, 0, settle) * ease(seconds - time, 0, settle)
    phrase = smooth(loudness.vowel, 0.25)
    talking = LISTENING + (1 - LISTENING) * ramp(smooth(loudness.vowel, 0.6), 0.05, 0.3)

    yaw, pitch, roll = (talking * turn for turn in sway(streams[:3], rows))
    pitch = pitch + NOD * (smooth(loudness.vowel, 0.12) - smooth(loudness.vowel, 0.9))
    yaw, pitch, roll = (
        limit * np.tanh(head * settled * turn / limit)
        for limit, turn in zip(LIMITS, (yaw, pitch, roll), strict=True)
    )
    rise = head * settled * breath(streams[3], time)
    translation = np.stack([SIDEWAYS * yaw, rise, np.zeros(rows)], 1)
    channels = {
        **_brows(features, loudness, phrase, head * settled),
        **_gaze(streams[4], rows, yaw, pitch, head * settled),
        **_blinks(streams[5], rows, blink, fps),
    }
    return IdleMotion(np.stack([pitch, yaw, roll], 1), translation, channels)


def sway(streams: list[np.random.Generator], rows: int) -> list[np.ndarray]:
    """[rows] degrees of yaw, pitch and roll, each from a stream of its own: noise without limits."""
    return [
        sum(size * _noise(stream, rows, sigma) for size, sigma in parts)
        for stream, parts in zip(streams, SWAY, strict=True)
    ]


def breath(stream: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Box sides by which breathing lifts the head at `time` [n] s."""
    return BREATH[1] * np.sin(2 * np.pi * (BREATH[0] * time + stream.uniform()))


def _noise(stream: np.random.Generator, rows: int, sigma: float) -> np.ndarray:
    """[rows] noise of standard deviation 1, smoothed by a Gaussian of sigma seconds."""
    rate = 20  # Hz: four times what the quickest movement holds
    count = int(rows / FEATURE_RATE * rate) + 2
    width = sigma * rate
    reach = round(4 * width)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    coarse = np.convolve(stream.standard_normal(count + 2 * reach), kernel, mode="valid")
    return np.interp(np.arange(rows) / FEATURE_RATE * rate, np.arange(count), coarse)


def _brows(
    features: Features, loudness: Loudness, phrase: np.ndarray, amount: np.ndarray
) -> dict[str, np.ndarray]:
    """Raised a little where the voice is louder and higher than usual."""
    clear = features.voiced & (loudness.vowel > 0.4)
    if not clear.any():
        return {}
    octaves = np.log2(features.pitch / np.median(features.pitch[clear]))
    weight = smooth(clear.astype(float), 0.1)
    high = smooth(clear * np.clip(octaves, -0.5, 0.5), 0.1) / (weight + 0.1)
    accent = smooth(ramp(phrase, 0.35, 0.75) * 0.5 + ramp(high, 0.0, 0.3) * 0.5, 0.1) * amount
    outer = np.clip(0.35 * accent, 0, 1)
    return {
        "browInnerUp": np.clip(0.5 * accent, 0, 1),
        "browOuterUpLeft": outer,
        "browOuterUpRight": outer,
    }


def _gaze(
    stream: np.random.Generator, rows: int, yaw: np.ndarray, pitch: np.ndarray, amount: np.ndarray
) -> dict[str, np.ndarray]:
    """Quick glances between fixations; the eyes take back a part of the head's turn, to hold the viewer."""
    target, row = np.zeros((2, rows)), 0
    while row < rows:
        stop = row + round(stream.uniform(*GLANCE_GAP) * FEATURE_RATE)
        away = stream.standard_normal(2) * (GLANCE_YAW, GLANCE_PITCH)
        if stream.uniform() >= AT_VIEWER:
            target[:, row:stop] = np.clip(away, -12, 12)[:, None]
        row = stop
    right = (
        amount * smooth(target[0], 0.015) - HOLD * yaw
    ) / EYE_DEGREES  # to the image's right: the person's left
    down = (amount * smooth(target[1], 0.015) - HOLD * pitch) / EYE_DEGREES
    channels = {
        "eyeLookOutLeft": right,
        "eyeLookInRight": right,
        "eyeLookInLeft": -right,
        "eyeLookOutRight": -right,
        "eyeLookDownLeft": down,
        "eyeLookDownRight": down,
        "eyeLookUpLeft": -down,
        "eyeLookUpRight": -down,
    }
    return {name: np.clip(curve, 0, 1) for name, curve in channels.items()}


def _blinks(stream: np.random.Generator, rows: int, rate: float, fps: float) -> dict[str, np.ndarray]:
    """Both lids; each blink is shut for at least one frame."""
    events, time = [], np.arange(rows) / FEATURE_RATE
    location, scale, shortest, longest = BLINK_GAP
    shut = max(BLINK_SHUT, 1 / fps)
    start = stream.uniform(0.8, 2.0) / max(rate, 1e-3)
    while start < time[-1]:
        events.append(Blink(start, CLOSING, shut, OPENING))
        start += float(np.clip(stream.lognormal(location, scale), shortest, longest)) / max(rate, 1e-3)
    closed = lids(events, time)
    return {"eyeBlinkLeft": closed, "eyeBlinkRight": closed}
