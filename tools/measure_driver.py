"""Compares a film of a face with portraits that it drives: does the mouth open, does the head turn, when the
driver's does?

    python -m tools.measure_driver DRIVER.mp4 PORTRAIT.jpg ... [--models models] [--sheet FILE.png]

Video-to-Motion reads the film, the built-in backend renders each portrait, and the landmark nets look at both
in the same way. Openings are shares of the distance between the outer corners of the eyes, the turn of the
head is that of a rigid fit. The sheet shows faces, mouths and eyes of the film above those of each portrait.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.portrait.geometry import sample, square_map
from real3d_core.portrait.nets import FaceNets, load_face_nets
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.portrait.read_photo import read_photo
from real3d_core.video.decoder import read_video
from real3d_core.video_to_motion import FrameOfFace, video_to_motion
from real3d_core.video_to_motion.measure import measure
from real3d_core.video_to_motion.tracking import FaceTracker
from real3d_core.wires import Motion

from .moving import moving_pictures

COLUMNS = 12  # of the sheet
TILE = 160  # pixels
CLOSE_UPS = {"mouth": ((61, 291), 1.9), "eyes": ((33, 263), 1.35)}  # points and size in their distances


@dataclass(frozen=True)
class Look:
    """What the landmark nets see of a film: landmarks [T, 478, 3] (NaN: no face), tiles of the sheet."""

    fps: float
    landmarks: np.ndarray
    tiles: list[list[np.ndarray]]

    @property
    def opening(self) -> np.ndarray:
        """[T] of the mouth."""
        length = np.linalg.norm(self.landmarks[:, [13, 33], :2] - self.landmarks[:, [14, 263], :2], axis=2)
        return length[:, 0] / length[:, 1]

    @property
    def yaw(self) -> np.ndarray:
        """[T] degrees."""
        return np.degrees(measure(self.landmarks).euler[:, 1])

    def at(self, values: np.ndarray, times: np.ndarray) -> np.ndarray:
        """A curve of this film at other times, in s."""
        known = np.isfinite(values)
        return np.interp(times, np.flatnonzero(known) / self.fps, values[known])


def look(pictures: Iterable[np.ndarray], count: int, fps: float, nets: FaceNets) -> Look:
    """Looks at the pictures uint8 [h, w, 3] of a film of about `count`."""
    shown = set(np.linspace(0, count - 1, COLUMNS).astype(int))
    tracker, landmarks, tiles = FaceTracker(nets), [], []
    for number, picture in enumerate(pictures):
        found = tracker(picture)
        landmarks.append(np.full((478, 3), np.nan) if found is None else found)
        if number in shown and found is not None:
            tiles.append(closely(picture, found))
    return Look(fps, np.stack(landmarks), tiles)


def closely(picture: np.ndarray, landmarks: np.ndarray) -> list[np.ndarray]:
    """Tiles of the whole face, the mouth and the eyes."""
    low, high = landmarks[:468, :2].min(0), landmarks[:468, :2].max(0)
    squares = [((low + high) / 2, float((high - low).max()) * 1.4)]
    for (a, b), share in CLOSE_UPS.values():
        ends = landmarks[[a, b], :2]
        squares.append((ends.mean(0), float(np.linalg.norm(ends[1] - ends[0])) * share))
    return [sample(picture, square_map(*middle, side, 0.0, TILE), TILE) for middle, side in squares]


def moved(path: Path, motion: Motion, nets: FaceNets) -> Iterable[np.ndarray]:
    """The portrait of a file in motion, uint8 [512, 512, 3] frame by frame."""
    portrait = prepare_portrait(read_photo(path).pixels, nets)
    return moving_pictures(image_to_plane(portrait, Model.built_in()), portrait, motion)


def agreement(driver: Look, result: Look) -> tuple[str, str]:
    """Lines on the opening and the yaw: correlation, and the range of either (5th to 95th percentile)."""
    times = np.arange(len(result.landmarks)) / result.fps
    lines = []
    for name in ("opening", "yaw"):
        a, b = (one.at(getattr(one, name), times) for one in (driver, result))
        spans = [np.subtract(*np.percentile(one, [95, 5])) for one in (a, b)]
        lines.append(
            f"{name}: correlation {np.corrcoef(a, b)[0, 1]:.3f}, range {spans[0]:.3f} -> {spans[1]:.3f}"
        )
    return lines[0], lines[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("driver", type=Path)
    parser.add_argument("portraits", type=Path, nargs="+")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    nets = load_face_nets([args.models / "real3d_portrait"])
    film, tracker = read_video(args.driver), FaceTracker(nets)
    made = video_to_motion(film.frames(), float(film.fps), lambda _, one: FrameOfFace(tracker(one)))
    count = round(len(made.motion) / made.motion.fps * float(film.fps))
    driver = look(film.frames(), count, float(film.fps), nets)
    looks = [driver]
    for path in args.portraits:
        result = look(moved(path, made.motion, nets), len(made.motion), made.motion.fps, nets)
        print(path.name, *agreement(driver, result), sep="\n  ", flush=True)
        looks.append(result)
    if args.sheet:
        write_sheet(looks, args.sheet)


def write_sheet(looks: list[Look], path: Path) -> None:
    """One row of tiles for each of face, mouth and eyes, of each film in turn."""
    from PIL import Image

    rows = [
        np.concatenate([tiles[part] for tiles in looks_of[:COLUMNS]], 1)
        for part in range(1 + len(CLOSE_UPS))
        for looks_of in (one.tiles for one in looks)
    ]
    width = min(row.shape[1] for row in rows)
    Image.fromarray(np.concatenate([row[:, :width] for row in rows])).save(path)


if __name__ == "__main__":
    main()
