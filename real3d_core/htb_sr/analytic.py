"""HTB-SR of the analytic backend: head over torso over background.

See docs/model.md, "HTB-SR".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import BackendError
from ..image_to_plane.avatar import AnalyticAvatar, portrait_key
from ..ops import mirrored, remap
from ..render_triplane.cameras import head_transform, split_camera
from ..timing import stage
from ..wires import Camera, HeadRender, Portrait, RenderedFrames
from . import Form, HTBSRSettings
from .given import Backdrop, Replacement, backdrop_of, cleaned, replacement_of, square_pictures
from .head_layer import FEATURES, HeadPicture, paint_head
from .photo_detail import photo_detail
from .pictures import HeadPictures, build_head
from .torso_layer import TorsoLayer, build_torso, torso_flow

LEAST_COVER = 1 / 512  # less than half a step of 8 bits: what is invisible has no colour worth finding


@dataclass(frozen=True)
class Canvas:
    """A picture that layers are put on, from back to front.

    colour [size, size, 3]; cover [size, size] 0..1: how much of each pixel the layers hide of what lies
    behind them all.
    """

    colour: Tensor
    cover: Tensor

    def put(self, rows: slice, cols: slice, colour: Tensor, alpha: Tensor) -> None:
        """Puts colour [h, w, 3] with alpha [h, w] on a window (in place)."""
        below, cover = self.colour[rows, cols], self.cover[rows, cols]
        below += (colour - below) * alpha[..., None]
        cover += (1 - cover) * alpha

    def straight(self) -> Tensor:
        """[size, size, 3] the layers' own colour, where nothing (black) lies behind them."""
        return self.colour / self.cover.clamp(min=LEAST_COVER)[..., None]


@dataclass(frozen=True)
class AnalyticFrames:
    """A PersonFrames: renders and composes frames on the device of the head's tensors."""

    head: HeadRender
    pictures: HeadPictures
    torso: TorsoLayer
    background: Tensor
    replacement: Replacement | None
    fps: float
    form: Form = Form.PICTURE
    backdrop: Backdrop | None = None

    @property
    def width(self) -> int:
        return self.pictures.size

    @property
    def height(self) -> int:
        return self.pictures.size

    def __len__(self) -> int:
        return len(self.head)

    @property
    def device(self) -> torch.device:
        """Where the frames are computed."""
        return self.background.device

    @property
    def ground(self) -> Tensor:
        """[T, 512, 512, 3] what lies behind the person, 0..1; the last one holds."""
        return self.background

    def under(self, camera: Camera) -> AnalyticFrames:
        """The same clip under another camera track."""
        return replace(self, head=replace(self.head, camera=camera))

    def as_form(self, form: Form) -> AnalyticFrames:
        """The same clip in another form."""
        return replace(self, form=form)

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, size, size, 3] float32 0..1 on the CPU; with a form that has alpha, 4 channels."""
        rendered = self.head.frames(start, stop)
        with stage("htb_sr"):
            out = [self._frame(rendered, i, start + i) for i in range(stop - start)]
            return torch.stack(out).cpu()

    def _motion_row(self, rows: Tensor, index: int) -> Tensor:
        return rows[min(index, rows.shape[0] - 1)]

    def _frame(self, rendered: RenderedFrames, i: int, index: int) -> Tensor:
        triplane = self.head.triplane
        rest = split_camera(triplane.camera).c2w
        features = (rendered.features[i, :FEATURES] + 1) * 0.5
        painted = paint_head(
            self.pictures, features, rendered.alpha[i, 0], rendered.c2w[i], rest, self._closing(index)
        )
        cut_out = self.form is Form.CUT_OUT
        ground = self._behind(index)
        ground = torch.zeros_like(ground) if cut_out else ground
        canvas = Canvas(ground, torch.zeros_like(ground[..., 0]))
        self._add_torso(canvas, rendered, i, index, rest)
        if painted is not None:
            self._add_head(canvas, painted, index)
        if self.form is Form.PICTURE:
            return canvas.colour.clamp_(0, 1)
        colour = canvas.straight() if cut_out else canvas.colour
        return torch.cat([colour, canvas.cover[..., None]], -1).clamp_(0, 1)

    def _behind(self, index: int) -> Tensor:
        """[size, size, 3] a copy of what lies behind the person."""
        if self.backdrop is not None:
            return self.backdrop.at(index).to(self.device)
        return cleaned(self._motion_row(self.background, index))

    def _closing(self, index: int) -> tuple[float, float]:
        """How far the right and left eye close in a frame."""
        motion = self.head.triplane.motion
        if motion is None:
            return 0.0, 0.0
        right, left = (
            float(self._motion_row(motion.channel(f"eyeBlink{side}"), index)) for side in ("Right", "Left")
        )
        return min(max(right, 0.0), 1.0), min(max(left, 0.0), 1.0)

    def _add_torso(self, canvas: Canvas, rendered: RenderedFrames, i: int, index: int, rest: Tensor) -> None:
        moved = self.moved_torso(rendered, i, index, rest)
        if moved is not None:
            rows, cols, picture = moved
            canvas.put(rows, cols, picture[..., :3], picture[..., 3].clamp(0, 1))

    def moved_torso(
        self, rendered: RenderedFrames, i: int, index: int, rest: Tensor
    ) -> tuple[slice, slice, Tensor] | None:
        """Window of the picture, and the torso's RGB + alpha [h, w, 4] there; None if it is not in sight."""
        triplane, layer, device = self.head.triplane, self.torso, self.device
        pose = torch.eye(4, device=device)
        if triplane.motion is not None:
            euler = self._motion_row(triplane.motion.euler, index)[None]
            pose = head_transform(
                euler, self._motion_row(triplane.motion.translation, index)[None], triplane.pivot
            )[0]
        flow = torso_flow(layer, pose, rendered.view[i], rendered.intrinsics[i], rest)
        reach = int(flow.abs().max().ceil()) + 2
        (t0, t1), (l0, l1) = (
            (max(low - reach, 0), min(high + reach, layer.size)) for low, high in (layer.rows, layer.cols)
        )
        if t1 <= t0 or l1 <= l0:
            return None
        y = torch.arange(t0, t1, device=device, dtype=torch.float32)[:, None]
        x = torch.arange(l0, l1, device=device, dtype=torch.float32)[None]
        window = flow[t0:t1, l0:l1]
        # A view from the side or from afar shows what the photo does not: repeated edges would be streaks.
        x, y = (mirrored(at + window[..., i], layer.size) for i, at in enumerate((x, y)))
        source = remap(layer.picture, x[None], y[None], cubic=True)[0]
        return slice(t0, t1), slice(l0, l1), source

    def _add_head(self, canvas: Canvas, painted: HeadPicture, index: int) -> None:
        r0, r1, c0, c1 = painted.box
        colour = painted.colour
        given = None if self.replacement is None else self.replacement.at(index)
        if given is not None:
            other, share = (part[r0:r1, c0:c1] for part in given)
            colour = torch.lerp(colour, other, share[..., None])
        canvas.put(slice(r0, r1), slice(c0, c1), colour, painted.alpha)


def analytic_frames(head: HeadRender, portrait: Portrait, settings: HTBSRSettings) -> AnalyticFrames:
    """The clip of a head over its portrait's torso and background."""
    avatar = head.triplane.avatar
    if not isinstance(avatar, AnalyticAvatar) or avatar.photo_key != portrait_key(portrait.to("cpu")):
        raise BackendError(
            "HTB-SR got a HEAD made from another PORTRAIT; connect the same Load Portrait to Image-to-Plane"
            " and HTB-SR."
        )
    device = head.triplane.planes.device
    avatar = avatar.to("cpu")
    portrait = portrait.to("cpu")
    size = settings.size
    detail = photo_detail(portrait, size)
    background = square_pictures(settings.background, "background", size)
    replacement = replacement_of(settings, len(head), size)
    backdrop = backdrop_of(settings, head.fps, size)
    if backdrop is not None:
        background = backdrop.at(0)[None]
    return AnalyticFrames(
        head=head,
        pictures=build_head(portrait, avatar, detail).to(device),
        torso=build_torso(portrait, avatar, detail).to(device),
        background=(detail.added_to(portrait.background)[None] if background is None else background).to(
            device
        ),
        replacement=None if replacement is None else replacement.to(device),
        fps=head.fps,
        backdrop=backdrop,
    )
