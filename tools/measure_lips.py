"""Judges the lips of the built-in backend by what was really said: speech made by flite, whose segments and
their times are known.

    python -m tools.measure_lips [--models models] [--voice slt] [--text "..."] [--head-motion 0]
    python -m tools.measure_lips --wav speech.wav --segments segments.txt

The speech is turned into motion, rendered on the demo portrait, and measured back by the landmark nets on
each finished 512 picture, as Video-to-Motion looks at a driver. Lengths are shares of the distance between
the outer corners of the eyes. The nets see closed lips 0.012 open, those of a head that is turned a little
more, and wide ones too narrow; all is therefore measured a second time by the avatar's own landmarks.
segments.txt is what `flite -psdur` prints: `name:end` in seconds, separated by white space.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from real3d_core.audio_to_motion import AudioToMotionSettings, audio_to_motion
from real3d_core.errors import FaceNotFoundError
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter.expression import shape_weights
from real3d_core.portrait.nets import FaceNets, load_face_nets
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.sound import to_mono
from real3d_core.video.decoder import read_audio
from real3d_core.video_to_motion.tracking import FaceTracker
from real3d_core.wires import Audio, Motion, Portrait

from .moving import moving_pictures

TEXTS = {
    "demo": "Hello! I am a photo that can speak. Give me your voice, and my lips keep up: maybe, moon, easy."
    " What shall we say?",
    "trips": "My mother baked a big apple pie before the summer party. Pete keeps moving his blue boat by the"
    " beach, and Bob hopes to buy two more maps. Stop, please. We saw a beautiful moon.",
}
LIPS_MEET = ("m", "b", "p")
ROUND, SPREAD = ("uw", "ow"), ("iy", "ih")
WIDE_OPEN, NEARLY_SHUT = ("aa", "ae"), ("iy", "uw")
PAUSE = "pau"
CLOSED = 0.04  # an opening that is seen as closed
AROUND = 0.04  # s before and after a segment in which its contact may lie
HANG = 0.08  # s at either end of a pause that belong to the words around it
MOST_LAG = 5  # frames looked at either way


@dataclass(frozen=True)
class Segment:
    """A sound of speech by its CMU name, start and stop in seconds."""

    name: str
    start: float
    stop: float


@dataclass(frozen=True)
class LipTrack:
    """opening, width [T] of the mouth in each frame (frame i is shown from i / fps on)."""

    fps: float
    opening: np.ndarray
    width: np.ndarray

    @property
    def times(self) -> np.ndarray:
        """[T] s, the middle of each frame's time on the screen."""
        return (np.arange(len(self.opening)) + 0.5) / self.fps


@dataclass(frozen=True)
class LipFigures:
    """contacts, met: how many m, b, p there were and how many closed; others, shut: other consonants and how
    many of them closed too; round, spread: mean width; wide_open, nearly_shut: mean opening; lag: frames by
    which the mouth comes after the sound's energy, at the peak of their correlation; silent: greatest opening
    in pauses as a share of the 95th percentile; stir: greatest change from frame to frame within pauses.
    """

    contacts: int
    met: int
    others: int
    shut: int
    round: float
    spread: float
    wide_open: float
    nearly_shut: float
    lag: int
    correlation: float
    silent: float
    stir: float
    loudest: float

    def lines(self) -> Iterable[str]:
        """A table of all figures with their bounds."""
        yield f"m, b, p with an opening <= {CLOSED}: {self.met} of {self.contacts} (>= 90 %)"
        yield f"other consonants with one: {self.shut} of {self.others}"
        yield f"mean width: uw, ow {self.round:.3f} < iy, ih {self.spread:.3f}"
        yield f"mean opening: aa, ae {self.wide_open:.3f} > iy, uw {self.nearly_shut:.3f}"
        yield f"95th percentile of the opening: {self.loudest:.3f}"
        yield f"mouth after the sound's energy: {self.lag} frames (-1..1), correlation {self.correlation:.2f}"
        yield f"greatest opening in silence: {100 * self.silent:.1f} % of the 95th percentile (< 10 %)"
        yield f"greatest step from frame to frame in silence: {self.stir:.4f}"


def read_segments(text: str) -> list[Segment]:
    """The segments that `flite -psdur` printed."""
    segments, start = [], 0.0
    for item in text.split():
        name, _, end = item.partition(":")
        segments.append(Segment(name, start, float(end)))
        start = float(end)
    return segments


def say(text: str, voice: str) -> tuple[Audio, list[Segment]]:
    """Speech by flite, and its segments."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        command = ["flite", "-voice", voice, "-t", text, "-o", str(wav), "-psdur"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return read_audio(wav), read_segments(printed)


@dataclass(frozen=True)
class Sitter:
    """The portrait on which lips are measured."""

    portrait: Portrait
    nets: FaceNets

    def track(self, motion: Motion) -> LipTrack:
        """Renders every frame of a motion and measures it."""
        triplane = image_to_plane(self.portrait, Model.built_in())
        tracker, seen = FaceTracker(self.nets), []
        for picture in moving_pictures(triplane, self.portrait, motion):
            found = tracker(picture)
            if found is None:
                raise FaceNotFoundError(f"No face is seen in frame {len(seen)}; use a smaller motion.")
            seen.append(found[:, :2])
        points = np.stack(seen)

        def length(a: int, b: int) -> np.ndarray:
            return np.linalg.norm(points[:, a] - points[:, b], axis=1)

        eyes = length(33, 263)
        return LipTrack(motion.fps, length(13, 14) / eyes, length(61, 291) / eyes)

    def geometry(self, motion: Motion) -> LipTrack:
        """The same of the avatar's own landmarks in its frontal frame: where the lips truly are."""
        avatar = image_to_plane(self.portrait, Model.built_in()).avatar
        weights = shape_weights(motion, avatar.fields.names).shapes
        moved = avatar.points + torch.einsum("nk,kvc->nvc", weights, avatar.fields.displacements)
        across, up = (moved @ avatar.axes[axis] for axis in (0, 1))
        eyes = float((avatar.points[33] - avatar.points[263]).norm())
        opening = (up[:, 13] - up[:, 14]).clamp(min=0) / eyes
        return LipTrack(motion.fps, opening.numpy(), ((across[:, 291] - across[:, 61]) / eyes).numpy())


def figures(track: LipTrack, audio: Audio, segments: Sequence[Segment]) -> LipFigures:
    """What issue and users ask of lips, measured against the true segments."""
    times, opening = track.times, track.opening

    def mean(values: np.ndarray, names: tuple[str, ...]) -> float:
        inside = [(times >= s.start) & (times < s.stop) for s in segments if s.name in names]
        return float(values[np.any(inside, 0)].mean())

    def least(segment: Segment) -> float:
        near = (times >= segment.start - AROUND) & (times <= segment.stop + AROUND)
        return float(opening[near].min(initial=np.inf))

    contacts = [least(s) for s in segments if s.name in LIPS_MEET]
    others = [least(s) for s in tongue_gaps(segments)]
    pauses = [s for s in segments if s.name == PAUSE and s.stop - s.start > 2 * HANG]
    rests = [r for s in pauses if (r := (times >= s.start + HANG) & (times < s.stop - HANG)).any()]
    lag, correlation = lag_of(track, audio)
    loudest = float(np.percentile(opening, 95))
    return LipFigures(
        contacts=len(contacts),
        met=int((np.array(contacts) <= CLOSED).sum()),
        others=len(others),
        shut=int((np.array(others) <= CLOSED).sum()),
        round=mean(track.width, ROUND),
        spread=mean(track.width, SPREAD),
        wide_open=mean(opening, WIDE_OPEN),
        nearly_shut=mean(opening, NEARLY_SHUT),
        lag=lag,
        correlation=correlation,
        silent=max((float(opening[rest].max()) for rest in rests), default=0.0) / loudest,
        stir=max((float(np.abs(np.diff(opening[rest])).max(initial=0)) for rest in rests), default=0.0),
        loudest=loudest,
    )


def tongue_gaps(segments: Sequence[Segment]) -> list[Segment]:
    """Consonants that the tongue makes, away from pauses and from lips that do meet."""
    found = []
    for before, segment, after in zip(segments, segments[1:], segments[2:], strict=False):
        neighbours = (before.name, after.name)
        if segment.name in ("n", "d", "t", "k", "g", "ng", "l", "s", "z") and not any(
            name in (*LIPS_MEET, PAUSE) for name in neighbours
        ):
            found.append(segment)
    return found


def lag_of(track: LipTrack, audio: Audio) -> tuple[int, float]:
    """(frames by which the opening comes after the root of the sound's energy, correlation there)."""
    wave = to_mono(audio, 16_000)
    edges = np.round(np.arange(len(track.opening) + 1) / track.fps * 16_000).astype(int)
    wave = np.pad(wave, (0, max(0, edges[-1] - len(wave))))
    energy = np.array([np.sqrt((wave[a:b] ** 2).mean()) for a, b in pairwise(edges)])
    n = len(energy)
    scores = {
        lag: np.corrcoef(
            track.opening[max(0, lag) : n + min(0, lag)], energy[max(0, -lag) : n + min(0, -lag)]
        )[0, 1]
        for lag in range(-MOST_LAG, MOST_LAG + 1)
    }
    best = max(scores, key=lambda lag: scores[lag])
    return best, float(scores[best])


@cache
def demo_sitter(models: Path) -> Sitter:
    """The demo portrait with the face nets of a folder."""
    from skimage import data

    nets = load_face_nets([models / "real3d_portrait"])
    return Sitter(prepare_portrait(data.astronaut(), nets), nets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--voice", nargs="+", default=["slt"])
    parser.add_argument("--text", nargs="+", default=list(TEXTS), help="a name of TEXTS, or a text")
    parser.add_argument("--wav", type=Path, help="speech instead of flite's")
    parser.add_argument("--segments", type=Path, help="its segments")
    parser.add_argument("--fps", type=float, default=25.0)
    parser.add_argument("--head-motion", type=float, default=1.0)
    parser.add_argument("--save", type=Path, help=".npz for the measured curves")
    args = parser.parse_args()
    settings = AudioToMotionSettings(fps=args.fps, head_motion=args.head_motion)
    sitter = demo_sitter(args.models)
    if args.wav:
        jobs = {args.wav.name: (read_audio(args.wav), read_segments(args.segments.read_text("utf-8")))}
    else:
        jobs = {f"{v}, {t}": say(TEXTS.get(t, t), v) for v in args.voice for t in args.text}
    for name, (audio, segments) in jobs.items():
        motion = audio_to_motion(audio, Model.built_in(), settings)
        track = sitter.track(motion)
        if args.save:
            np.savez(args.save, opening=track.opening, width=track.width)
        for judge, seen in (("in the pictures", track), ("by geometry", sitter.geometry(motion))):
            print(f"{name}, {audio.seconds:.1f} s, {judge}")
            for line in figures(seen, audio, segments).lines():
                print("  " + line)


if __name__ == "__main__":
    main()
