"""Makes real3d_core/video_to_motion/seen_shapes.npz: what the landmark nets see of each blendshape.

    python tools/make_seen_shapes.py PORTRAIT.jpg ... [--models FOLDER] [--out FILE]

Each portrait is moved by one ARKit weight at a time, by the built-in backend, and its face is measured as
Video-to-Motion measures a driver's. The means over portraits and over the face's mirror image are kept, so
that no portrait can be told from the file. See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from real3d_core.face_model.canonical import canonical_face  # noqa: E402
from real3d_core.htb_sr import htb_sr  # noqa: E402
from real3d_core.image_to_plane import image_to_plane  # noqa: E402
from real3d_core.model import Model  # noqa: E402
from real3d_core.motion_adapter import motion_adapter  # noqa: E402
from real3d_core.portrait.nets import FaceNets, load_face_nets  # noqa: E402
from real3d_core.portrait.prepare import prepare_portrait  # noqa: E402
from real3d_core.portrait.read_photo import read_photo  # noqa: E402
from real3d_core.streaming import iterate_frames  # noqa: E402
from real3d_core.video_to_motion.pose import euler_of, fit_rigid, upright  # noqa: E402
from real3d_core.video_to_motion.tracking import FaceTracker  # noqa: E402
from real3d_core.wires import ARKIT_INDEX, ARKIT_NAMES, Camera, HeadRender, Motion, RenderSettings  # noqa: E402

LEVELS = (0.5, 1.0)
TURNS = (-15.0, -7.5, 7.5, 15.0)  # degrees
JAW = 0.6  # at which mouthClose is seen: it does nothing to a closed mouth
UNSEEN = ("tongueOut", "cheekSquintLeft", "cheekSquintRight", "mouthDimpleLeft", "mouthDimpleRight")
CHANNELS = tuple(name for name in ARKIT_NAMES if name not in UNSEEN)


def poses() -> np.ndarray:
    """[10, 3] rad: each angle alone."""
    turns = np.zeros((3, len(TURNS), 3))
    for axis in range(3):
        turns[axis, :, axis] = np.radians(TURNS)
    return turns.reshape(-1, 3)


def program() -> Motion:
    """Frame 0 at rest, 1 with an open jaw, then each channel at each level, then the poses."""
    turns = poses()
    motion = Motion.still(2 + len(CHANNELS) * len(LEVELS) + len(turns))
    motion.blendshapes[1, ARKIT_INDEX["jawOpen"]] = JAW
    row = 2
    for name in CHANNELS:
        for level in LEVELS:
            motion.blendshapes[row, ARKIT_INDEX[name]] = level
            if name == "mouthClose":
                motion.blendshapes[row] = 0
                motion.blendshapes[row, ARKIT_INDEX["jawOpen"]] = JAW
                motion.blendshapes[row, ARKIT_INDEX[name]] = level * JAW
            row += 1
    motion.euler[row:] = torch.from_numpy(turns).float()
    return motion


def seen(path: Path, nets: FaceNets, motion: Motion) -> np.ndarray:
    """[T, 478, 3] landmarks, pixels, of the portrait in motion."""
    portrait = prepare_portrait(read_photo(path).pixels, nets)
    triplane = motion_adapter(image_to_plane(portrait, Model.built_in()), portrait, motion)
    head = HeadRender(triplane, Camera.front(), RenderSettings())
    tracker, marks = FaceTracker(nets), []
    for frame in (frame for chunk in iterate_frames(htb_sr(head, portrait)) for frame in chunk):
        found = tracker((frame * 255 + 0.5).to(torch.uint8).numpy())
        if found is None:
            raise SystemExit(f"{path}: the face was lost in frame {len(marks)}")
        marks.append(found)
    return np.stack(marks)


def responses(marks: np.ndarray) -> dict[str, np.ndarray]:
    """Per unit of each channel: displacement [C, 478, 3] cm and turn [C, 3] rad; per radian (and squared) of
    each angle: displacement [3, 2, 478, 3] and turn [3, 2, 3].
    """
    faces = upright(marks)
    first = fit_rigid(canonical_face().vertices, faces[:1, :468])
    fits = fit_rigid(first.undone(faces[:1, :468])[0], faces[:, :468])
    rest, turn = fits.undone(faces), euler_of(fits.rotation @ fits.rotation[0].T)
    levels = np.array(LEVELS)
    shapes, turns = [], []
    for index, name in enumerate(CHANNELS):
        rows = slice(2 + index * len(levels), 2 + (index + 1) * len(levels))
        base, size = (1, levels * JAW) if name == "mouthClose" else (0, levels)
        share = size / (size**2).sum()
        shapes.append(np.einsum("l,lvi->vi", share, rest[rows] - rest[base]))
        turns.append(share @ (turn[rows] - turn[base]))
    posed, asked = slice(-3 * len(TURNS), None), np.radians(TURNS)
    both = np.linalg.pinv(np.stack([asked, asked**2], 1))  # [2, turns]
    moved = (rest[posed] - rest[0]).reshape(3, len(TURNS), -1)
    turned = (turn[posed] - poses()).reshape(3, len(TURNS), 3)
    return {
        "shapes": np.stack(shapes),
        "turns": np.stack(turns),
        "pose_shapes": (both @ moved).reshape(3, 2, 478, 3),
        "pose_turns": both @ turned,
    }


def mirrored(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same of the mirrored face."""
    order = np.concatenate([canonical_face().mirror, [473, 476, 475, 474, 477], [468, 471, 470, 469, 472]])
    flip, turn = np.array([-1.0, 1, 1]), np.array([1.0, -1, -1])

    def other(name: str) -> str:
        if "Left" in name:
            return name.replace("Left", "Right")
        return name.replace("Right", "Left")

    channel = [CHANNELS.index(other(name)) for name in CHANNELS]
    odd = np.array([[1, 1], [-1, 1], [-1, 1]])  # of an angle, of its square
    return {
        "shapes": found["shapes"][channel][:, order] * flip,
        "turns": found["turns"][channel] * turn,
        "pose_shapes": found["pose_shapes"][:, :, order] * flip * odd[..., None, None],
        "pose_turns": found["pose_turns"] * turn * odd[..., None],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("portraits", nargs="+", type=Path)
    parser.add_argument("--models", type=Path, default=ROOT / "models" / "real3d_portrait")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "real3d_core" / "video_to_motion" / "seen_shapes.npz"
    )
    arguments = parser.parse_args()
    nets, motion, found = load_face_nets([arguments.models]), program(), []
    for path in arguments.portraits:
        own = responses(seen(path, nets, motion))
        found += [own, mirrored(own)]
        print(f"{path.name}: {len(motion)} pictures", flush=True)
    mean = {
        key: np.mean([one[key] for one in found], 0).astype(np.float16 if "shapes" in key else np.float32)
        for key in found[0]
    }
    np.savez_compressed(arguments.out, names=np.array(CHANNELS), **mean)


if __name__ == "__main__":
    main()
