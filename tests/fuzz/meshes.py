"""Hostile settings for Head Mesh, and meshes that are none for Save Head GLB."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from real3d_core.wires import ARKIT_NAMES, Motion
from real3d_portrait.nodes import HeadMesh, MotionAdapter, SaveMesh
from real3d_portrait.nodes.headless.session import current

from .bench import Bench
from .chance import Chance

CORNERS, SIDES = 6, 4  # of a small mesh


def head_mesh(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """Frames, sizes and densities that may be absurd, of a head with any expression."""
    weights = torch.randn(2, len(ARKIT_NAMES), generator=chance.torch) * chance.pick(0.3, 1.0, 20.0, 1e30)
    pose = torch.randn(2, 2, 3, generator=chance.torch) * chance.pick(0.1, 10.0, 1e20)
    clip = bench.still
    portrait = chance.pick(*[bench.portrait] * 4, bench.other, None)
    settings = {
        "frame": chance.integer(0, 0, 1),
        "resolution": chance.integer(32, 40, 48),
        "texture_size": chance.pick(*["512"] * 6, "7", "", 512),
        "shape": chance.pick(*["head", "volume"] * 4, ""),
        "head_pose": chance.often(0.5),
        "unit": chance.pick(*["metres", "box sides"] * 4, ""),
        "turntable": chance.pick(*[1] * 9, 3, 0, -1, 2**40, 2**63, 10**30),
        "density": chance.number(0.0, 10.0),
    }

    def run() -> Any:
        moved = clip
        if portrait is not None:
            motion = Motion(25.0, weights, pose[0], pose[1])
            moved = MotionAdapter.execute(clip, portrait, motion).result[0]
        mesh, pictures = HeadMesh.execute(moved, portrait=portrait, **settings).result
        return pictures, mesh, _saved(mesh)

    return f"head mesh {settings}", run


def save_mesh(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A mesh of another node whose parts may not fit together."""
    count = chance.pick(1, 1, 2, 0)

    def part(*sides: int) -> Any:
        values = chance.values(chance.shape(count, *sides) if chance.often(0.1) else (count, *sides))
        return chance.typed(values) if chance.often(0.1) else values

    faces = torch.randint(-1 if chance.often(0.2) else 0, CORNERS, (count, SIDES, 3), generator=chance.torch)
    parts = {"vertices": part(CORNERS, 3), "faces": faces if chance.often(0.9) else part(SIDES, 3)}
    extra = {
        "uvs": lambda: part(CORNERS, 2),
        "normals": lambda: part(CORNERS, 3),
        "vertex_colors": lambda: part(CORNERS, chance.pick(3, 4, 1)),
        "texture": lambda: part(chance.whole(0, 9), 8, chance.pick(3, 4, 1)),
        "vertex_counts": lambda: torch.randint(-1, CORNERS + 2, (count,), generator=chance.torch),
        "face_counts": lambda: torch.randint(-1, SIDES + 2, (count,), generator=chance.torch),
    }
    for name, make in extra.items():
        if chance.often(0.4):
            parts[name] = make()
    shapes = {name: tuple(value.shape) for name, value in parts.items()}
    return f"save mesh {shapes}", lambda: _saved(SimpleNamespace(**parts))


def _saved(mesh: Any) -> Any:
    """The written file, for the judge to read."""
    return current().output / SaveMesh.execute(mesh, "mesh").result[0]
