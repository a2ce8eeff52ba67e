"""Makes real3d_core/video_to_motion/reading.npz: the map from landmarks to expressions.

    python tools/make_reading.py PORTRAIT.jpg ... [--models FOLDER] [--out FILE]

Each portrait is moved by random expressions and poses, by the built-in backend, as it is and in three guises
(bent, in another light, in another mood); the landmark nets look at the pictures as they look at a driver's;
and a ridge regression learns to say from what they see how the face was moved. Every face counts twice, the
second time mirrored. The tests judge the map on a portrait that is not among these. See docs/model.md,
"Video-to-Motion".
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

from real3d_core.face_model import topology as t  # noqa: E402
from real3d_core.face_model.canonical import canonical_face, mirror_order  # noqa: E402
from real3d_core.image_to_plane import image_to_plane  # noqa: E402
from real3d_core.image_to_plane.avatar import AnalyticAvatar  # noqa: E402
from real3d_core.model import Model  # noqa: E402
from real3d_core.motion_adapter.expression import shape_weights  # noqa: E402
from real3d_core.portrait.faces import find_faces  # noqa: E402
from real3d_core.portrait.nets import FaceNets, load_face_nets  # noqa: E402
from real3d_core.portrait.prepare import prepare_portrait  # noqa: E402
from real3d_core.portrait.read_photo import read_photo  # noqa: E402
from real3d_core.video_to_motion.pose import euler_of, fit_rigid, mean_rotation, upright  # noqa: E402
from real3d_core.video_to_motion.reading import NAMES, SKIN, features, point_weights, skin_movements  # noqa: E402
from real3d_core.video_to_motion.tracking import FaceTracker  # noqa: E402
from real3d_core.wires import ARKIT_INDEX, Motion  # noqa: E402
from tools.moving import moving_pictures  # noqa: E402

REST = 3  # frames at the start that show the neutral face
RIDGES = (0.03, 0.1, 0.01)  # per picture: of the mouth's movements, the brows', and all others
FAR = 0.25  # weight of landmarks about the eyes for the mouth, and of those about the mouth for the eyes
TURN_GAIN = 10.0  # the turn's error in radians counts this much against a weight
MOUTH = 4  # the first movements of NAMES are the mouth's
SEED_STEP = 37  # between the random motions of two guises
ALIKE = 0.6  # how often both sides of the face do the same
DEGREES = (12.0, 18.0, 10.0)  # most pitch, yaw, roll


@dataclass(frozen=True)
class Program:
    """How lively random faces are: chances of a frame to have an open jaw, moved brows, blinks, a turned
    head, and a smile on top of another shape of the mouth; bounds of the mouth's shapes on 0..1.
    """

    seed: int
    jaw: float
    brows: float
    blink: float
    turn: float
    also_smile: float
    mouth: tuple[float, float]


PROGRAMS = (
    Program(100, jaw=0.5, brows=0.45, blink=0.3, turn=0.7, also_smile=0.0, mouth=(0.25, 0.45)),
    Program(900, jaw=0.75, brows=0.75, blink=0.6, turn=0.85, also_smile=0.5, mouth=(0.2, 0.4)),
    Program(1700, jaw=0.9, brows=0.9, blink=0.7, turn=1.0, also_smile=0.8, mouth=(0.35, 0.6)),
)


@dataclass(frozen=True)
class Guise:
    """A portrait made another one, and how many frames of each program it is shown in.

    mood        ARKit weights of the face in the photo; None: the photo as it is, else it is bent, dyed and
                turned a little too. People in photos smile, and move otherwise then, as the nets see it.
    """

    frames: tuple[int, int, int]
    mood: dict[str, float] | None


GUISES = (
    Guise((90, 110, 100), None),
    Guise((90, 110, 100), {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "jawOpen": 0.12}),
    Guise((60, 80, 60), {"jawOpen": 0.2, "browInnerUp": 0.3}),
    Guise((60, 80, 60), {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.25}),
)


def in_guise(photo: np.ndarray, number: int, portrait: int, nets: FaceNets) -> np.ndarray:
    """uint8 [h, w, 3] the photo of portrait number `portrait` in GUISES[number]."""
    mood = GUISES[number].mood
    if mood is None:
        return photo
    chance = np.random.default_rng(50 + 10 * number + portrait)
    motion = Motion.still(1)
    changed = dyed(bent(photo, chance, nets), chance)
    for name, weight in mood.items():
        motion.blendshapes[0, ARKIT_INDEX[name]] = weight
    angles = [chance.uniform(-most, most) for most in (4, 8, 4)]
    motion.euler[0] = torch.tensor(np.radians(angles))
    portrait = prepare_portrait(changed, nets)
    return next(moving_pictures(image_to_plane(portrait, Model.built_in()), portrait, motion))


def bent(photo: np.ndarray, chance: np.random.Generator, nets: FaceNets) -> np.ndarray:
    """Another face's proportions: made wider or narrower, and warped smoothly."""
    import cv2

    face = find_faces(photo, nets)[0].landmarks[:468, :2]
    low, high = face.min(0), face.max(0)
    size, middle = float((high - low).max()), (low + high) / 2
    height, width = photo.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    step = 0.45 * size
    grid = (int(height / step) + 4, int(width / step) + 4, 2)
    moves = chance.normal(0, 0.028 * size, grid).astype(np.float32)
    moved = cv2.remap(
        moves,
        (x / step + 1).astype(np.float32),
        (y / step + 1).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    moved = cv2.GaussianBlur(moved, (0, 0), step / 4)
    wider = np.exp(chance.uniform(-0.08, 0.08))
    across = middle[0] + (x - middle[0]) / wider + moved[..., 0]
    down = middle[1] + (y - middle[1]) * wider + moved[..., 1]
    return cv2.remap(
        photo,
        across.astype(np.float32),
        down.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def dyed(photo: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """In another light: brightness, the colours' balance, and how strong they are."""
    light = (photo / 255.0) ** np.exp(chance.uniform(-0.4, 0.4)) * chance.uniform(0.85, 1.1, 3)
    grey = light.mean(-1, keepdims=True)
    light = grey + (light - grey) * chance.uniform(0.4, 1.3)
    return (light.clip(0, 1) * 255).astype(np.uint8)


def random_motion(program: Program, frames: int, seed: int) -> Motion:
    """A motion whose frames have nothing to do with each other."""
    chance = np.random.default_rng(program.seed + seed)
    motion = Motion.still(frames)
    for frame in range(REST, frames):
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


def seen(photo: np.ndarray, nets: FaceNets, motion: Motion) -> Seen:
    """What the nets see of the portrait in a photo, in motion."""
    portrait = prepare_portrait(photo, nets)
    triplane = image_to_plane(portrait, Model.built_in())
    tracker, marks = FaceTracker(nets), []
    for picture in moving_pictures(triplane, portrait, motion):
        found = tracker(picture)
        if found is None:
            raise SystemExit(f"The face was lost in frame {len(marks)}.")
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
        order = mirror_order()
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


def reach() -> np.ndarray:
    """[F, 12 + 3] how easily a feature may speak for a movement: 1, or FAR for the other half of the face."""
    upper = np.zeros(478, bool)
    lids = [i for slit in (t.RIGHT_EYE, t.LEFT_EYE) for i in (*slit.upper, *slit.lower)]
    upper[[*lids, *t.RIGHT_BROW, *t.LEFT_BROW, *t.RIGHT_CREASE, *t.LEFT_CREASE]] = True
    upper[468:] = True
    upper = upper[point_weights() > 0].repeat(2)
    out = np.ones((len(features(np.zeros((1, 478, 3)), np.zeros((1, 3)))[0]), len(NAMES) + 3))
    out[: len(upper), :MOUTH][upper] = FAR
    out[: len(upper), MOUTH : len(NAMES)][~upper] = FAR
    return out


def solved(lessons: list[Lesson]) -> np.ndarray:
    """[F, 12 + 3] the ridge regression without an offset: at rest nothing moves."""
    both = [one for each in lessons for one in (each, each.mirrored())]
    x = np.concatenate([features(one.moved, one.euler) for one in both])
    y = np.concatenate([one.wanted for one in both])
    ridges = np.repeat(RIDGES, [MOUTH, len(SKIN) - MOUTH, len(NAMES) + 3 - len(SKIN)])
    found, weights = np.zeros((x.shape[1], y.shape[1])), reach()
    for column, ridge in enumerate(ridges):
        weight = weights[:, column]
        gram = (x * weight).T @ (x * weight) + ridge * len(x) * np.eye(len(weight))
        found[:, column] = weight * np.linalg.solve(gram, (x * weight).T @ y[:, column])
    return found


def learned(lessons: list[list[Lesson]]) -> np.ndarray:
    """[F, 12 + 3] the map of reading.npz; `lessons` of each portrait.

    Of a portrait that it has not learned from, a ridge regression says too little. How much too little is
    seen by leaving one portrait out after the other; movements of skin and lids are made larger by that.
    """
    said = true = np.zeros(len(NAMES))
    for left_out in lessons:
        found = solved([one for each in lessons if each is not left_out for one in each])
        for one in (each for lesson in left_out for each in (lesson, lesson.mirrored())):
            wanted = one.wanted[:, : len(NAMES)]
            said = said + (features(one.moved, one.euler) @ found[:, : len(NAMES)] * wanted).sum(0)
            true = true + (wanted**2).sum(0)
    found, share = solved([one for each in lessons for one in each]), said / true
    for alike in (slice(0, 1), slice(1, 2), slice(2, MOUTH), slice(MOUTH, len(SKIN)), slice(len(SKIN), 10)):
        found[:, alike] /= share[alike].mean()
    found[:, -3:] /= TURN_GAIN
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--models", type=Path, default=ROOT / "models" / "real3d_portrait")
    parser.add_argument("--out", type=Path, default=ROOT / "real3d_core" / "video_to_motion" / "reading.npz")
    arguments = parser.parse_args()
    nets = load_face_nets([arguments.models])
    save(learned([lessons_of(*each, nets) for each in enumerate(arguments.portraits)]), arguments.out)


def lessons_of(number: int, path: Path, nets: FaceNets) -> list[Lesson]:
    """What one portrait teaches in all its guises."""
    photo, out = read_photo(path).pixels, []
    for which, guise in enumerate(GUISES):
        changed = in_guise(photo, which, number, nets)
        for program, frames in zip(PROGRAMS, guise.frames, strict=True):
            motion = random_motion(program, frames, SEED_STEP * which + number)
            out.append(lesson(seen(changed, nets, motion), motion))
        print(f"{path.name}, guise {which}: {sum(guise.frames)} pictures", flush=True)
    return out


def save(found: np.ndarray, path: Path) -> None:
    """Half precision, each column by its own unit."""
    unit = np.abs(found).max(0)
    np.savez_compressed(path, map=(found / unit).astype(np.float16), unit=unit.astype(np.float32))


if __name__ == "__main__":
    main()
