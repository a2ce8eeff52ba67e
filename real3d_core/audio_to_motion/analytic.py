"""Sound to motion without networks: measured mouth shapes, and the small movements of a living face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..head_motion.idle import idle_motion
from ..sound import to_mono
from ..streaming import no_check
from ..wires import ARKIT_INDEX, ARKIT_NAMES, Audio, Motion
from . import AudioToMotionSettings
from .curves import at_frames
from .features import RATE, analyse
from .loudness import measure
from .phones import hear
from .visemes import mouth_channels

AMPLITUDE_FREE = ("mouthClose", "mouthPressLeft", "mouthPressRight", "mouthRollLower")
"""Contacts: a mouth that moves less still closes."""


def analytic_motion(
    audio: Audio, settings: AudioToMotionSettings, check: Callable[[], None] = no_check
) -> Motion:
    """Motion of ceil(seconds * fps) frames; the sound has been checked."""
    wave = to_mono(audio, RATE)
    features, phones = analyse(wave, check), hear(wave, check)
    loudness = measure(features)
    frames = settings.frames(audio)
    seconds = frames / settings.fps
    idle = idle_motion(
        features,
        loudness,
        seconds=seconds,
        fps=settings.fps,
        seed=settings.seed,
        head=settings.head_motion,
        blink=settings.blink,
    )
    weights = np.zeros((frames, len(ARKIT_NAMES)))
    mouth = mouth_channels(features, loudness, phones, settings.fps)
    for name, curve in {**mouth, **idle.channels}.items():
        amplitude = settings.mouth_amplitude if name in mouth and name not in AMPLITUDE_FREE else 1.0
        weights[:, ARKIT_INDEX[name]] = np.clip(amplitude * at_frames(curve, frames, settings.fps), 0, 1)
    euler = np.radians(np.stack([at_frames(axis, frames, settings.fps) for axis in idle.euler.T], 1))
    translation = np.stack([at_frames(axis, frames, settings.fps) for axis in idle.translation.T], 1)
    return Motion(
        fps=settings.fps,
        blendshapes=torch.from_numpy(weights.astype(np.float32)),
        euler=torch.from_numpy(euler.astype(np.float32)),
        translation=torch.from_numpy(translation.astype(np.float32)),
    )
