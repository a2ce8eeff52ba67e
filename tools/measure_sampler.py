"""Compares the fast sampler with the plain one on the finished picture of the built-in avatar.

    python -m tools.measure_sampler [--models models] [--photo photo.jpg]

The reference is a converged render (192 + 384 plain samples). For each pose: PSNR of the 512 picture by plain
48 + 48 and by fast 48 + 48 against it, and the time of both renders in the same run, one thread.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from real3d_core.htb_sr import htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.portrait.nets import load_face_nets
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.portrait.read_photo import read_photo
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion, Portrait, RenderSettings

YAWS = (0.0, 15.0, 30.0)  # degrees
CONVERGED = RenderSettings(coarse=192, fine=384, sampler="plain")
PLAIN, FAST = RenderSettings(sampler="plain"), RenderSettings(sampler="fast")
REPEATS = {"plain": 3, "fast": 15}


def the_portrait(photo: Path | None, models: Path) -> Portrait:
    """A photo's portrait, or the demo's."""
    if photo is None:
        from skimage import data

        pixels = data.astronaut()
    else:
        pixels = read_photo(photo).pixels
    return prepare_portrait(pixels, load_face_nets([models / "real3d_portrait"]))


def speaking(yaws: tuple[float, ...]) -> Motion:
    """One frame a yaw, with a half-open, slightly rounded mouth."""
    motion = Motion.still(len(yaws))
    motion.blendshapes[:, ARKIT_INDEX["jawOpen"]] = 0.5
    motion.blendshapes[:, ARKIT_INDEX["mouthPucker"]] = 0.2
    motion.euler[:, 1] = torch.tensor([math.radians(yaw) for yaw in yaws])
    return motion


def psnr(a: Tensor, b: Tensor) -> float:
    return float(10 * torch.log10(1 / (a - b).square().mean()))


def seconds(head: HeadRender, frame: int, repeats: int) -> float:
    """Median time of one render."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        head.frames(frame, frame + 1)
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--models", type=Path, default=Path("models"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    portrait = the_portrait(args.photo, args.models)
    triplane = image_to_plane(portrait, Model.built_in())
    clip = motion_adapter(triplane, portrait, speaking(YAWS))
    print("| yaw | plain 48+48 | fast 48+48 | plain | fast | faster |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with torch.inference_mode():
        for frame, yaw in enumerate(YAWS):
            heads = {
                name: HeadRender(clip, Camera.front(), settings)
                for name, settings in (("converged", CONVERGED), ("plain", PLAIN), ("fast", FAST))
            }
            picture = {name: htb_sr(head, portrait).frames(frame, frame + 1) for name, head in heads.items()}
            db = {name: psnr(picture[name], picture["converged"]) for name in ("plain", "fast")}
            cost = {name: seconds(heads[name], frame, REPEATS[name]) for name in ("plain", "fast")}
            print(
                f"| {yaw:.0f} | {db['plain']:.1f} dB | {db['fast']:.1f} dB | {1000 * cost['plain']:.0f} ms"
                f" | {1000 * cost['fast']:.0f} ms | {cost['plain'] / cost['fast']:.0f} x |"
            )


if __name__ == "__main__":
    main()
