"""Hostile clips into Video Combine, and questions to videos on demand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import torch

from real3d_core.errors import RenderError
from real3d_core.wires import Audio
from real3d_portrait.nodes import VideoCombine
from real3d_portrait.nodes.headless.video import VideoComponents, VideoFromComponents, VideoFromFile
from real3d_portrait.nodes.lazy_video import LazyVideo

from .bench import Bench
from .chance import NAN, Chance
from .pictures import image_value, mask_value
from .sounds import audio_value, encoded_video, told

PREFIXES = (
    "clip", "a/b/clip", "%width%x%height%", "../out", "/abs", "C:\\x", "\\\\server\\share", "a/../../b", "",
    " ", ".", "..", "a\0b", "nul", "con/clip", "x" * 300, "ünï/编码", "\ud800", "a:b", "link/clip", "file/x",
    "~/x",
    "%date:yyyy%", "-rf", "a\nb", "clip.", "aux.mp4", "a//b", "...", "%00", "[output]",
)  # fmt: skip


class OddClip:
    """A frame source of some absurd kind."""

    def __init__(self, chance: Chance) -> None:
        self.fps = chance.number(25.0, 25.0, 12.5, 29.97)
        self.count = chance.pick(1, 2, 5, 0)
        self.fail_at = chance.pick(None, None, 0, 1)
        self.width, self.height = chance.pick((32, 16), (32, 16), (17, 5), (1, 1))
        self.shapes = chance.often(0.1)

    def __len__(self) -> int:
        return self.count

    def frames(self, start: int, stop: int) -> torch.Tensor:
        if self.fail_at is not None and start <= self.fail_at < stop:
            raise RenderError("This frame cannot be rendered; try another one.")
        grow = start if self.shapes else 0
        return torch.rand(stop - start, self.height + grow, self.width, 3)


def clip_value(chance: Chance, bench: Bench) -> Any:
    """IMAGE, VIDEO of any kind, or neither."""
    kind = chance.pick("image", "image", "lazy", "components", "file", "part", "bad file")
    if kind == "image":
        usual = torch.rand(
            chance.whole(1, 4), chance.whole(1, 40), chance.whole(1, 40), 3, generator=chance.torch
        )
        return usual if chance.often(0.5) else image_value(chance, bench)
    if kind == "lazy":
        audio = Audio(torch.rand(1, 800, generator=chance.torch), 16_000) if chance.often(0.5) else None
        return LazyVideo(OddClip(chance), audio, "HTB-SR")
    if kind == "components":
        sides = (chance.whole(0, 3), chance.whole(0, 20), chance.whole(1, 20), chance.pick(1, 3, 4, 5))
        rate = chance.pick(Fraction(25), Fraction(30_000, 1001), Fraction(0), Fraction(-1), Fraction(1, 9999))
        audio = audio_value(chance) if chance.often(0.5) else None
        return VideoFromComponents(VideoComponents(chance.typed(chance.values(sides)), rate, audio))
    path = bench.folder / "input" / "clip.mp4"
    data = encoded_video(chance, bench)
    path.write_bytes(chance.damaged(data) if kind == "bad file" else data)
    times = (chance.pick(0.0, 0.04, 9.0), chance.pick(0.0, 0.08, 9.0)) if kind == "part" else (0.0, 0.0)
    return VideoFromFile(path, start_time=times[0], duration=times[1])


def combine(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """Anything into Video Combine."""
    clip = clip_value(chance, bench)
    fps = chance.number(25.0, 1.0, 60.0, 0.1) if chance.often(0.4) else 25.0
    prefix = chance.one_of(PREFIXES) if chance.often(0.3) else "clip"
    kind = chance.pick("mp4", "mp4", "webm", "mov", "gif", "png", "", "avi", "../mp4")
    quality = chance.integer(0, 50, 80, 100) if chance.often(0.3) else 60
    audio = audio_value(chance) if chance.often(0.3) else None
    (bench.folder / "output").mkdir(exist_ok=True)
    (bench.folder / "output" / "file").write_text("in the way")
    (bench.folder / "output" / "link").symlink_to(bench.folder.parent)
    alpha = mask_value(chance) if chance.often(0.2) else None
    length = chance.pick("video", "video", "audio", "shortest", "longest", "")
    what = getattr(clip, "shape", type(clip).__name__)
    words = f"{what} {fps} {prefix!r} {kind} {quality} {told(audio)} {length}"
    inputs = (clip, fps, prefix, kind, quality, False, audio, alpha, length)
    return words, lambda: VideoCombine.execute(*inputs)


def on_demand(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """Parts, components and files of a video on demand."""
    video = LazyVideo(OddClip(chance), None, "HTB-SR")
    start, length = (chance.pick(None, 0.0, 0.04, -0.04, 0.2, 1e9, -1e9, NAN) for _ in range(2))
    strict, ask = chance.often(0.3), chance.pick("components", "file", "save", "save")
    target = bench.folder / "output" / chance.pick("a.mp4", "a.mp4", "no/a.mp4", "a", "a.xyz", "x" * 300)
    kind = chance.pick("auto", "mp4", "mp4", "webm", None, 3)

    def run() -> Any:
        (bench.folder / "output").mkdir(exist_ok=True)
        part = video.as_trimmed(start, length, strict)
        if part is None:
            return None
        if ask == "components":
            return part.get_components().images
        if ask == "file":
            return VideoFromFile(part.get_stream_source()), part
        part.save_to(target, format=kind)
        return VideoFromFile(target), part

    return f"{ask} {start}, {length}, {strict} as {kind} {target.name[:9]}", run
