"""Tri-planes made by formula: an ellipsoid with a texture, in the layout of the built-in backend."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from real3d_core.model import Model
from real3d_core.render_triplane.cameras import DISTANCE, FOCAL, built_in_camera
from real3d_core.wires import DecoderWeights, Motion, ResidualPlanes, TriPlane

COLOUR, ADDRESS, FRONT, BACK, INSIDE, HEIGHT = (0, 1, 2), (3, 4), 9, 10, 11, 12
PASSED = (0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 14)
"""Channels that the decoder hands through to the colour outputs, in order."""


@dataclass(frozen=True)
class Ellipsoid:
    """Half axes (x, y, front, back) and centre (x, y) in box sides; the widest section lies at z = 0."""

    half: tuple[float, float, float, float] = (0.26, 0.34, 0.27, 0.22)
    centre: tuple[float, float] = (0.02, -0.01)


def solid_decoder() -> DecoderWeights:
    """Density about 200 between the heights of front and back where `inside` > 0; colours passed through."""
    sharp, slope, solid = 400.0, 6.0e4, 200.0
    w1, b1, w2, b2 = torch.zeros(64, 32), torch.zeros(64), torch.zeros(33, 64), torch.zeros(33)
    for out, channel in enumerate(PASSED):
        w1[2 * out, channel], w1[2 * out + 1, channel] = 1, -1
        w2[1 + out, 2 * out], w2[1 + out, 2 * out + 1] = 1, -1
    unit = 2 * len(PASSED)
    w1[unit, HEIGHT], w1[unit, FRONT] = sharp, -sharp
    w1[unit + 1, HEIGHT], w1[unit + 1, BACK] = -sharp, sharp
    w1[unit + 2, INSIDE] = -sharp
    w2[0, unit : unit + 3] = -slope / sharp
    b2[0] = solid + 1
    return DecoderWeights(w1, b1, w2, b2)


def ellipsoid_planes(shape: Ellipsoid, size: int = 256) -> Tensor:
    """[1, 3, 32, size, size]"""
    line = (torch.arange(size) + 0.5) / size - 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")
    a, b, front, back = shape.half
    radius = (((x - shape.centre[0]) / a) ** 2 + ((y - shape.centre[1]) / b) ** 2).sqrt()
    height = (1 - radius**2).clamp(min=0).sqrt()
    z_front, z_back = (front * height).clamp(min=0.004), (-back * height).clamp(max=-0.004)
    distance = DISTANCE - z_front
    u, v = FOCAL * x / distance + 0.5, -FOCAL * y / distance + 0.5
    planes = torch.zeros(1, 3, 32, size, size)
    planes[0, 0, list(COLOUR)] = _logit(texture(u, v))
    planes[0, 0, list(ADDRESS)] = _logit(torch.stack([u, v]).clamp(0.002, 0.998))
    planes[0, 0, FRONT], planes[0, 0, BACK] = z_front, z_back
    planes[0, 0, INSIDE] = ((1 - radius) * min(a, b)).clamp(-0.03, 0.03)
    planes[0, 1, HEIGHT] = line[:, None].expand(size, size)
    return planes * 3


def texture(u: Tensor, v: Tensor) -> Tensor:
    """[3, ...] a smooth pattern with detail down to a few texels."""
    waves = [0.5 + 0.2 * (a * u + b * v).sin() + 0.2 * (c * u - a * v).cos() for a, b, c in WAVES]
    return torch.stack(waves)


WAVES = ((21.0, 9.0, 55.0), (9.0, 33.0, 140.0), (60.0, 5.0, 25.0))


def _logit(value: Tensor) -> Tensor:
    return torch.log(value / (1 - value))


def ellipsoid_head(shape: Ellipsoid | None = None, motion: Motion | None = None) -> TriPlane:
    """The ellipsoid as a tri-plane; with a motion, jawOpen raises its front in a box of the first plane."""
    return TriPlane(
        planes=ellipsoid_planes(shape or Ellipsoid()),
        decoder=solid_decoder(),
        camera=built_in_camera(),
        pivot=torch.tensor([0.02, -0.01, -0.03]),
        model=Model.built_in(),
        motion=motion,
        adapter=None if motion is None else raise_front,
    )


def raise_front(motion: Motion) -> ResidualPlanes:
    """A bump of 0.03 jawOpen on the front, and a change of one colour, in rows 80..140, columns 100..170."""
    box = (80, 140, 100, 170)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 60), torch.linspace(-1, 1, 70), indexing="ij")
    bump = (1 - x**2).clamp(min=0) ** 2 * (1 - y**2).clamp(min=0) ** 2
    amount = motion.channel("jawOpen")[:, None, None]
    values = torch.stack([3 * 0.03 * amount * bump, 3.0 * amount * bump], 1)[:, None]
    return ResidualPlanes(values=values, planes=(0,), channels=(FRONT, 1), box=box)


def soft_planes(size: int = 64) -> Tensor:
    """[3, 32, size, size] sums of waves: with the deterministic decoder a volume that is soft everywhere."""
    line = (torch.arange(size) + 0.5) / size - 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")
    number = torch.arange(96.0).reshape(3, 32, 1, 1)
    waves = [
        (scale * ((number * a).sin() * 9 * x + (number * b).cos() * 9 * y) + number * c).sin() / scale
        for scale, a, b, c in ((1.0, 1.7, 2.3, 0.9), (2.0, 0.7, 1.1, 2.9))
    ]
    return 5 * sum(waves)
