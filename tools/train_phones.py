"""Trains real3d_core/audio_to_motion/phones.npz: the network that hears kinds of speech sounds.

    python -m tools.train_phones [--voices kal awb rms slt] [--sentences 900] [--judge slt] [--out FILE]

flite says random sentences of common words and prints when each segment ends. The speech is varied: size of
the speaker, speed, level, colour of the microphone, noise, echo. phones.npz learned from all four voices
named by default; name three and --judge the fourth to see how an unheard voice is heard (slt: 145 of
177 contacts against 169). See docs/model.md, "Sound to motion".
"""

from __future__ import annotations

import argparse
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import nn

from real3d_core.audio_to_motion.features import HOP, RATE
from real3d_core.audio_to_motion.phones import DILATIONS, KINDS, MELS, TAPS, likelihoods, spectrum
from real3d_core.sound import to_mono
from tools.measure_lips import Segment, say

OUT = Path(__file__).resolve().parent.parent / "real3d_core" / "audio_to_motion" / "phones.npz"
WIDTH = 48
PIECE = 200  # rows of a piece of training
BATCH, STEPS, RATE_OF_LEARNING = 32, 5000, 5e-3
CONTACT_COUNTS = 2.0  # a missed contact of the lips is seen most

GROUPS = {
    "silence": "pau",
    "contact": "m b p",
    "lip_teeth": "f v",
    "round": "uw ow w uh oy",
    "spread": "iy ih ey y",
    "open": "aa ae ah aw ay ao",
    "vowel": "ax eh er axr",
    "hiss": "s z sh zh ch jh",
    "tongue": "d t k g n ng l r th dh hh",
}
KIND_OF = {name: KINDS.index(kind) for kind, names in GROUPS.items() for name in names.split()}

WORDS = (Path(__file__).with_name("words.txt")).read_text("utf-8").split()


def sentence(chance: np.random.Generator) -> str:
    words = list(chance.choice(WORDS, chance.integers(4, 12)))
    if len(words) > 7 and chance.random() < 0.6:
        words[len(words) // 2] += ","
    return " ".join(words) + str(chance.choice([".", ".", "?", "!"]))


def labels_of(segments: list[Segment], rows: int) -> np.ndarray:
    """[rows] number of the kind at each row's time."""
    times = np.arange(rows) * HOP / RATE
    ends = np.array([segment.stop for segment in segments])
    which = np.searchsorted(ends, times, side="right").clip(max=len(segments) - 1)
    kinds = np.array([KIND_OF[segment.name] for segment in segments])
    return np.where(times < ends[-1], kinds[which], 0)


def spoken(voice: str, text: str) -> tuple[np.ndarray, list[Segment]]:
    audio, segments = say(text, voice)
    return to_mono(audio, RATE), segments


def varied(
    wave: np.ndarray, segments: list[Segment], chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(spectrum [n, MELS], labels [n]) of speech as another speaker, room and microphone would have it."""
    size = float(np.exp(chance.uniform(-0.2, 0.2)))  # tape speed: a smaller head speaks higher and faster
    at = np.arange(0, len(wave) - 1, size)
    wave = np.interp(at, np.arange(len(wave)), wave)
    segments = [Segment(s.name, s.start / size, s.stop / size) for s in segments]
    power = np.fft.rfft(wave)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(wave), 1 / RATE), 50) / 1000)
    knots = np.linspace(-4.5, 3.2, 7)
    colour = np.interp(octaves, knots, chance.normal(0, 3.5, 7)) + chance.uniform(-3, 2) * octaves
    wave = np.fft.irfft(power * 10 ** (colour / 20), len(wave))
    if chance.random() < 0.3:
        tail = np.exp(-np.arange(int(0.25 * RATE)) / (chance.uniform(0.02, 0.07) * RATE))
        echo = chance.normal(size=len(tail)) * tail
        echo[0] += chance.uniform(2, 6) * np.linalg.norm(echo)
        wave = np.convolve(wave, echo / np.linalg.norm(echo))[: len(wave)]
    wave = wave / (np.abs(wave).max() + 1e-9) * 10 ** (chance.uniform(-26, -1) / 20)
    if chance.random() < 0.6:
        noise = np.fft.rfft(chance.normal(size=len(wave)))
        noise = np.fft.irfft(noise * 10 ** (-chance.uniform(0, 6) * octaves.clip(-3, 3) / 20), len(wave))
        level = 10 ** (-chance.uniform(12, 50) / 20) * np.sqrt((wave**2).mean())
        wave = wave + noise / noise.std() * level
    levels = spectrum(wave.astype(np.float32))
    return levels, labels_of(segments, len(levels))


class Network(nn.Module):
    """The trainable form of `phones.likelihoods`."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (MELS, *[WIDTH] * (len(DILATIONS) - 1))
        self.layers = nn.ModuleList(
            nn.Conv1d(n, WIDTH, TAPS, dilation=d, padding=d * (TAPS // 2))
            for n, d in zip(inputs, DILATIONS, strict=True)
        )
        self.last = nn.Conv1d(WIDTH, len(KINDS), 1)

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """[b, MELS, n] -> scores [b, 9, n]."""
        for layer in self.layers:
            levels = nn.functional.dropout(torch.relu(layer(levels)), 0.1, self.training)
        return self.last(levels)

    def arrays(self) -> dict[str, np.ndarray]:
        """What phones.npz holds."""
        out = {}
        for i, layer in enumerate([*self.layers, self.last]):
            weight = layer.weight.detach().permute(2, 1, 0).reshape(-1, layer.out_channels)
            out[f"weight{i}"] = weight.numpy().astype(np.float16)
            out[f"bias{i}"] = layer.bias.detach().numpy().astype(np.float16)
        return out


def train(
    data: list[tuple[np.ndarray, np.ndarray]], chance: np.random.Generator, steps: int
) -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    levels = torch.from_numpy(np.concatenate([x for x, _ in data]))
    labels = torch.from_numpy(np.concatenate([y for _, y in data]))
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), RATE_OF_LEARNING, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE_OF_LEARNING, steps)
    importance = torch.ones(len(KINDS))
    importance[KINDS.index("contact")] = CONTACT_COUNTS
    for step in range(steps):
        starts = torch.from_numpy(chance.integers(0, len(levels) - PIECE, BATCH))
        rows = starts[:, None] + torch.arange(PIECE)
        scores = network(levels[rows].transpose(1, 2))
        loss = nn.functional.cross_entropy(scores, labels[rows], importance)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(f"step {step}: {loss.item():.3f}", flush=True)
    return network.eval().arrays()


def judge(arrays: dict[str, np.ndarray], voice: str, sentences: int) -> None:
    """Prints how well a voice is heard."""
    chance = np.random.default_rng(77)
    layers = tuple(
        (arrays[f"weight{i}"].astype(np.float32), arrays[f"bias{i}"]) for i in range(len(arrays) // 2)
    )
    right, met, false = [], [], []
    for _ in range(sentences):
        wave, segments = spoken(voice, sentence(chance))
        found = likelihoods(spectrum(wave), layers)
        right.append(found.argmax(1) == labels_of(segments, len(found)))
        contact = found[:, KINDS.index("contact")] > 0.5
        for segment in segments:
            first, stop = round(segment.start * RATE / HOP), round(segment.stop * RATE / HOP)
            if segment.name in GROUPS["contact"].split():
                met.append(contact[first : stop + 1].any())
            elif segment.name in GROUPS["tongue"].split():
                false.append(contact[first + 2 : stop - 1].any())
    print(
        f"{voice}: {100 * np.concatenate(right).mean():.1f} % of the rows right; contacts heard"
        f" {sum(met)} of {len(met)}; false ones in {sum(false)} of {len(false)} sounds of the tongue"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voices", nargs="+", default=["kal", "awb", "rms", "slt"])
    parser.add_argument("--sentences", type=int, default=900, help="of each voice")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--judge", default="slt")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()

    def one(job: tuple[str, int]) -> tuple[np.ndarray, np.ndarray]:
        voice, number = job
        chance = np.random.default_rng([zlib.crc32(voice.encode()), number])
        return varied(*spoken(voice, sentence(chance)), chance)

    jobs = [(voice, number) for voice in options.voices for number in range(options.sentences)]
    with ThreadPoolExecutor(2) as pool:
        data = list(pool.map(one, jobs))
    print(f"{len(data)} sentences, {sum(len(y) for _, y in data) / 100:.0f} s", flush=True)
    arrays = train(data, np.random.default_rng(0), options.steps)
    judge(arrays, options.judge, 60)
    np.savez_compressed(options.out, **arrays)


if __name__ == "__main__":
    main()
