"""Compares what Head Motion adds with what people do, over a minute of speech whose syllables are known.

    python -m tools.measure_head_motion [--voice slt] [--seeds 1 2 3 4 5] [--fps 25]
    python -m tools.measure_head_motion --wav speech.wav --segments segments.txt

The speech is made by flite, which prints its segments and their ends; they are the judge, not the detector
that drives the motion. segments.txt holds `name:end` (seconds) by white space, stressed vowels as `ae1:0.59`.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from real3d_core.head_motion import HeadMotionSettings, head_motion
from real3d_core.video.decoder import read_audio
from real3d_core.wires import Audio, Motion

TEXT = (
    "Good evening, and welcome to the programme.",
    "Tonight we travel to a small village in the mountains, where the winter lasts for seven months.",
    "Nobody there owns a car.",
    "When the first snow falls, the only road disappears, and people move about on wooden sledges.",
    "Maria, who is eighty years old, remembers the day when electricity arrived.",
    "Her father carried a single lamp home from the station, and the whole family sat around it all night.",
    "We asked her whether she ever wanted to leave.",
    "She laughed, and pointed at the window.",
    "Why would I go, she said, when everybody who matters to me can see my light from their kitchen?",
    "In summer, the village becomes a different place.",
    "Visitors come to climb the famous northern wall, and the old school turns into a hotel.",
    "The money they bring pays for the doctor, the bakery, and a new bridge across the river.",
    "But some people worry.",
    "They say that every year the guests stay longer, and the silence gets shorter.",
    "After the break, we will meet the young teacher who came for one week and never left.",
)
PAUSES = (0.35, 0.6, 0.45)  # s put between sentences, in turn
VOWELS = ("aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw")
PAUSE = "pau"
PHRASE_END = (-0.1, 0.6)  # s around the end of a phrase in which a blink belongs to it
FINE = 400.0  # frames per second at which the durations of blinks are measured
MOVES = 0.002  # of a weight, or of what it lacks to 1: where a lid starts and ends to move
BEATS = (1.8, 7.0)  # Hz of the head's quicker movements
AT_VIEWER = 3.0  # degrees within which the eyes are on the viewer's face
EYE_DEGREES = 30.0  # of eyeLook 1


@dataclass(frozen=True)
class Sound:
    """A segment: name, stress (0, or 1 for a stressed vowel), start and stop in s."""

    name: str
    stress: int
    start: float
    stop: float


@dataclass(frozen=True)
class Speech:
    """A sound and its segments."""

    audio: Audio
    sounds: list[Sound]

    def vowels(self, stressed: bool) -> np.ndarray:
        """[n, 2] s: first and last moment of every vowel, or of the stressed ones."""
        wanted = [s for s in self.sounds if s.name in VOWELS and (s.stress or not stressed)]
        return np.array([(s.start, s.stop) for s in wanted])

    def phrase_ends(self) -> np.ndarray:
        """[n] s at which a pause begins."""
        pairs = zip(self.sounds, self.sounds[1:], strict=False)
        return np.array([b.start for a, b in pairs if a.name != PAUSE and b.name == PAUSE])


@dataclass(frozen=True)
class Line:
    """A line of the table: what it is, its value, and what people do, with the source."""

    name: str
    value: float
    people: str = ""


@dataclass(frozen=True)
class Blinks:
    """start [n] s; closing, opening [n] s."""

    start: np.ndarray
    closing: np.ndarray
    opening: np.ndarray


def say(sentences: Iterable[str], voice: str) -> Speech:
    """Sentences by flite, one call each, so that no time is ambiguous; pauses between them."""
    waves, sounds, now, rate = [], [], 0.0, 0
    for k, sentence in enumerate(sentences):
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "speech.wav"
            command = ["flite", "-voice", voice, "-t", sentence, "-o", str(wav)]
            times, stress = (
                subprocess.run([*command, option], check=True, capture_output=True, text=True).stdout.split()
                for option in ("-psdur", "-psstress")
            )
            audio = read_audio(wav)
        rate = audio.sample_rate
        sounds += read_segments(
            [f"{name}:{item.partition(':')[2]}" for name, item in zip(stress, times, strict=True)], now
        )
        pause = torch.zeros(1, round(PAUSES[k % len(PAUSES)] * rate))
        waves += [audio.waveform[:1], pause]
        now += (audio.waveform.shape[1] + pause.shape[1]) / rate
    return Speech(Audio(torch.cat(waves, 1), rate), sounds)


def read_segments(items: Iterable[str], start: float = 0.0) -> list[Sound]:
    """Segments of `name:end`, with the stress as last character of a vowel's name; times from `start` on."""
    sounds, last = [], start
    for item in items:
        name, _, end = item.partition(":")
        bare = name.rstrip("012")
        sounds.append(Sound(bare, int(name[len(bare) :] or 0) > 0, last, start + float(end)))
        last = start + float(end)
    return sounds


def lines(speech: Speech, seed: int, fps: float) -> list[Line]:
    """The figures of one seed: all movements at 1, on a still face."""

    def moved(rate: float, **amounts: float) -> Motion:
        still = Motion.still(round(speech.audio.seconds * rate), rate)
        return head_motion(still, HeadMotionSettings(seed=seed, **amounts), speech.audio)

    motion = moved(fps)
    alone = moved(fps, sway=0.0)
    nods = peaks(np.degrees(alone.euler[:, 0].double().numpy()), 0.3, fps)
    raises = peaks(motion.channel("browInnerUp").double().numpy(), 0.1, fps)
    return [
        *blink_lines(speech, find_blinks(moved(FINE).channel("eyeBlinkLeft").double().numpy(), FINE)),
        *head_lines(speech, motion),
        *accent_lines(speech, "nods", nods, "nods mark stress and phrases (Hadar et al. 1984)"),
        *accent_lines(speech, "brow raises", raises, "with pitch accents (Flecha-García 2010)"),
        *gaze_lines(moved(fps, sway=0.0, nod=0.0)),
    ]


def blink_lines(speech: Speech, blinks: Blinks) -> list[Line]:
    """How often, how long, and where in the speech."""
    seconds, ends = speech.audio.seconds, speech.phrase_ends()
    windows = np.stack([ends + PHRASE_END[0], ends + PHRASE_END[1]], 1)
    return [
        Line(
            "blinks a minute",
            60 * len(blinks.start) / seconds,
            "8-21 looking ahead, 10.5-32.5 in conversation (Doughty 2001); wanted 12-20",
        ),
        Line(
            "  closing, mean, ms",
            1000 * float(blinks.closing.mean()),
            "about 100 (Stern, Walrath & Goldstein 1984); wanted about 90",
        ),
        Line("  closing, standard deviation, ms", 1000 * float(blinks.closing.std())),
        Line(
            "  opening, mean, ms",
            1000 * float(blinks.opening.mean()),
            "about 100 (Stern, Walrath & Goldstein 1984); wanted about 150",
        ),
        Line("  opening, standard deviation, ms", 1000 * float(blinks.opening.std())),
        Line(
            "  at the end of a phrase, %",
            hits(blinks.start, windows),
            "more at ends and in pauses (Nakano & Kitazawa 2010)",
        ),
        Line("  by chance, %", hits(np.arange(0, seconds, 0.001), windows)),
    ]


def head_lines(speech: Speech, motion: Motion) -> list[Line]:
    """How far and how fast the head turns."""
    euler, fps = np.degrees(motion.euler.double().numpy()), motion.fps
    rates = np.diff(euler, axis=0) * fps
    speed = np.linalg.norm(rates, axis=1)
    times = np.arange(1, len(euler)) / fps
    paused = np.array([s.name == PAUSE for s in speech.sounds])
    spoken = inside(times, np.array([(s.start, s.stop) for s in speech.sounds])[~paused])
    power = (np.abs(np.fft.rfft(rates, axis=0)) ** 2).sum(1)
    hertz = np.fft.rfftfreq(len(rates), 1 / fps)
    quick = power[(hertz >= BEATS[0]) & (hertz < BEATS[1])].sum() / power.sum()
    return [
        Line("head, median deg/s", float(np.median(speed)), "moves almost all the time (Hadar et al. 1984)"),
        Line("  median while speaking", float(np.median(speed[spoken]))),
        Line("  median in pauses", float(np.median(speed[~spoken]))),
        Line("  90th percentile deg/s", float(np.percentile(speed, 90))),
        Line(
            "  99th percentile deg/s",
            float(np.percentile(speed, 99)),
            "sharp movements at loud stresses (Hadar et al. 1984)",
        ),
        Line("  pitch, standard deviation, deg", float(euler[:, 0].std())),
        Line("  yaw, standard deviation, deg", float(euler[:, 1].std())),
        Line("  roll, standard deviation, deg", float(euler[:, 2].std())),
        Line(f"  speed at {BEATS[0]}-{BEATS[1]} Hz, % of power", 100 * float(quick)),
    ]


def accent_lines(speech: Speech, name: str, apexes: np.ndarray, people: str) -> list[Line]:
    """How many of the apexes [n] s lie in true vowels; chance is any moment of speech that is no pause."""
    spoken = np.array([(s.start, s.stop) for s in speech.sounds if s.name != PAUSE])
    moments = np.arange(0, speech.audio.seconds, 0.001)
    moments = moments[inside(moments, spoken)]
    out = [Line(f"{name} a minute", 60 * len(apexes) / speech.audio.seconds, people)]
    for kind, stressed in (("a vowel", False), ("a stressed vowel", True)):
        windows = speech.vowels(stressed)
        out += [
            Line(f"  on {kind}, %", hits(apexes, windows)),
            Line("    by chance, %", hits(moments, windows)),
        ]
    return out


def gaze_lines(motion: Motion) -> list[Line]:
    """Where the eyes look while the head is still."""
    right = motion.channel("eyeLookOutLeft") - motion.channel("eyeLookInLeft")
    down = motion.channel("eyeLookDownLeft") - motion.channel("eyeLookUpLeft")
    degrees = EYE_DEGREES * torch.hypot(right, down).numpy()
    jumps = np.abs(np.diff(degrees)) * motion.fps > 10  # deg/s: nothing but a saccade is as fast
    starts = int((np.diff(jumps.astype(int)) > 0).sum())
    return [
        Line(
            "eyes on the viewer, % of the time",
            100 * float((degrees < AT_VIEWER).mean()),
            "mutual face gaze 60 %, 2.2 s at a time (Rogers et al. 2018)",
        ),
        Line("  saccades a minute", 60 * starts * motion.fps / len(motion)),
        Line("  95th percentile, deg", float(np.percentile(degrees, 95))),
    ]


def find_blinks(lids: np.ndarray, fps: float) -> Blinks:
    """Blinks of lids [n] 0..1 that shut and open whole within the clip."""
    found = []
    moving = np.flatnonzero(np.diff(np.concatenate([[False], lids > MOVES, [False]]).astype(int)))
    for first, stop in zip(moving[::2], moving[1::2], strict=True):
        shut = np.flatnonzero(lids[first:stop] > 1 - MOVES)
        if len(shut) and stop < len(lids):
            found.append((first, shut[0], stop - first - shut[-1]))
    table = np.array(found).reshape(-1, 3) / fps
    return Blinks(table[:, 0], table[:, 1], table[:, 2])


def peaks(curve: np.ndarray, least: float, fps: float) -> np.ndarray:
    """[n] s, shown times of the hilltops of a curve that are higher than `least`; a flat top counts in its
    middle."""
    high = np.flatnonzero(np.diff(curve) != 0)
    levels = np.split(np.arange(len(curve)), high + 1)
    tops = np.array([curve[level[0]] for level in levels])
    middles = np.array([level.mean() for level in levels])
    top = np.flatnonzero((tops[1:-1] > tops[:-2]) & (tops[1:-1] > tops[2:]) & (tops[1:-1] > least)) + 1
    return (middles[top] + 0.5) / fps


def inside(times: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """[n] bool: which times [n] lie in any of windows [k, 2]; windows may overlap."""
    return ((times[:, None] >= windows[:, 0]) & (times[:, None] <= windows[:, 1])).any(1)


def hits(times: np.ndarray, windows: np.ndarray) -> float:
    """% of times within any window."""
    return 100 * float(inside(times, windows).mean()) if len(times) else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--voice", default="slt")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--fps", type=float, default=25.0)
    parser.add_argument("--wav", type=Path)
    parser.add_argument("--segments", type=Path)
    options = parser.parse_args()
    if options.wav and options.segments:
        speech = Speech(read_audio(options.wav), read_segments(options.segments.read_text().split()))
    else:
        speech = say(TEXT, options.voice)
    columns = [lines(speech, seed, options.fps) for seed in options.seeds]
    print(f"{speech.audio.seconds:.1f} s of speech, {len(speech.vowels(False))} vowels,", end=" ")
    print(f"{len(speech.vowels(True))} of them stressed, {len(speech.phrase_ends())} ends of phrases")
    print("|", " | ".join(["", *(f"seed {seed}" for seed in options.seeds), "people"]), "|")
    print("|---" * (len(columns) + 2) + "|")
    for row in zip(*columns, strict=True):
        print("|", " | ".join([row[0].name, *(f"{one.value:.1f}" for one in row), row[0].people]), "|")


if __name__ == "__main__":
    main()
