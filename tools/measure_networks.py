"""Measures the networks: GFLOP and seconds of each stage, as a Markdown table.

    python -m tools.measure_networks [--device cuda] [--dtype bf16] [--batch 8] [--compile] [--repeats 5]

Weights and inputs are those of tests/deterministic.py: the released ones would take as long. GFLOP (2 x
multiply-adds of matrix products, convolutions and attention) are counted by torch in float32; sampling, which
it does not count, would add about 1 GFLOP to the renderer. GFLOP and seconds are per frame, whatever --batch;
seconds are the median of several runs after a first one. Image-to-Plane and the renderer compute in float32
whatever --dtype says; on CUDA torch lets convolutions of float32 use TF32.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from real3d_core.htb_sr.network import FoldedSuperResolution, PortraitPictures, SuperResolution
from real3d_core.image_to_plane.backbone import CanonicalPlanes
from real3d_core.model import Model
from real3d_core.motion_adapter.backbone import MotionPlanes
from real3d_core.wires import Camera, HeadRender, Motion, RenderSettings, TriPlane
from tests.deterministic import NetInputs, decoder_weights, fill_module, net_inputs

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FRONT = (1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 2.7, 0, 0, 0, 1, 4.2647, 0, 0.5, 0, 4.2647, 0.5, 0, 0, 1)


@dataclass(frozen=True)
class Stage:
    """run computes the stage; plain the same in float32 and not compiled, to count."""

    name: str
    run: Callable[[], object]
    plain: Callable[[], object]


@dataclass(frozen=True)
class Row:
    """Measured for `frames` frames."""

    name: str
    gflop: float
    seconds: float
    frames: int

    def __str__(self) -> str:
        each = self.seconds / self.frames
        return f"| {self.name} | {self.gflop / self.frames:.1f} | {each:.4f} |"


@dataclass(frozen=True)
class Networks:
    canonical: CanonicalPlanes
    motion: MotionPlanes
    htb_sr: FoldedSuperResolution

    @staticmethod
    def made(device: torch.device) -> Networks:
        def filled(module: nn.Module, prefix: str) -> nn.Module:
            return fill_module(module, prefix).requires_grad_(False)

        return Networks(
            filled(CanonicalPlanes(), "cano_img2plane_backbone.").to(device),
            filled(MotionPlanes(), "secc_img2plane_backbone.").to(device),
            filled(SuperResolution(), "superresolution.").folded().eval().to(device),
        )


def attention_flop(
    query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: object, **__: object
) -> int:
    """Of attention on a CPU, which torch leaves out; shapes [B, heads, tokens, channels]."""
    return sdpa_flop_count(query, key, value)


def measured(stage: Stage, device: torch.device, repeats: int, frames: int = 1) -> Row:
    counted = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention_flop}
    with FlopCounterMode(display=False, custom_mapping=counted) as counter:
        stage.plain()
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        stage.run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return Row(stage.name, counter.get_total_flops() / 1e9, median(times[1:]), frames)


def total(name: str, rows: list[Row]) -> Row:
    frames = rows[0].frames
    return Row(name, sum(row.gflop for row in rows), sum(row.seconds for row in rows), frames)


def portrait_stages(
    plain: Networks, used: Networks, inputs: NetInputs, pictures: PortraitPictures
) -> list[Stage]:
    maps = (inputs.cano_secc, inputs.src_secc)
    return [
        Stage(
            "Image-to-Plane",
            lambda: used.canonical(inputs.src_head),
            lambda: plain.canonical(inputs.src_head),
        ),
        Stage(
            "Motion Adapter, prepared",
            lambda: used.motion.portrait(*maps),
            lambda: plain.motion.portrait(*maps),
        ),
        Stage(
            "HTB-SR, prepared",
            lambda: used.htb_sr.portrait(pictures),
            lambda: plain.htb_sr.portrait(pictures),
        ),
    ]


def frame_stages(
    plain: Networks, used: Networks, inputs: NetInputs, pictures: PortraitPictures, batch: int
) -> list[Stage]:
    """All frames are alike, which changes nothing in the work."""

    def many(one: Tensor) -> Tensor:
        return one.expand(batch, *one.shape[1:]).contiguous()

    target, driven = many(inputs.tgt_secc), many(inputs.kp_driven)
    mapped = plain.motion.portrait(inputs.cano_secc, inputs.src_secc)
    planes = plain.canonical(inputs.src_head) + plain.motion.forward_with(mapped, inputs.tgt_secc)
    clip = TriPlane(
        planes=planes,
        decoder=decoder_weights().to(planes.device),
        camera=torch.tensor(FRONT, device=planes.device),
        pivot=torch.zeros(3, device=planes.device),
        model=Model("measured", "network"),
        motion=Motion.still(batch).to(planes.device),
    )
    head = HeadRender(clip, Camera.front().to(planes.device), RenderSettings(sampler="plain"))
    seen = head.frames(0, batch)
    prepared = [net.htb_sr.portrait(pictures) for net in (used, plain)]
    return [
        Stage(
            "Motion Adapter",
            lambda: used.motion.forward_with(mapped, target),
            lambda: plain.motion.forward_with(mapped, target),
        ),
        Stage("Render Triplane", lambda: head.frames(0, batch), lambda: head.frames(0, batch)),
        Stage(
            "HTB-SR",
            lambda: used.htb_sr(seen.features, seen.alpha, driven, prepared[0]),
            lambda: plain.htb_sr(seen.features, seen.alpha, driven, prepared[1]),
        ),
    ]


def lowered(networks: Networks, dtype: torch.dtype, compiled: bool) -> Networks:
    """Copies of the networks that run per frame, in another type."""
    device = networks.htb_sr.person_in.weight.device
    copied = networks if dtype is torch.float32 and not compiled else Networks.made(device)
    if dtype is not torch.float32:
        copied = replace(copied, motion=copied.motion.lowered(dtype), htb_sr=copied.htb_sr.to(dtype))
    if compiled:
        copied.motion.forward_with = torch.compile(copied.motion.forward_with)
        copied.htb_sr.forward = torch.compile(copied.htb_sr.forward)
    return copied


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=DTYPES, default="fp32")
    parser.add_argument("--batch", type=int, default=1, help="frames at once")
    parser.add_argument("--compile", action="store_true", help="torch.compile what runs per frame")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    device, given = torch.device(args.device), net_inputs()
    inputs = NetInputs(**{name: value.to(device) for name, value in vars(given).items()})
    pictures = PortraitPictures(inputs.ref_torso, inputs.background, inputs.segmentation, inputs.kp_source)
    with torch.inference_mode():
        plain = Networks.made(device)
        used = lowered(plain, DTYPES[args.dtype], args.compile)
        once = [
            measured(stage, device, args.repeats) for stage in portrait_stages(plain, used, inputs, pictures)
        ]
        stages = frame_stages(plain, used, inputs, pictures, args.batch)
        frames = [measured(stage, device, args.repeats, args.batch) for stage in stages]
    print(f"{args.device}, {args.dtype}, {torch.get_num_threads()} threads, {args.batch} frames at once")
    print("\n| stage | GFLOP | seconds |\n| --- | ---: | ---: |")
    print(*once, total("**a portrait**", once), *frames, total("**a frame**", frames), sep="\n")


if __name__ == "__main__":
    main()
