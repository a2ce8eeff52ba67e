"""Makes real3d_core/video_to_motion/reading.npz: the map from landmarks to expressions.

    python tools/make_reading.py PORTRAIT.jpg ... [--models FOLDER] [--out FILE]

Each portrait is moved by random expressions and poses, by the built-in backend; the landmark nets look at the
pictures as they look at a driver's; and a ridge regression learns to say from what they see how the face was
moved. Every face counts twice, the second time mirrored. The tests judge the map on a portrait that is not
among these. See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from real3d_core.face_model.canonical import canonical_face  # noqa: E402
from real3d_core.htb_sr import htb_sr  # noqa: E402
from real3d_core.image_to_plane import image_to_plane  # noqa: E402
from real3d_core.image_to_plane.avatar import AnalyticAvatar  # noqa: E402
from real3d_core.model import Model  # noqa: E402
from real3d_core.motion_adapter import motion_adapter  # noqa: E402
from real3d_core.motion_adapter.expression import shape_weights  # noqa: E402
from real3d_core.portrait.nets import FaceNets, load_face_nets  # noqa: E402
from real3d_core.portrait.prepare import prepare_portrait  # noqa: E402
from real3d_core.portrait.read_photo import read_photo  # noqa: E402
from real3d_core.streaming import iterate_frames  # noqa: E402
from real3d_core.video_to_motion.pose import euler_of, fit_rigid, mean_rotation, upright  # noqa: E402
from real3d_core.video_to_motion.reading import NAMES, SKIN, features, skin_movements  # noqa: E402
from real3d_core.video_to_motion.tracking import FaceTracker  # noqa: E402
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion, RenderSettings  # noqa: E402

REST = 3  # frames at the start that show the neutral face
RIDGE = 10.0
TURN_GAIN = 10.0  # the turn's error in radians counts this much against a weight
ALIKE = 0.6  # how often both sides of the face do the same
DEGREES = (12.0, 18.0, 10.0)  # most pitch, yaw, roll


@dataclass(frozen=True)
class Program:
    """How lively random faces are: chances of a frame to have an open jaw, moved brows, blinks, a turned
    head, and a smile on top of another shape of the mouth; bounds of the mouth's shapes on 0..1.
    """

    frames: int
    seed: int
    jaw: float
    brows: float
    blink: float
    turn: float
    also_smile: float
    mouth: tuple[float, float]


PROGRAMS = (
    Program(500, 100, jaw=0.5, brows=0.45, blink=0.3, turn=0.7, also_smile=0.0, mouth=(0.25, 0.45)),
    Program(600, 900, jaw=0.75, brows=0.75, blink=0.6, turn=0.85, also_smile=0.5, mouth=(0.2, 0.4)),
)


def random_motion(program: Program, portrait: int) -> Motion:
    """A motion whose frames have nothing to do with each other."""
    chance = np.random.default_rng(program.seed + portrait)
    motion = Motion.still(program.frames)
    for frame in range(REST, program.frames):
        _random_face(motion.blendshapes[frame], chance, program)
        if chance.random() < program.turn:
            angles = [chance.uniform(-most, most) for most in DEGREES]
            share = 1.0 if chance.random() < 0.6 else 0.4
            motion.euler[frame] = torch.tensor(np.radians(angles) * share)
    return motion


def _random_face(row: torch.Tensor, chance: np.random.Generator, program: Program) -> None:
    def put(name: str, how_often: float, most: float = 1.0) -> None:
        if chance.random() < how_often:
            row[ARKIT_INDEX[name]] = float(chance.uniform(0, most))

    def pair(name: str, how_often: float) -> None:
        if chance.random() < how_often:
            weight = chance.uniform(0, 1)
            other = weight * (1 if chance.random() < ALIKE else chance.uniform(0, 1))
            sides = (weight, other) if chance.random() < 0.5 else (other, weight)
            for side, value in zip(("Left", "Right"), sides, strict=True):
                row[ARKIT_INDEX[name + side]] = float(value)

    put("jawOpen", program.jaw)
    if chance.random() < program.brows:
        if chance.random() < 0.5:
            put("browInnerUp", 1)
            pair("browOuterUp", 0.7)
        else:
            pair("browDown", 1)
    kind = chance.random()
    if kind < program.mouth[0]:
        put("mouthPucker", 1)
    elif kind < program.mouth[1]:
        pair("mouthStretch", 1)
    elif kind < 0.7:
        pair("mouthSmile", 1)
    elif kind < 0.8:
        pair("mouthFrown", 1)
    if program.also_smile and kind < program.mouth[1]:
        pair("mouthSmile", program.also_smile)
    put("mouthFunnel", 0.12)
    pair("mouthUpperUp", 0.12)
    pair("mouthLowerDown", 0.12)
    pair("eyeBlink", program.blink)
    pair("eyeSquint", 0.08)
    pair("eyeWide", 0.05)
    for one, other in (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight")):
        if chance.random() < 0.12:
            put(one if chance.random() < 0.5 else other, 1, 0.8)
    if chance.random() < 0.3:
        row[ARKIT_INDEX["mouthClose"]] = row[ARKIT_INDEX["jawOpen"]] * float(chance.uniform(0, 1))
    for name in ("mouthRollLower", "mouthRollUpper", "mouthShrugUpper", "mouthShrugLower"):
        put(name, 0.05)
    pair("mouthPress", 0.05)
    pair("noseSneer", 0.05)
    if chance.random() < 0.3:
        _look(row, chance)


def _look(row: torch.Tensor, chance: np.random.Generator) -> None:
    ways = (
        ("eyeLookInLeft", "eyeLookOutRight"),
        ("eyeLookOutLeft", "eyeLookInRight"),
        ("eyeLookUpLeft", "eyeLookUpRight"),
        ("eyeLookDownLeft", "eyeLookDownRight"),
    )
    weight, way = chance.uniform(0, 0.9), ways[chance.integers(len(ways))]
    for name in way:
        row[ARKIT_INDEX[name]] = float(weight)


@dataclass(frozen=True)
class Seen:
    """landmarks [T, 478, 3], pixels, of a portrait in motion; skin [T, 8] cm, how it was moved (SKIN)."""

    landmarks: np.ndarray
    skin: np.ndarray


def seen(path: Path, nets: FaceNets, motion: Motion) -> Seen:
    """What the nets see of the portrait in motion."""
    portrait = prepare_portrait(read_photo(path).pixels, nets)
    triplane = motion_adapter(image_to_plane(portrait, Model.built_in()), portrait, motion)
    head = HeadRender(triplane, Camera.front(), RenderSettings())
    tracker, marks = FaceTracker(nets), []
    for frame in (frame for chunk in iterate_frames(htb_sr(head, portrait)) for frame in chunk):
        found = tracker((frame * 255 + 0.5).to(torch.uint8).numpy())
        if found is None:
            raise SystemExit(f"{path}: the face was lost in frame {len(marks)}")
        marks.append(found)
    return Seen(np.stack(marks), true_skin(triplane.avatar, motion))


def true_skin(avatar: AnalyticAvatar, motion: Motion) -> np.ndarray:
    """[T, 8] cm: movements SKIN of the avatar's own mesh."""
    weights = shape_weights(motion, avatar.fields.names).shapes
    moved = torch.einsum("nk,kvc->nvc", weights, avatar.fields.displacements) @ avatar.axes.T
    return skin_movements(moved.double().numpy() / avatar.centimetre)


@dataclass(frozen=True)
class Lesson:
    """moved [T, 478, 3] cm and euler [T, 3] rad as features() wants them; wanted [T, 12 + 3] what the map is
    to say: movements NAMES and the turn's error times TURN_GAIN.
    """

    moved: np.ndarray
    euler: np.ndarray
    wanted: np.ndarray

    def mirrored(self) -> Lesson:
        """The same of the mirrored faces."""
        order = np.concatenate(
            [canonical_face().mirror, [473, 476, 475, 474, 477], [468, 471, 470, 469, 472]]
        )
        turned = np.array([1.0, -1.0, -1.0])
        sides = [NAMES.index(_other_side(name)) for name in NAMES]
        signs = np.array([-1.0 if name == "gazeAcross" else 1.0 for name in NAMES])
        wanted = np.concatenate([self.wanted[:, sides] * signs, self.wanted[:, -3:] * turned], 1)
        return Lesson(self.moved[:, order] * np.array([-1.0, 1.0, 1.0]), self.euler * turned, wanted)


def _other_side(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name


def lesson(seen: Seen, motion: Motion) -> Lesson:
    """What a portrait in motion teaches; its first REST frames show the neutral face."""
    faces = upright(seen.landmarks.astype(np.float64))
    fits = fit_rigid(canonical_face().vertices, faces[:REST, :468])
    neutral = fits.undone(faces[:REST]).mean(0)
    fits = fit_rigid(neutral[:468], faces[:, :468])
    euler = euler_of(fits.rotation @ mean_rotation(fits.rotation[:REST]).T)

    def weight(name: str) -> np.ndarray:
        return motion.channel(name).double().numpy()

    eyes = {name: weight(name) for name in NAMES if name.startswith("eyeBlink")}
    eyes["gazeAcross"] = weight("eyeLookOutLeft") - weight("eyeLookInLeft")
    eyes["gazeUp"] = weight("eyeLookUpLeft") - weight("eyeLookDownLeft")
    error = (euler - motion.euler.double().numpy()) * TURN_GAIN
    movements = [seen.skin, np.stack([eyes[name] for name in NAMES[len(SKIN) :]], 1)]
    return Lesson(fits.undone(faces) - neutral, euler, np.concatenate([*movements, error], 1))


def learned(lessons: list[Lesson]) -> np.ndarray:
    """[F, 12 + 3] the map of reading.npz by ridge regression without an offset: at rest nothing moves."""
    both = [one for each in lessons for one in (each, each.mirrored())]
    x = np.concatenate([features(one.moved, one.euler) for one in both])
    y = np.concatenate([one.wanted for one in both])
    found = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)
    found[:, -3:] /= TURN_GAIN
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--models", type=Path, default=ROOT / "models" / "real3d_portrait")
    parser.add_argument("--out", type=Path, default=ROOT / "real3d_core" / "video_to_motion" / "reading.npz")
    arguments = parser.parse_args()
    nets, lessons = load_face_nets([arguments.models]), []
    for number, path in enumerate(arguments.portraits):
        for program in PROGRAMS:
            motion = random_motion(program, number)
            lessons.append(lesson(seen(path, nets, motion), motion))
        print(f"{path.name}: {sum(program.frames for program in PROGRAMS)} pictures", flush=True)
    save(learned(lessons), arguments.out)


def save(found: np.ndarray, path: Path) -> None:
    """Half precision, each column by its own unit."""
    unit = np.abs(found).max(0)
    np.savez_compressed(path, map=(found / unit).astype(np.float16), unit=unit.astype(np.float32))


if __name__ == "__main__":
    main()
