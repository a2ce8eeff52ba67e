"""From what is heard to the mouth's ARKit channels, a hundred times a second.

Convention
    Zero is the mouth of the photo. jawOpen 1 opens the jaw by about 15 degrees; mouthClose 1 brings the lips
    together whatever the photo's mouth does.

A mouth moves little ahead of and behind its sound: all smoothing is centred, so nothing lags.
See docs/model.md, "Sound to motion".
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .curves import ease, largest, ramp, smallest, smooth
from .features import QUIETEST, Features
from .loudness import Loudness
from .phones import Phones
from .vowels import Vowels, read_vowels

REST_DIP = 0.2  # s; quieter moments shorter than this belong to the speech and do not bring the mouth to rest
REST_LOUD, SPEAKING_LOUD = 0.08, 0.26  # loudness of lips still together, and of lips free to part
AT_REST = 0.9  # of the way to rest at which nothing moves any more: a tenth to go is a slit between the lips
JAW_SMOOTH, SHAPE_SMOOTH, CLOSE_SMOOTH, REST_SMOOTH = 0.03, 0.05, 0.016, 0.05  # s; heavier parts are slower
JAW_CLOSED_VOWEL, JAW_OPEN_VOWEL = 0.28, 0.62  # jaw of a loud [i] and of a loud [a]
LOUD_POWER = 0.85  # the jaw follows loudness a little less than in proportion, so that soft syllables show
MURMUR, MURMUR_RANGE = 0.6, (-22.0, 6.0)  # most loudness of a murmur; dB against the vowels
SETTLE = 0.28  # of mouthClose between syllables: an open-mouthed photo would gape through every consonant
NARROW = 0.4  # how far a loud [i] or [u] frees the lips of it; a loud [a] frees them wholly
HISS_JAW = 0.07  # the teeth nearly meet in [s]
LEAST_FRAMES_CLOSED = 1.0  # a contact of the lips must be seen in at least one whole frame
FIRM = 0.85  # of a contact at which the lips are wholly together: less leaves a white line of teeth
LITTLE_WEIGHT = 0.05  # of voice, under which a shape fades away
HEARD = (0.15, 0.35)  # likelihood of [m], [b], [p] from which, and over which, the lips meet
HALF_OPEN = 0.4  # openness of [e] and [er]
HEARD_SHARE = 0.6  # of the network in a vowel's openness, where it is sure that it is one
CORE = 0.02  # s by which a contact is heard longer than it is held
BESIDE_VOWEL = 0.25  # s within which a vowel must be heard
BESIDE_CONTACT = 0.12  # s; half of it on either side of a contact, silence is part of it
HUSH = (0.5, 0.95)  # share of a hiss below 4 kHz: [s] little, [sh] nearly all
THROUGH_CONTACT = ("mouthPucker", "mouthFunnel", "mouthStretchLeft", "mouthStretchRight")
SOFT_HISS = (-13.0, -22.0)  # dB against the vowels: [s] lies above, [f] below


def mouth_channels(
    features: Features, loudness: Loudness, phones: Phones, fps: float
) -> dict[str, np.ndarray]:
    """[n] curves of the mouth by ARKit name, 0..1, before the amplitude is applied."""
    vowels = _with_heard_openness(read_vowels(features, loudness), phones)
    speech = np.maximum(loudness.vowel, 0.7 * loudness.hiss)
    sustained = smallest(largest(speech, REST_DIP), REST_DIP)
    rest = ramp(smooth(1 - ease(sustained, REST_LOUD, SPEAKING_LOUD), REST_SMOOTH), 0, AT_REST)
    held = _heard_contacts(phones, loudness)
    contact = ramp(smooth(largest(held, LEAST_FRAMES_CLOSED / fps), CLOSE_SMOOTH), 0, FIRM)
    shut = np.maximum(rest, contact)
    loud = np.maximum(loudness.vowel, _murmur(features, loudness)) ** LOUD_POWER
    freed = loud * (NARROW + (1 - NARROW) * vowels.open)
    close = np.maximum(shut, SETTLE * (1 - smooth(freed, JAW_SMOOTH)))
    jaw = loud * (JAW_CLOSED_VOWEL + (JAW_OPEN_VOWEL - JAW_CLOSED_VOWEL) * vowels.open)
    jaw = smooth(np.maximum(jaw, HISS_JAW * loudness.hiss), JAW_SMOOTH)
    channels = {
        "jawOpen": jaw * (1 - shut**2),
        "mouthClose": close,
        **_both("mouthPress", 0.25 * contact),
    }
    for shapes in (_vowel_shapes(features, loudness, vowels), _hiss_shapes(features, loudness)):
        for name, curve in shapes.items():
            channels[name] = channels.get(name, 0) + curve * (1 if name in THROUGH_CONTACT else 1 - contact)
    awake = ramp(rest, 1.0, 0.9)  # at rest nothing at all moves
    return {name: curve if name == "mouthClose" else curve * awake for name, curve in channels.items()}


def _with_heard_openness(vowels: Vowels, phones: Phones) -> Vowels:
    """Vowels whose openness is half the formants' and half what the network hears, where it hears a vowel."""
    kinds = {kind: phones[kind] for kind in ("open", "vowel", "round", "spread")}
    vowel = sum(kinds.values())
    heard = (kinds["open"] + HALF_OPEN * kinds["vowel"]) / np.maximum(vowel, LITTLE_WEIGHT)
    share = HEARD_SHARE * vowel
    return replace(vowels, open=(1 - share) * vowels.open + share * heard)


def _heard_contacts(phones: Phones, loudness: Loudness) -> np.ndarray:
    """[n] 0..1: lips that meet as the network hears them, beside a vowel: a hum alone is no speech."""
    near_vowel = ramp(largest(loudness.vowel, 2 * BESIDE_VOWEL), 0.15, 0.3)
    contact = phones["contact"]
    quiet = phones["silence"] * largest(contact, BESIDE_CONTACT)  # lips wait closed for a first [b]
    return smallest(ramp(contact + quiet, *HEARD), CORE) * near_vowel


def _murmur(features: Features, loudness: Loudness) -> np.ndarray:
    """[n] 0..1: voice beside vowels that the vowel bands miss ([n], [l], [g]); it keeps the jaw ajar."""
    near_vowel = ramp(largest(loudness.vowel, 2 * REST_DIP), 0.2, 0.5)  # a hum alone is no speech
    voiced = ramp(features.voicing, 0.4, 0.6)
    return MURMUR * ramp(loudness.sharpness, *MURMUR_RANGE) * voiced * near_vowel


def _vowel_shapes(features: Features, loudness: Loudness, vowels: Vowels) -> dict[str, np.ndarray]:
    """Round and spread lips. They go on through the consonants in between, as lips do."""
    loud = loudness.vowel**LOUD_POWER
    weight = ramp(features.voicing, 0.4, 0.6) * loud

    def carried(shape: np.ndarray) -> np.ndarray:
        return smooth(weight * shape, SHAPE_SMOOTH) / (smooth(weight, SHAPE_SMOOTH) + LITTLE_WEIGHT)

    rounded, spread, opened = (
        carried(vowels.round),
        carried(vowels.spread),
        smooth(loud * vowels.open, JAW_SMOOTH),
    )
    return {
        "mouthPucker": 0.8 * rounded,
        "mouthFunnel": rounded * (0.15 + 0.35 * opened),
        **_both("mouthStretch", 0.75 * spread),
        **_both("mouthSmile", 0.12 * spread),
        **_both("mouthUpperUp", 0.22 * opened),
        **_both("mouthLowerDown", 0.15 * opened),
    }


def _hiss_shapes(features: Features, loudness: Loudness) -> dict[str, np.ndarray]:
    """Teeth shown in [s], funnel in [sh], the lower lip at the teeth in [f]."""
    below_4k, above = features.bands[:, 5:8].sum(1), features.bands[:, 8:10].sum(1)
    hush = ramp(below_4k / np.maximum(below_4k + above, QUIETEST), *HUSH)
    soft = ramp(loudness.sharpness, *SOFT_HISS)
    teeth = smooth(loudness.hiss * (1 - soft) * (1 - hush), JAW_SMOOTH)
    funnel = smooth(loudness.hiss * (1 - soft) * hush, JAW_SMOOTH)
    lip = smooth(loudness.hiss * soft, JAW_SMOOTH)
    return {
        "mouthFunnel": 0.5 * funnel,
        "mouthRollLower": 0.9 * lip,
        **_both("mouthStretch", 0.25 * teeth),
        **_both("mouthUpperUp", 0.2 * (teeth + funnel) + 0.1 * lip),
        **_both("mouthLowerDown", 0.3 * teeth),
    }


def _both(name: str, curve: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{name}Left": curve, f"{name}Right": curve}
