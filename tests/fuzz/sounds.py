"""Hostile sound: values into Audio-to-Motion, files into Load Audio."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from real3d_portrait.nodes import AudioToMotion
from real3d_portrait.nodes.headless.core_nodes import LoadAudio
from tests.sounds import write_sound

from .bench import ROOT, Bench
from .chance import NAN, THINGS, Chance

RATES = (8_000, 16_000, 22_050, 44_100, 48_000, 192_000)


def audio_value(chance: Chance) -> Any:
    """An AUDIO, or what a careless node takes for one."""
    if chance.often(0.1):
        return chance.one_of(THINGS)
    rate = chance.number(*RATES) if chance.often(0.4) else chance.one_of(RATES)
    samples = chance.pick(0, 1, 10, 160, 800, 3000, 16_000)
    shape = [chance.pick(1, 1, 2), chance.pick(1, 2, 8, 9), samples]
    wave: Any = chance.typed(chance.values(chance.shape(*shape) if chance.often(0.3) else shape) * 2 - 1)
    if chance.often(0.1):
        wave = chance.pick(wave.tolist(), None, "wave", np.zeros((1, 1, 800), np.float32))
    value = {"waveform": wave, "sample_rate": rate}
    if chance.often(0.1):
        value.pop(chance.pick("waveform", "sample_rate"))
    return value


def told(value: Any) -> str:
    """An AUDIO in a few words."""
    wave = value.get("waveform") if isinstance(value, dict) else None
    if isinstance(wave, torch.Tensor):
        return f"{tuple(wave.shape)} {wave.dtype} at {value.get('sample_rate')}"
    return repr(value)[:80]


def audio_motion(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A sound and settings into Audio-to-Motion."""
    audio = audio_value(chance)
    settings = [1.0, 0.2, 0, 1.0, 1.0, 25.0]  # mouth, temperature, seed, head, blink, fps
    if chance.often(0.4):
        for index in range(6):
            if chance.often(0.3):
                settings[index] = chance.integer(1, 2) if index == 2 else chance.number(0.5, 2.0, 0)
    if chance.often(0.2):
        settings[5] = chance.pick(1, 240, 0.01, 29.97, 1e6, -25, 0, NAN)
    return f"{told(audio)}, {settings}", lambda: AudioToMotion.execute(audio, *settings)


def sound_file(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A sound file, damaged or not, into Load Audio."""
    kind = chance.pick("wav", "flac", "speech", "video")
    path = bench.folder / "input" / f"sound.{chance.pick('wav', 'flac', 'mp3', 'mp4', 'ogg')}"
    if kind == "speech":
        data = (ROOT / "demo" / "speech.flac").read_bytes()[: chance.whole(100, 40_000)]
    elif kind == "video":
        data = encoded_video(chance, bench)
    else:
        made = bench.folder / "input" / f"made.{kind}"
        samples = chance.values([chance.pick(1, 2, 6, 8), chance.pick(1, 100, 4000)]).nan_to_num().numpy()
        rates = RATES if kind == "wav" else RATES[:-1]
        data = write_sound(made, samples * 2 - 1, chance.one_of(rates)).read_bytes()
    words = kind
    if chance.often(0.7):
        words, data = f"damaged {kind}", chance.damaged(data)
    path.write_bytes(data)
    return f"{words} as {path.name}", lambda: LoadAudio.execute(path.name)


def encoded_video(chance: Chance, bench: Bench) -> bytes:
    """A small mp4 file, with or without sound."""
    from real3d_core.video.encoder import encode_mp4
    from real3d_core.wires import Audio

    path = bench.folder / "input" / "made.mp4"
    frames = chance.numpy.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    audio = Audio(torch.rand(1, 2000, generator=chance.torch) - 0.5, 16_000) if chance.often(0.7) else None
    encode_mp4(path, list(frames), 25, audio)
    return path.read_bytes()
