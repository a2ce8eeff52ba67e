"""Stereo: one head seen by two eyes, each through HTB-SR, put into one picture.

Head and torso get the parallax of their own depths from two cameras (eyes.py). The background has no depth of
its own; it is pushed to one, and enlarged by as much as keeps its edges out of the picture.

See docs/model.md, "Stereo".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import CameraError
from ..htb_sr import Form, HTBSRSettings, PersonFrames, htb_sr
from ..htb_sr.given import cleaned
from ..ops import remap
from ..wires import HeadRender, Portrait
from .eyes import Eyes, eyes_of
from .layouts import SIDE_BY_SIDE, laid_out, size_of

MOST_DISPARITY = 0.25  # picture widths of the background; beyond, no one can see it as one


@dataclass(frozen=True)
class StereoSettings:
    """layout              one of layouts.LAYOUTS
    eye_distance        box sides between the eyes; below 0 the eyes change places
    convergence         box sides before the head's pivot: where the screen lies
    background_depth    box sides behind the pivot: where the background lies; inf is the horizon
    swap                the right eye first, or behind the red glass
    """

    layout: str = SIDE_BY_SIDE
    eye_distance: float = 0.1
    convergence: float = 0.2
    background_depth: float = 0.8
    swap: bool = False


@dataclass(frozen=True)
class StereoFrames:
    """A FrameSource of stereo pictures.

    left, right     the person alone as each eye sees it, in Form.CUT_OUT
    ground          [T, H, W, 3] 0..1 behind the person, the last one holds
    disparity       [T] of the ground, picture widths; the last one holds
    eyes            the cameras
    """

    left: PersonFrames
    right: PersonFrames
    ground: Tensor
    disparity: Tensor
    eyes: Eyes
    settings: StereoSettings

    @property
    def fps(self) -> float:
        return self.left.fps

    @property
    def width(self) -> int:
        return size_of(self.settings.layout, self.left.width, self.left.height)[0]

    @property
    def height(self) -> int:
        return size_of(self.settings.layout, self.left.width, self.left.height)[1]

    @property
    def device(self) -> torch.device:
        """Where the eyes are rendered."""
        return torch.device(getattr(self.left, "device", "cpu"))

    @property
    def batch(self) -> int:
        """Frames that are best asked for together."""
        return getattr(self.left, "batch", 1)

    def __len__(self) -> int:
        return len(self.left)

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, height, width, 3] float32 0..1 on the CPU."""
        left, right = self.eye(self.left, 0.5, start, stop), self.eye(self.right, -0.5, start, stop)
        if self.settings.swap:
            left, right = right, left
        return laid_out(left, right, self.settings.layout)

    def eye(self, person: PersonFrames, side: float, start: int, stop: int) -> Tensor:
        """[n, h, w, 3] what one eye sees; side is its share of the ground's disparity."""
        cut_out = person.frames(start, stop)
        behind = torch.stack([self._ground(index, side) for index in range(start, stop)])
        return torch.lerp(behind, cut_out[..., :3], cut_out[..., 3:])

    def _ground(self, index: int, side: float) -> Tensor:
        """[h, w, 3] the ground of a frame where one eye sees it."""
        picture = cleaned(self.ground[min(index, len(self.ground) - 1)])
        shift = side * float(self.disparity[min(index, len(self.disparity) - 1)])
        return moved(picture, shift, 1 + float(self.disparity.abs().max()), self.left.width, self.left.height)


def moved(picture: Tensor, shift: float, scale: float, width: int, height: int) -> Tensor:
    """[height, width, 3] a picture [h, w, 3] enlarged about its middle and moved right, in widths."""
    u, v = ((torch.arange(length) + 0.5) / length for length in (width, height))
    x = ((u - shift - 0.5) / scale + 0.5) * picture.shape[1] - 0.5
    y = ((v - 0.5) / scale + 0.5) * picture.shape[0] - 0.5
    grid = (x[None, None].expand(1, height, -1), y[None, :, None].expand(1, -1, width))
    return remap(picture[None], *grid, cubic=True)[0].clamp_(0, 1)


def stereo_frames(
    head: HeadRender,
    portrait: Portrait,
    settings: StereoSettings,
    given: HTBSRSettings | None = None,
) -> StereoFrames:
    """The stereo clip of a head, made frame by frame on demand; `given` as for HTB-SR.

    Raises CameraError for distances that cannot be seen, RenderError for an unknown layout, and what HTB-SR
    raises.
    """
    size_of(settings.layout, 1, 1)
    numbers = (settings.eye_distance, settings.convergence)
    if not all(math.isfinite(number) for number in numbers) or not settings.background_depth > -1:
        raise CameraError("Eye distance, convergence and background depth of stereo must be usable numbers.")
    eyes = eyes_of(head.triplane, head.camera, settings.eye_distance, settings.convergence)
    disparity = eyes.disparity(eyes.pivot + settings.background_depth)
    if not float(disparity.abs().max()) <= MOST_DISPARITY:
        raise CameraError(
            f"The background would be {100 * float(disparity.abs().max()):.0f} % of the picture apart for the"
            " two eyes, which cannot be seen as one; lower eye_distance or background_depth."
        )

    device = head.triplane.planes.device
    left = htb_sr(replace(head, camera=eyes.left.to(device)), portrait, given).as_form(Form.CUT_OUT)
    return StereoFrames(
        left=left,
        right=left.under(eyes.right.to(device)),
        ground=left.ground.cpu(),
        disparity=disparity,
        eyes=eyes,
        settings=settings,
    )
