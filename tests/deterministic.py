"""Weights and inputs that any machine can make again: numbers seeded by the name of what they fill.

The reference numbers in tests/golden were made with these, so that neither weights nor inputs need be stored.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from real3d_core.render_triplane.decoder import from_equalised
from real3d_core.wires import DecoderWeights

_UNIT_LAYERS = re.compile(
    r"^(decoder\.net\.|secc_img2plane_backbone\.prenet\.|superresolution\.(block0|block1|head_torso_block)\.)"
)
"""Layers with an equalised learning rate: they store weights of unit variance and scale them at run time."""

_LAST_OF_BRANCH = re.compile(r"(attn\.proj|mlp\.fc2)\.weight$|encoder\.layer\d\.\d+\.conv2\.weight$")
"""The last linear map of a residual branch has half the size, so that deep stacks stay bounded."""


def generator(tag: str) -> np.random.Generator:
    """Numbers seeded by the CRC of `tag`."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(tag.encode())))


def normal(tag: str, shape: tuple[int, ...]) -> Tensor:
    """Standard normal float32 numbers, seeded by the CRC of `tag`."""
    return torch.from_numpy(np.asarray(generator(tag).standard_normal(shape, dtype=np.float32)))


def uniform(tag: str, shape: tuple[int, ...]) -> np.ndarray:
    """float64 numbers 0..1."""
    return generator(tag).random(shape)


def weight(name: str, shape: tuple[int, ...]) -> Tensor | None:
    """The value of one state-dict entry; None where the constructor's own value is kept."""
    leaf = name.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if leaf == "resample_filter" or (leaf in ("weight_u", "weight_v") and len(shape) == 1):
        return None
    n = normal(name, shape)
    if leaf == "running_var":
        return torch.exp(0.1 * n)
    if leaf == "running_mean":
        return 0.1 * n
    if leaf == "noise_const":
        return n
    if leaf == "weight_g":
        return 1 + 0.1 * n
    if len(shape) <= 1:
        return _vector(name, leaf, n)
    if _UNIT_LAYERS.search(name):
        if name == "decoder.net.2.weight":
            n[0] *= 8  # the density: decisive
        return 0.25 * n if name.endswith(".torgb.weight") else n
    fan_in = int(np.prod(shape[1:]))
    scale = np.float32(np.sqrt(2.0 / fan_in) * (0.5 if _LAST_OF_BRANCH.search(name) else 1.0))
    return n * float(scale)


def _vector(name: str, leaf: str, n: Tensor) -> Tensor:
    if leaf == "weight":  # the scale of a normalisation
        return 1 + 0.1 * n
    if leaf == "bias":
        value = (1.0 if name.endswith(".affine.bias") else 0.0) + 0.1 * n
        if name == "decoder.net.2.bias":
            value[0] -= 11.5  # the density: space without features is empty
        return value
    return 0.5 * n


def spectral_vectors(base: str, weight_orig: Tensor) -> tuple[Tensor, Tensor]:
    """(weight_u, weight_v) of a spectral-norm layer `base`: three power iterations in float64."""
    matrix = weight_orig.double().numpy().reshape(weight_orig.shape[0], -1)
    v = normal(base + ".weight_v", (matrix.shape[1],)).double().numpy()
    v /= np.sqrt((v * v).sum())
    u = np.zeros(matrix.shape[0])
    for _ in range(3):
        u = matrix @ v
        u /= np.sqrt((u * u).sum())
        v = matrix.T @ u
        v /= np.sqrt((v * v).sum())
    return torch.from_numpy(u.astype(np.float32)), torch.from_numpy(v.astype(np.float32))


def fill_entries(entries: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, Tensor]:
    """{name: value} for (name, shape) pairs; entries that keep the constructor's value are left out."""
    filled = {name: value for name, shape in entries if (value := weight(name, tuple(shape))) is not None}
    for name in [name for name in filled if name.endswith(".weight_orig")]:
        base = name.removesuffix(".weight_orig")
        filled[base + ".weight_u"], filled[base + ".weight_v"] = spectral_vectors(base, filled[name])
    return filled


def fill_module(module: nn.Module, prefix: str = "") -> nn.Module:
    """Loads the deterministic weights into a module whose entries are called `prefix` + name; in eval mode.

    Every entry must have a value by name and shape: nothing is skipped but what keeps its own.
    """
    own = module.state_dict()
    filled = fill_entries((prefix + name, tuple(value.shape)) for name, value in own.items())
    module.load_state_dict(own | {name.removeprefix(prefix): value for name, value in filled.items()})
    return module.eval()


def decoder_weights() -> DecoderWeights:
    """The decoder of the reference numbers: decisive density, and space that is empty without features."""
    names = {"net.0.weight": (64, 32), "net.0.bias": (64,), "net.2.weight": (33, 64), "net.2.bias": (33,)}
    filled = fill_entries((f"decoder.{name}", shape) for name, shape in names.items())
    return from_equalised(*filled.values())


def smooth_image(tag: str, channels: int, size: int = 512) -> Tensor:
    """[1, channels, size, size] -1..1: four sine waves of falling height per channel."""
    seeded = generator(tag)
    y, x = np.meshgrid(np.arange(size) / size, np.arange(size) / size, indexing="ij")
    image = np.zeros((channels, size, size))
    for channel in range(channels):
        for k in range(4):
            fx, fy = seeded.integers(-4, 5, 2)
            phase = seeded.random() * 2 * np.pi
            image[channel] += 0.5**k * np.sin(2 * np.pi * (fx * x + fy * y) + phase)
    return torch.from_numpy((image / 1.875).astype(np.float32)[None])


def _grid() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.meshgrid(np.arange(512.0), np.arange(512.0), indexing="ij")
    return x, y


def _ellipse(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
    x, y = _grid()
    return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1


def secc_image(mouth: float = 0.0, shift: float = 0.0) -> Tensor:
    """[1, 3, 512, 512]: a coloured ellipse with two eye holes and a mouth hole on a ground of -1."""
    x, y = _grid()
    inside = _ellipse(256, 256, 130, 170)
    inside &= ~_ellipse(200 + shift, 215, 22, 9) & ~_ellipse(312 + shift, 215, 22, 9)
    inside &= ~_ellipse(256, 350, 40, 4 + 16 * mouth)
    bump = 0.5 + 0.4 * np.cos((x - 256) / 130) * np.cos((y - 256) / 170)
    colour = np.clip(np.stack([(x - 126) / 260, 1 - (y - 86) / 340, bump]), 0.02, 0.98) * 2 - 1
    return torch.from_numpy(np.where(inside[None], colour, -1.0).astype(np.float32)[None])


def segmentation() -> Tensor:
    """[1, 6, 512, 512] one-hot: ground, hair, body skin, face skin, clothes, others."""
    x, y = _grid()
    label = np.zeros((512, 512), int)
    label[(y > 430) & (np.abs(x - 256) < 60 + 1.5 * (y - 430))] = 4
    label[(np.abs(x - 256) < 45) & (y > 330) & (y < 445)] = 2
    label[_ellipse(256, 210, 150, 175)] = 1
    label[_ellipse(256, 250, 110, 150)] = 3
    label[_ellipse(200, 225, 30, 14)] = 5
    return torch.from_numpy(np.eye(6, dtype=np.float32)[label].transpose(2, 0, 1)[None].copy())


@dataclass(frozen=True)
class NetInputs:
    """Inputs of the portrait networks: pictures [1, 3, 512, 512] and key points [1, 68, 3] (z = 0), -1..1."""

    src_head: Tensor
    cano_secc: Tensor
    src_secc: Tensor
    tgt_secc: Tensor
    segmentation: Tensor
    ref_torso: Tensor
    background: Tensor
    kp_source: Tensor
    kp_driven: Tensor


def net_inputs() -> NetInputs:
    classes, source, torso = segmentation(), smooth_image("src", 3), smooth_image("torso", 3)
    head = torch.where(classes[:, [1, 3, 5]].sum(1, keepdim=True) > 0.5, source, torch.tensor(-1.0))
    body = torch.where(classes[:, [2, 4]].sum(1, keepdim=True) > 0.5, torso, torch.tensor(-1.0))
    kp_source = (uniform("kp_s", (1, 68, 3)) * 1.2 - 0.6).astype(np.float32)
    kp_driven = np.clip(kp_source + 0.06 * normal("kp_d", (1, 68, 3)).numpy(), -1, 1).astype(np.float32)
    kp_source[..., 2] = kp_driven[..., 2] = 0
    return NetInputs(
        src_head=head,
        cano_secc=secc_image(0.0),
        src_secc=secc_image(0.3, 1.0),
        tgt_secc=secc_image(0.9, -2.0),
        segmentation=classes,
        ref_torso=body,
        background=smooth_image("bg", 3),
        kp_source=torch.from_numpy(kp_source),
        kp_driven=torch.from_numpy(kp_driven),
    )


EULER = np.array([[0, 0, 0], [0.1, 0.3, -0.05], [0, 0.4, 0]], np.float32)
TRANS = np.array([[0, 0, 0], [0.05, -0.03, 0.1], [1.4, 0.5, 0]], np.float32)
"""Poses of the three reference cameras; the third makes a part of the rays miss the box."""


@dataclass(frozen=True)
class Coefficients:
    """3DMM coefficients: identity [t, 80], expression [t, 64], euler [t, 3] rad, translation [t, 3]."""

    identity: np.ndarray
    expression: np.ndarray
    euler: np.ndarray
    translation: np.ndarray


def pose_track(frames: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """(euler [frames, 3], translation [frames, 3]) float32: slow sine waves with a little noise."""
    i, phase = np.arange(frames)[:, None], np.arange(3)[None]
    euler = 0.25 * np.sin(0.4 * i + phase) + 0.02 * normal("euler", (frames, 3)).numpy()
    translation = 0.1 * np.cos(0.3 * i + 2 * phase) + 0.01 * normal("trans", (frames, 3)).numpy()
    return euler.astype(np.float32), translation.astype(np.float32)


def coefficients(frames: int = 4) -> Coefficients:
    euler, translation = pose_track(frames)
    identity = np.repeat(0.5 * normal("id", (1, 80)).numpy(), frames, 0)
    return Coefficients(identity, 0.5 * normal("exp", (frames, 64)).numpy(), euler, translation)


@dataclass(frozen=True)
class AudioInputs:
    """hubert [1, t, 1024], f0 [1, t] Hz (0 = unvoiced), mouth_amplitude [1, 1], z [1, 16, t / 8]."""

    hubert: Tensor
    f0: Tensor
    mouth_amplitude: Tensor
    z: Tensor


def audio_inputs(frames: int = 64) -> AudioInputs:
    i = np.arange(frames)
    f0 = 160 + 60 * np.sin(0.25 * i)
    f0[(i // 9) % 3 == 2] = 0
    return AudioInputs(
        hubert=0.5 * normal("hubert", (1, frames, 1024)),
        f0=torch.from_numpy(f0.astype(np.float32)[None]),
        mouth_amplitude=torch.full((1, 1), 0.45),
        z=normal("vae_z", (1, 16, frames // 8)),
    )
