"""Hostile motions, cameras, backgrounds and render settings: the stages from tri-plane to picture."""

from __future__ import annotations

from typing import Any

import torch

from real3d_core.wires import ARKIT_NAMES, Camera, HeadRender, Motion, Portrait, RenderSettings
from real3d_portrait.nodes import (
    HTBSR,
    BlendAvatars,
    ImageToPlane,
    MotionAdapter,
    RenderPasses,
    RenderTriplane,
)

from .bench import Bench
from .chance import INF, NAN, Chance
from .pictures import image_value, portrait_options
from .sounds import audio_value, told

SMALL = RenderSettings(32, 8, 8, "fast")
DELIVER = ("images", "video on demand")


def motion_value(chance: Chance) -> Motion:
    """A motion; making it may already be refused."""
    count = chance.pick(1, 1, 2, 3, 0, 100_000)
    scale = chance.pick(0.0, 0.3, 1.0, 1.0, 5.0, -2.0, 1e4, 1e30)

    def rows(width: int) -> Any:
        values = torch.randn(count, width, generator=chance.torch) * scale
        if chance.often(0.08):
            values = chance.values([count, width])
        if chance.often(0.08):
            values = chance.values(chance.shape(count, width))
        return chance.typed(values) if chance.often(0.15) else values

    fps = chance.number(25, 1, 12.5, 29.97, 60, 240, 1e-3, 1001)
    parts = {"blendshapes": rows(len(ARKIT_NAMES)), "euler": rows(3), "translation": rows(3)}
    if chance.often(0.1):
        parts["expression"] = rows(64)
    return Motion(fps=fps, **parts)


def camera_value(chance: Chance) -> Camera:
    """A camera track whose parts may be absurd or of unequal length."""
    count = chance.pick(1, 1, 2, 3, 0)

    def row(base: float, *sides: int) -> Any:
        values = base + torch.randn(count, *sides, generator=chance.torch) * chance.pick(0, 0.1, 1, 10, 1e8)
        if chance.often(0.1):
            values = chance.values([count, *sides])
        if chance.often(0.07):
            values = torch.full(
                (chance.whole(0, 3), *sides), float(chance.pick(0, -1, 1e-20, 1e30, INF, NAN))
            )
        if chance.often(0.05):
            values = chance.values(chance.shape(count, *sides))
        return chance.typed(values) if chance.often(0.1) else values

    parts = [row(0), row(0), row(0), row(1), row(0, 2), row(1)]
    return Camera(*parts, row(0)) if chance.often(0.3) else Camera(*parts)


def rendered(head: HeadRender, portrait: Portrait, **inputs: Any) -> Any:
    """HTB-SR's outputs; of a long clip the first and the last frame alone."""
    if len(head) <= 3:
        return HTBSR.execute(head, portrait, "images", **inputs).result
    video = HTBSR.execute(head, portrait, "video on demand", **inputs).result[1]
    return head.frames(len(head) - 1, len(head)), video.as_trimmed(0, 1 / float(video.get_frame_rate()))


def motion(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A motion through Motion Adapter, Render Triplane and HTB-SR."""

    def run() -> Any:
        made = motion_value(chance)
        clip = MotionAdapter.execute(bench.still, bench.portrait, made).result[0]
        head = RenderTriplane.execute(clip, 32, 8, 8, "fast").result[0]
        return made, rendered(head, bench.portrait)

    return "motion", run


def camera(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A camera and render settings."""
    settings: list[Any] = [32, 8, 8, chance.pick("fast", "fast", "plain")]
    if chance.often(0.4):
        index = chance.whole(0, 2)
        settings[index] = chance.pick(0, 1, -1, 3, 4, 7, 33, -(2**63))
    if chance.often(0.1):
        settings[3] = chance.pick("", "slow", "FAST")
    clip = bench.still
    if chance.often(0.4):
        clip = MotionAdapter.execute(clip, bench.portrait, Motion.still(chance.whole(1, 3))).result[0]

    def run() -> Any:
        head = RenderTriplane.execute(clip, *settings, camera=camera_value(chance)).result[0]
        return rendered(head, bench.portrait)

    return f"camera, {settings}", run


def layers(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """Backgrounds, replacement heads and sound into HTB-SR."""
    head = HeadRender(bench.still, Camera.front(), SMALL)
    names = chance.pick(["background"], ["replacement_head"], ["background", "replacement_head"])
    inputs = {name: image_value(chance, bench) for name in names}
    if chance.often(0.3):
        inputs["audio"] = audio_value(chance)
    if chance.often(0.3):
        shape = chance.pick((1, 40, 40), (3, 512, 512), (0, 4, 4), (7, 5), (1, 2, 3, 4))
        inputs["replacement_mask"] = torch.rand(shape)
    if chance.often(0.3):
        inputs["replacement_start"] = chance.integer(-1, 0, 1, 7)
    if chance.often(0.2):
        inputs["size"] = chance.pick("768", "512", "7", "")
    deliver = chance.one_of(DELIVER)
    sizes = {name: getattr(value, "shape", told(value)) for name, value in inputs.items()}
    return f"{deliver}, {sizes}", lambda: HTBSR.execute(head, bench.portrait, deliver, **inputs).result


def passes(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """Ranges and distances into Render Passes."""
    clip = MotionAdapter.execute(bench.still, bench.portrait, Motion.still(3)).result[0]
    head = HeadRender(clip, Camera.front(), SMALL)
    near, far = chance.number(2.36, 0.0), chance.number(3.36, 2.0)
    start, count = chance.integer(0, 1, 2, 3), chance.integer(0, 1, 2, 5)
    portrait = chance.pick(bench.portrait, None, bench.other)
    mode, size = chance.pick("near and far", "normalised", "metric", ""), chance.pick("rays", "512", "7", "")
    return f"passes {near}, {far}, {start}, {count}, {mode}, {size}", lambda: RenderPasses.execute(
        head, near, far, start, count, portrait, mode, size
    )


def strangers(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """Stages of two portraits in one graph."""
    mine, other = bench.still, bench.other
    if chance.often(0.5):
        mine, other = bench.other_still, bench.portrait
    stage = chance.pick("adapter", "htbsr", "both")

    def run() -> Any:
        still = mine
        if stage != "htbsr":
            still = MotionAdapter.execute(still, other, Motion.still(1)).result[0]
        return HTBSR.execute(HeadRender(still, Camera.front(), SMALL), other, "images").result

    return f"{stage} of another portrait", run


def blends(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """Two heads, their portraits now and then exchanged, and amounts of any kind."""
    heads = [bench.still, bench.portrait, bench.other_still, bench.other]
    if chance.often(0.3):
        heads[1], heads[3] = heads[3], heads[1]
    if chance.often(0.2):
        heads[0] = MotionAdapter.execute(heads[0], bench.portrait, Motion.still(2)).result[0]
    amounts = chance.number(0.5, 0, 1, 0.3), chance.number(0.5, 0, 1, 0.9)

    def run() -> Any:
        mixed, portrait, image = BlendAvatars.execute(*heads, *amounts).result
        return portrait, image, rendered(HeadRender(mixed, Camera.front(), SMALL), portrait)

    return f"blend {amounts}", run


def odd_portraits(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A portrait of hostile mask and landmarks, if it is one, through all stages."""
    words, prepare = portrait_options(chance, bench)
    weights = torch.rand(1, len(ARKIT_NAMES), generator=chance.torch)
    pose = torch.randn(2, 1, 3, generator=chance.torch) * 0.1

    def run() -> Any:
        portrait = prepare().result[0][0]
        clip = MotionAdapter.execute(
            ImageToPlane.execute(portrait).result[0], portrait, Motion(25.0, weights, pose[0], pose[1])
        ).result[0]
        return portrait, rendered(HeadRender(clip, Camera.front(), SMALL), portrait)

    return f"all stages with {words}", run
