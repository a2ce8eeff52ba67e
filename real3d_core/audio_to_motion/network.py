"""Sound to motion with the released networks: HuBERT and pitch to 3DMM expressions, and these to blendshapes.

The networks work at 25 frames per second; for another rate their expressions are read in between (linear).
See docs/model.md, "Audio-to-Motion network".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import AudioError
from ..face_model.blink import period_blinks
from ..face_model.expression_map import expression_to_shapes
from ..head_motion.idle import idle_motion
from ..model import Networks, Weights
from ..sound import to_mono
from ..streaming import no_check
from ..wires import ARKIT_INDEX, Audio, Motion
from . import AudioToMotionSettings
from .curves import at_frames
from .features import analyse
from .hubert import RATE, listen, rows
from .loudness import measure
from .pitch import pitch_contour
from .pitch_vae import EXPRESSIONS, HUBERT_WIDTH, LATENT, ROWS

NETWORK_FPS = 25.0
NATURAL_MOUTH = 0.45  # mouth amplitude of the network that our 1 stands for: its default
NOISE_STREAM = 6  # of the seed; idle.py has 0 to 5
ROWS_OFF = 3  # by which features from elsewhere may be longer or shorter than the sound
CHUNK = 512  # latent rows (82 s) that are decoded at once
MARGIN = 32  # latent rows: more than the network looks to either side, so that chunks meet without a seam
ACTIVATION_BYTES = 120 * 2**20  # a chunk in float32: 84 MB measured on a CPU, and some to spare


def network_motion(
    audio: Audio,
    networks: Networks,
    settings: AudioToMotionSettings,
    hubert_features: Tensor | None = None,
    check: Callable[[], None] = no_check,
) -> Motion:
    """Motion of ceil(seconds * fps) frames; the sound has been checked.

    Its expression [T, 64] holds 3DMM coefficients as they are, not relative to the photo. Its blendshapes say
    the same as far as they can, so that the built-in backend can be driven too; lids close by themselves. The
    head sways as with the built-in model.

    hubert_features     [rows, 1024] float of this sound, if known; else the networks' HuBERT listens to it.
    check               called now and then; whatever it raises ends the work.

    Raises CheckpointError, before anything is computed, if a network is missing; AudioError if the features
    cannot be those of this sound.
    """
    network = networks.need_audio_to_motion()
    hubert = networks.need_hubert() if hubert_features is None else None
    shapes = expression_to_shapes(networks.face_model)
    wave = to_mono(audio, RATE)
    features = listen(wave, hubert, check) if hubert else _fitting(hubert_features, len(wave))
    heard = expressions(features, wave, network, settings, check)
    frames = settings.frames(audio)
    expression = torch.from_numpy(_resampled(heard.numpy(), frames, settings.fps))
    weights = shapes(expression, check)
    # Speech shuts the mouth whatever the photo shows, as with the built-in model.
    close = weights[:, ARKIT_INDEX["mouthClose"]]
    close.copy_(torch.maximum(close, shapes.closed_lips(expression)))
    lids = period_blinks(frames, settings.seed, settings.fps, settings.blink)
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        weights[:, ARKIT_INDEX[name]] = lids
    return replace(
        _sway(wave, frames, settings, check),
        blendshapes=weights,
        expression=expression,
    )


def _sway(
    wave: np.ndarray, frames: int, settings: AudioToMotionSettings, check: Callable[[], None]
) -> Motion:
    """The head's movement of the built-in model, with the photo's face."""
    still = Motion.still(frames, settings.fps)
    if settings.head_motion == 0:
        return still
    sound = analyse(wave, check)
    idle = idle_motion(
        sound,
        measure(sound),
        seconds=frames / settings.fps,
        fps=settings.fps,
        seed=settings.seed,
        head=settings.head_motion,
        blink=0,
    )
    euler, translation = (
        torch.from_numpy(np.stack([at_frames(axis, frames, settings.fps) for axis in track.T], 1)).float()
        for track in (np.radians(idle.euler), idle.translation)
    )
    return replace(still, euler=euler, translation=translation)


def expressions(
    features: Tensor,
    wave: np.ndarray,
    network: Weights,
    settings: AudioToMotionSettings,
    check: Callable[[], None] = no_check,
) -> Tensor:
    """[n, 64] float32 on the CPU: 3DMM expressions at 25 frames per second, n a multiple of 4.

    features    [rows, 1024] of HuBERT at 50 Hz; zeros follow up to a multiple of 8 rows.
    wave        [samples] at 16 kHz, for the pitch.
    """
    length = -(-len(features) // ROWS)
    pitch = torch.from_numpy(pitch_contour(wave, len(features), check))
    heard = F.pad(features, (0, 0, 0, length * ROWS - len(features)))
    pitch = F.pad(pitch, (0, length * ROWS - len(features)))
    noise = np.random.default_rng([settings.seed, NOISE_STREAM]).standard_normal((length, LATENT), np.float32)
    latent = settings.temperature * torch.from_numpy(noise).T
    mouth = torch.full((1, 1), NATURAL_MOUTH * settings.mouth_amplitude)
    out = torch.empty(length * 4, EXPRESSIONS)
    for first in range(0, length, CHUNK):
        check()
        stop = min(first + CHUNK, length)
        left, right = max(0, first - MARGIN), min(stop + MARGIN, length)
        ready = network.ready(ACTIVATION_BYTES)
        given = heard[left * ROWS : right * ROWS], pitch[left * ROWS : right * ROWS]
        inputs = [one[None].to(network.device) for one in (*given, mouth[0], latent[:, left:right])]
        whole = ready(*inputs)[0].float().cpu()
        out[first * 4 : stop * 4] = whole[(first - left) * 4 : (stop - left) * 4]
    return out


def _resampled(curves: np.ndarray, frames: int, fps: float) -> np.ndarray:
    """[frames, c] of curves [n, c] at 25 frames per second, in the middle of each frame's time on screen."""
    place = np.clip((np.arange(frames) + 0.5) * (NETWORK_FPS / fps) - 0.5, 0, len(curves) - 1)
    before = place.astype(int)
    share = (place - before)[:, None].astype(np.float32)
    return curves[before] * (1 - share) + curves[np.minimum(before + 1, len(curves) - 1)] * share


def _fitting(features: Tensor, samples: int) -> Tensor:
    """[rows, 1024] float32 on the CPU of features from elsewhere. Raises AudioError if they are others."""
    if features.ndim != 2 or features.shape[1] != HUBERT_WIDTH:
        raise AudioError(
            f"The audio encoder's output has the shape {list(features.shape)} where [rows, {HUBERT_WIDTH}] is"
            " needed; encode the sound with HuBERT-large-ls960-ft."
        )
    wanted = rows(samples)
    if abs(len(features) - wanted) > ROWS_OFF:
        raise AudioError(
            f"The audio encoder's output is of {len(features) / 50:.2f} s of sound where the sound has"
            f" {samples / RATE:.2f} s; encode the same sound that goes into this node."
        )
    features = features.detach().float().cpu()
    if not bool(torch.isfinite(features).all()):
        raise AudioError("The audio encoder's output holds NaN or infinite values; load its weights again.")
    return F.pad(features, (0, 0, 0, max(0, wanted - len(features))))[:wanted]
