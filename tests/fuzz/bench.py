"""What cases work with: folders, a prepared portrait and its head, made once."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.data import astronaut, chelsea

from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.portrait.faces import find_faces
from real3d_core.portrait.nets import FaceNets, load_face_nets
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.wires import Portrait, TriPlane
from real3d_portrait.nodes.headless.session import Session, using
from tests.sounds import write_sound

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Bench:
    """folder holds input/, output/ and temp/; models holds real3d_portrait/ with the face nets."""

    folder: Path
    models: Path

    @property
    def session(self) -> Session:
        return Session(*(self.folder / name for name in ("input", "output", "temp")), self.models)

    @cached_property
    def photo(self) -> np.ndarray:
        """uint8 [512, 512, 3]"""
        return astronaut()

    @cached_property
    def cat(self) -> np.ndarray:
        return chelsea()

    @cached_property
    def nets(self) -> FaceNets:
        return load_face_nets([self.models / "real3d_portrait"])

    @cached_property
    def landmarks(self) -> np.ndarray:
        """[478, 3] of the photo's face."""
        return find_faces(self.photo, self.nets)[0].landmarks

    @cached_property
    def portrait(self) -> Portrait:
        return prepare_portrait(self.photo, None, landmarks=self.landmarks)

    @cached_property
    def other(self) -> Portrait:
        """Another portrait: the photo in a mirror."""
        return prepare_portrait(np.ascontiguousarray(self.photo[:, ::-1]), self.nets)

    @cached_property
    def still(self) -> TriPlane:
        return image_to_plane(self.portrait, Model.built_in())

    @cached_property
    def other_still(self) -> TriPlane:
        return image_to_plane(self.other, Model.built_in())

    def written(self) -> list[Path]:
        """The files that a case has made, after everything unused is gone."""
        folders = (self.folder / "output", self.folder / "temp")
        if any(folders[1].glob("real3d_master*")):  # it may hang in a cycle
            gc.collect()
        outside = [p for p in self.folder.iterdir() if p.name not in ("input", "output", "temp")]
        return sorted(p for folder in folders for p in folder.rglob("*") if p.is_file()) + outside

    def clear(self) -> None:
        """Removes what the case before has made."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.folder / "input").mkdir()
        small = Image.fromarray(self.photo).resize((40, 30))
        small.save(self.folder / "input" / "small.png")
        tone = np.sin(np.arange(1600) * 0.2)[None] * 0.3
        write_sound(self.folder / "input" / "tone.wav", tone, 16_000)


@contextmanager
def bench_in(folder: Path, models: Path) -> Iterator[Bench]:
    """A bench in an empty folder, its session the current one."""
    bench = Bench(folder, models)
    with using(bench.session):
        yield bench
