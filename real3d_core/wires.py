"""The frozen dataclasses that travel between stages: one class for each wire of the graph.

Convention (holds for every wire)
    Pixels      x to the right, y down, continuous, origin at the outer corner of the top-left pixel:
                the centre of pixel (row i, column j) is (j + 0.5, i + 0.5).
    Pictures    float32, 0..1, RGB, sRGB-encoded, [H, W, C] (no batch) unless a field says otherwise.
    World       right-handed; x to the image's right, y up, z towards the viewer; the tri-plane box is
                [-0.5, 0.5]^3 and its side is the unit of length.
    Head pose   relative to the photo (zero = as in the photo). euler = (pitch, yaw, roll) in radians, each
                positive by the right-hand rule about x, y, z: pitch > 0 looks down, yaw > 0 turns the face to
                the image's right, roll > 0 tips the crown to the image's left. R = Rz(roll) Ry(yaw) Rx(pitch)
                about the pivot of the tri-plane; translation in box sides.
    Camera      25 numbers: c2w 4x4 row-major, then intrinsics 3x3 row-major normalised by the image size.
                Camera axes: x right, y down, z forward.

Wires hold tensors (on the CPU unless moved with `to`), never a path, a device handle or a mutable setting.
See docs/model.md, "Wires".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
from torch import Tensor

from .arkit import ARKIT_INDEX, ARKIT_NAMES
from .errors import MotionError

if TYPE_CHECKING:
    from .model import Model
    from .render_triplane.field import FieldSource

PORTRAIT_SIZE = 512
PLANE_SIZE = 256
PLANE_CHANNELS = 32
MOST_FPS = 1000

_Wire = TypeVar("_Wire")


def _moved(value: Any, device: torch.device | str) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if hasattr(value, "to") and hasattr(value, "__dataclass_fields__"):
        return value.to(device)
    return value


class _Movable:
    """Gives a frozen dataclass `to(device)`: a copy whose tensors (nested ones too) are on that device."""

    def to(self: _Wire, device: torch.device | str) -> _Wire:
        return replace(self, **{f.name: _moved(getattr(self, f.name), device) for f in fields(self)})


@dataclass(frozen=True)
class FaceCoefficients(_Movable):
    """3DMM coefficients of a portrait (network backend only).

    identity [80], expression [64], euler [3] rad, translation [3]: in the convention of the face model.
    """

    identity: Tensor
    expression: Tensor
    euler: Tensor
    translation: Tensor


@dataclass(frozen=True)
class Portrait(_Movable):
    """One prepared portrait.

    image           [512, 512, 3] the square crop, 0..1.
    photo           [H, W, 3] uint8, the whole picture the crop was taken from (reduced if it was huge).
    crop_to_photo   [2, 3] affine: photo pixel = A @ (crop x, crop y, 1), both in continuous pixels.
    landmarks       [478, 3] crop pixels: 468 points of the MediaPipe face mesh, then 5 + 5 iris points
                    (468 the centre of the right iris, 473 that of the left). z on the scale of x,
                    smaller is nearer to the viewer.
    person          [512, 512] soft matte of the person, 0..1.
    head_weight     [512, 512] 1 where the picture belongs to the head, soft fall to 0 below the jaw.
    foreground      [512, 512, 3] the person's colours, continued outwards past the matte.
    torso           [512, 512, 4] neck, shoulders and clothes continued up behind the chin; RGB + alpha.
    background      [512, 512, 3] the picture with the person removed and filled.
    segmentation    [6, 512, 512] one-hot: ground, hair, body skin, face skin, clothes, others.
    camera          [25] the camera of the crop in the built-in framing. A backend with a framing of its own
                    puts its camera into the TriPlane.
    findings        what was noticed in the photo that will hurt the result, in words; empty if nothing.
    coefficients    3DMM coefficients, where a face model is present.
    """

    image: Tensor
    photo: Tensor
    crop_to_photo: Tensor
    landmarks: Tensor
    person: Tensor
    head_weight: Tensor
    foreground: Tensor
    torso: Tensor
    background: Tensor
    segmentation: Tensor
    camera: Tensor
    findings: tuple[str, ...] = ()
    coefficients: FaceCoefficients | None = None

    @property
    def head(self) -> Tensor:
        """[512, 512] soft mask of the head, 0..1."""
        return self.person * self.head_weight


@dataclass(frozen=True)
class Motion(_Movable):
    """Expressions and head pose over time.

    fps             frames per second.
    blendshapes     [T, 52] ARKit weights in the order of ARKIT_NAMES, nominally 0..1 (values outside are
                    kept); 0 is the face as in the photo.
    euler           [T, 3] pitch, yaw, roll in radians, relative to the photo (module docstring).
    translation     [T, 3] in box sides.
    expression      [T, 64] 3DMM expression coefficients, where known.

    Tensors of other types than float32 are converted. Raises MotionError if the shapes do not agree, there is
    no frame, or a value is not finite.
    """

    fps: float
    blendshapes: Tensor
    euler: Tensor
    translation: Tensor
    expression: Tensor | None = None

    def __post_init__(self) -> None:
        count = self.blendshapes.shape[0] if self.blendshapes.ndim == 2 else 0
        wanted = {"blendshapes": (count, len(ARKIT_NAMES)), "euler": (count, 3), "translation": (count, 3)}
        if self.expression is not None:
            wanted["expression"] = (count, 64)
        for name, shape in wanted.items():
            value = getattr(self, name)
            if tuple(value.shape) != shape or count == 0:
                raise MotionError(
                    f"A motion's {name} has shape {list(value.shape)} where [T >= 1, {shape[1]}] is needed;"
                    " build the motion with one row per frame."
                )
            object.__setattr__(self, name, value.float())
            if not bool(torch.isfinite(getattr(self, name)).all()):
                raise MotionError(
                    f"A motion's {name} holds NaN or infinite values; check the node that made the motion."
                )
        if not 0 < self.fps <= MOST_FPS:
            raise MotionError(f"A motion has {self.fps:.6g} frames per second; choose up to {MOST_FPS}.")

    def __len__(self) -> int:
        return self.blendshapes.shape[0]

    def __getitem__(self, frames: slice) -> Motion:
        return replace(
            self,
            blendshapes=self.blendshapes[frames],
            euler=self.euler[frames],
            translation=self.translation[frames],
            expression=None if self.expression is None else self.expression[frames],
        )

    @staticmethod
    def still(frames: int = 1, fps: float = 25.0) -> Motion:
        """A motion that is the photo itself for `frames` frames."""
        return Motion(
            fps=fps,
            blendshapes=torch.zeros(frames, len(ARKIT_NAMES)),
            euler=torch.zeros(frames, 3),
            translation=torch.zeros(frames, 3),
        )

    def channel(self, name: str) -> Tensor:
        """[T] weights of one ARKit blendshape."""
        return self.blendshapes[:, ARKIT_INDEX[name]]


@dataclass(frozen=True)
class Camera(_Movable):
    """A camera track relative to the portrait's own camera (all zeros and ones = the photo's view).

    yaw, pitch, roll    [T] rad, an orbit about the pivot of the tri-plane: yaw > 0 takes the camera to the
                        image's right, pitch > 0 takes it up, roll > 0 turns the picture clockwise.
    dolly               [T] factor on the distance to the pivot; > 1 is farther.
    shift               [T, 2] moves the picture by this share of its size, x right, y down.
    field_of_view       [T] factor on the image-plane size; > 1 is wider.
    truck               [T] box sides, moves the camera to its own right without turning it, as an eye of a
                        stereo pair lies beside the other; None is 0.
    T = 1 is a static camera.
    """

    yaw: Tensor
    pitch: Tensor
    roll: Tensor
    dolly: Tensor
    shift: Tensor
    field_of_view: Tensor
    truck: Tensor | None = None

    def __len__(self) -> int:
        return self.yaw.shape[0]

    def at(self, frames: Tensor) -> Camera:
        """The track with the rows `frames` [n] (indices) of this one, in their order."""
        parts = {one.name: getattr(self, one.name) for one in fields(self)}
        return Camera(**{name: None if part is None else part[frames] for name, part in parts.items()})

    @staticmethod
    def front() -> Camera:
        """The photo's own view."""
        zero, one = torch.zeros(1), torch.ones(1)
        return Camera(zero, zero, zero, one, torch.zeros(1, 2), one)


@dataclass(frozen=True)
class DecoderWeights(_Movable):
    """Effective weights of the tri-plane decoder (equalised-rate gains folded in).

    hidden = softplus(w1 @ feature + b1); out = w2 @ hidden + b2; out[0] is the raw density,
    sigmoid(out[1:]) * 1.002 - 0.001 the 32 colour features.
    w1 [64, 32], b1 [64], w2 [33, 64], b2 [33].
    """

    w1: Tensor
    b1: Tensor
    w2: Tensor
    b2: Tensor


@dataclass(frozen=True)
class ResidualPlanes(_Movable):
    """The change of a tri-plane for n frames, zero outside a box of some channels of some planes.

    values      [n, P, C, h, w]
    planes      P plane numbers (0 = xy, 1 = xz, 2 = zx)
    channels    C channel numbers
    box         (row start, row stop, column start, column stop), h = row stop - row start, ...
    """

    values: Tensor
    planes: tuple[int, ...]
    channels: tuple[int, ...]
    box: tuple[int, int, int, int]

    def added_to(self, base: Tensor) -> Tensor:
        """[n, 3, 32, 256, 256]: base [1, 3, 32, 256, 256] plus the change of each frame."""
        out = base.expand(self.values.shape[0], *base.shape[1:]).clone()
        r0, r1, c0, c1 = self.box
        channels = torch.as_tensor(self.channels, device=base.device)
        for i, plane in enumerate(self.planes):
            out[:, plane, channels, r0:r1, c0:c1] += self.values[:, i]
        return out


Adapter = Callable[[Motion], ResidualPlanes]
"""Maps the expressions of n frames to the residual planes of these frames."""


@dataclass(frozen=True)
class TriPlane(_Movable):
    """A head as a tri-plane; with a motion, a clip of heads made on demand.

    planes      [1, 3, 32, 256, 256] the canonical planes (xy, xz, zx).
    decoder     reads them.
    camera      [25] the camera under which the canonical planes show the photo.
    pivot       [3] world point about which the head turns.
    model       the backend that made the planes.
    avatar      what the backend prepared once for this portrait (opaque to other stages).
    motion      expressions and poses; None = the photo's own face, one frame.
    adapter     makes the residual planes of motion's frames; None where motion is None.
    """

    planes: Tensor
    decoder: DecoderWeights
    camera: Tensor
    pivot: Tensor
    model: Model
    avatar: Any = None
    motion: Motion | None = None
    adapter: Adapter | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return 1 if self.motion is None else len(self.motion)

    def residual(self, start: int, stop: int) -> ResidualPlanes | None:
        """What frames start..stop add to `planes`; None if they add nothing."""
        if self.motion is None or self.adapter is None:
            return None
        return self.adapter(self.motion[start:stop])

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, 3, 32, 256, 256] whole planes of these frames."""
        change = self.residual(start, stop)
        if change is None:
            return self.planes.expand(stop - start, *self.planes.shape[1:])
        return change.added_to(self.planes)


@dataclass(frozen=True)
class RenderedFrames(_Movable):
    """What the volume renderer gives for n frames, r = resolution.

    features    [n, 32, r, r] composited decoder features * 2 - 1, premultiplied by alpha before the scaling
                (an empty ray is -1); channels 0..2 are the raw RGB.
    alpha       [n, 1, r, r] sum of the ray weights, 0..1 (up to rounding).
    depth       [n, 1, r, r] distance from the camera, box sides, clamped to the range seen.
    c2w         [n, 4, 4] the camera in the head's frame (head pose and camera track together).
    view        [n, 4, 4] the camera in the frame of the torso (camera track alone).
    intrinsics  [n, 3, 3] normalised by the image size.
    """

    features: Tensor
    alpha: Tensor
    depth: Tensor
    c2w: Tensor
    view: Tensor
    intrinsics: Tensor

    @property
    def rgb(self) -> Tensor:
        """[n, 3, r, r] raw colour, -1..1."""
        return self.features[:, :3]


@dataclass(frozen=True)
class RenderSettings:
    """How Render Triplane samples.

    resolution  rays per side. 128 is what both backends are made for.
    coarse      samples of the first pass along a ray (48 in the released networks).
    fine        samples of the importance pass (48 in the released networks); 0 = no importance pass.
    sampler     "fast" spends samples where the tri-plane has content; "plain" takes all, as networks need.
    jitter_seed None samples at fixed places; a number >= 0 at random ones, by the plain sampler.
    """

    resolution: int = 128
    coarse: int = 48
    fine: int = 48
    sampler: str = "fast"
    jitter_seed: int | None = None


@dataclass(frozen=True)
class HeadRender(_Movable):
    """Rendered heads on demand: a tri-plane clip seen by a camera track."""

    triplane: TriPlane
    camera: Camera
    settings: RenderSettings

    def __len__(self) -> int:
        """Frames: the clip's length; a still tri-plane lasts as long as the camera track."""
        return len(self.triplane) if self.triplane.motion is not None else len(self.camera)

    @property
    def fps(self) -> float:
        return 25.0 if self.triplane.motion is None else self.triplane.motion.fps

    @cached_property
    def prepared(self) -> FieldSource:
        """The tri-plane as the fast sampler wants it; made when first needed, shared by all threads."""
        from .render_triplane.field import FieldSource

        return FieldSource(self.triplane)

    def frames(self, start: int, stop: int) -> RenderedFrames:
        """Renders frames start..stop on the device of the tri-plane's tensors."""
        from .render_triplane import render_frames

        return render_frames(self, start, stop)


class FrameSource(Protocol):
    """A clip of pictures made on demand (what HTB-SR gives)."""

    fps: float
    width: int
    height: int

    def __len__(self) -> int: ...

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, height, width, 3] float32 0..1 on the CPU."""
        ...


@dataclass(frozen=True)
class Audio:
    """Sound. waveform [channels, samples] float32, nominally -1..1; sample_rate in Hz."""

    waveform: Tensor
    sample_rate: int

    @property
    def seconds(self) -> float:
        return self.waveform.shape[-1] / self.sample_rate
