"""The finished clip of a HEAD, made by the released HTB-SR network frame by frame on demand."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import BackendError, RenderError
from ...face_model.poses import key_points
from ...face_model.smoothing import smooth_track
from ...image_to_plane.avatar import portrait_key
from ...image_to_plane.network import NetworkAvatar
from ...model import Networks
from ...render_triplane.cameras import resolve, split_camera
from ...streaming import frames_at_once
from ...timing import stage
from ...wires import PORTRAIT_SIZE, Camera, HeadRender, Portrait
from .. import Form, HTBSRSettings
from ..given import Backdrop, Replacement, backdrop_of, cleaned, replacement_of, square_pictures
from ..photo_detail import SIZES
from .folded import BackgroundFeatures, PortraitFeatures
from .super_resolution import PortraitPictures

ACTIVATION_BYTES = 760 * 2**20
"""What the network needs for a frame besides its weights: 758 MB in float32 on a CPU."""

ACCELERATED_FRAMES = 4
"""Frames that an accelerator computes together; a CPU takes one at a time, one for each worker."""

FAINT = 0.02  # cover below which the colour of the person alone is not looked for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What the network computed once: of the portrait, with what lies behind it in the first frame."""

    networks: Networks
    portrait: PortraitFeatures


@dataclass
class Exactness:
    """How a clip goes on once half precision has failed: in float32, prepared by the frame that needs it."""

    prepared: Prepared | None = None


@dataclass(frozen=True)
class NetworkFrames:
    """A PersonFrames of the networks.

    pictures    what the network took of the portrait
    key_points  [len(head), 68, 3] that move the torso, smoothed over the whole clip
    scenery     [T, 512, 512, 3] 0..1 behind the person; the last one holds
    replacement what takes the place of the head's own colours, or None
    threshold   above it the head's alpha hides the background
    """

    head: HeadRender
    pictures: PortraitPictures
    prepared: Prepared
    key_points: Tensor
    scenery: Tensor
    replacement: Replacement | None
    threshold: float
    fps: float
    form: Form = Form.PICTURE
    exactness: Exactness = field(default_factory=Exactness, compare=False)
    size: int = PORTRAIT_SIZE
    backdrop: Backdrop | None = None

    @property
    def width(self) -> int:
        return self.size

    @property
    def height(self) -> int:
        return self.size

    def __len__(self) -> int:
        return len(self.head)

    @property
    def device(self) -> torch.device:
        """Where the frames are computed."""
        return self.prepared.networks.htb_sr.device

    @property
    def batch(self) -> int:
        """Frames that are best asked for together."""
        return frames_at_once(self.device, ACCELERATED_FRAMES)

    @property
    def ground(self) -> Tensor:
        """[T, 512, 512, 3] what lies behind the person, 0..1; the last one holds."""
        return self.scenery

    def under(self, camera: Camera) -> NetworkFrames:
        """The same clip under another camera track."""
        head = replace(self.head, camera=camera)
        avatar = head.triplane.avatar.to("cpu")
        return replace(self, head=head, key_points=_track(head, avatar, self.prepared.networks))

    def as_form(self, form: Form) -> NetworkFrames:
        """The same clip in another form."""
        return replace(self, form=form)

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, size, size, 3] float32 0..1 on the CPU; with a form that has alpha, 4 channels."""
        firsts = range(start, stop, self.batch)
        return torch.cat([self._together(first, min(first + self.batch, stop)) for first in firsts])

    def _together(self, start: int, stop: int) -> Tensor:
        """`frames` of at most a batch."""
        rendered = self.head.frames(start, stop)
        with stage("htb_sr"), torch.no_grad():
            picture = self._rendered(rendered.features, rendered.alpha, start, stop)
            if self.replacement is not None:
                alpha = _enlarged(rendered.alpha.to(picture.device).clamp(0, 1))
                picture = self._replaced(picture, alpha, start)
            if self.form is Form.CUT_OUT:
                picture = _alone(picture, self._behind(start, stop).to(picture.device))
            return _sized(picture[..., :3] if self.form is Form.PICTURE else picture, self.size).cpu()

    def _behind(self, start: int, stop: int) -> Tensor:
        """[n, 512, 512, 3] 0..1 what lies behind the person."""
        if self.backdrop is None:
            return _rows(self.scenery, start, stop)
        return torch.stack([self.backdrop.at(index) for index in range(start, stop)])

    def _replaced(self, picture: Tensor, alpha: Tensor, start: int) -> Tensor:
        """picture [n, 512, 512, 4] with the head's colours replaced where alpha [n, 1, 512, 512] has it."""
        out = picture.clone()
        for i in range(len(picture)):
            given = None if self.replacement is None else self.replacement.at(start + i)
            if given is not None:
                colour, share = (part.to(picture.device)[None] for part in given)
                out[i : i + 1] = _over(picture[i : i + 1], colour, alpha[i : i + 1] * share[:, None])
        return out

    def _rendered(self, features: Tensor, alpha: Tensor, start: int, stop: int) -> Tensor:
        """[n, 512, 512, 4] 0..1: colour and the person's share."""
        prepared = self.exactness.prepared or self.prepared
        picture = self._by(prepared, features, alpha, start, stop)
        if bool(torch.isfinite(picture).all()):
            return picture
        if prepared.networks.exact is None:
            raise RenderError(
                f"HTB-SR gives numbers that are not finite in the frames from {start} on; convert the model"
                " again, or take another portrait."
            )
        log.warning("HTB-SR gives numbers that are not finite in half precision; going on in fp32.")
        self.exactness.prepared = _prepared(prepared.networks.exact(), self.pictures, self.scenery)
        return self._by(self.exactness.prepared, features, alpha, start, stop)

    def _by(self, prepared: Prepared, features: Tensor, alpha: Tensor, start: int, stop: int) -> Tensor:
        weights = prepared.networks.htb_sr
        network = weights.ready(ACTIVATION_BYTES * (stop - start))
        background: BackgroundFeatures | None = None
        if len(self.scenery) > 1 or self.backdrop is not None:
            background = network.background(_signed(self._behind(start, stop).to(weights.device)))
        driven = self.key_points[start:stop].to(weights.device)
        given = (features.to(weights.device), alpha.to(weights.device), driven)
        made = network(*given, prepared.portrait, self.threshold, background)
        colour = (made.image.float() + 1).div_(2)
        return torch.cat([colour, _enlarged(made.person.float())], 1).movedim(1, -1)


def network_frames(
    head: HeadRender, portrait: Portrait, settings: HTBSRSettings, networks: Networks
) -> NetworkFrames:
    """The clip of a head over its portrait's torso and background.

    Raises BackendError if the head was not made from this portrait, RenderError for a threshold outside 0..1.
    """
    avatar = head.triplane.avatar
    if not isinstance(avatar, NetworkAvatar) or avatar.photo_key != portrait_key(portrait):
        raise BackendError(
            "HTB-SR got a HEAD made from another PORTRAIT; connect the same Load Portrait to Image-to-Plane"
            " and HTB-SR."
        )
    threshold = settings.head_threshold
    threshold = networks.settings.head_threshold if threshold is None else threshold
    if not 0 <= threshold <= 1:
        raise RenderError(f"The head threshold is {threshold}; choose 0 to 1.")
    if head.settings.resolution != 128:
        raise RenderError(
            f"The networks' HTB-SR is made for a head of 128 rays a side, not {head.settings.resolution}; set"
            " Render Triplane's resolution to 128."
        )
    if settings.size not in SIZES:
        raise RenderError(f"A size of {settings.size} was asked for; choose 512, 768 or 1024.")
    background = square_pictures(settings.background, "background")
    replacement = replacement_of(settings, len(head), PORTRAIT_SIZE)
    seen = avatar.seen
    own = (seen.background.movedim(0, -1)[None].cpu() + 1) / 2
    backdrop = backdrop_of(settings, head.fps, PORTRAIT_SIZE)
    scenery = own if background is None else cleaned(background)
    scenery = scenery if backdrop is None else backdrop.at(0)[None]
    avatar = avatar.to("cpu")
    source = key_points(networks.face_model, avatar.coefficients, _source_view(head)[None])
    pictures = PortraitPictures(
        torso=avatar.seen.torso[None],
        background=avatar.seen.background[None],
        segmentation=avatar.seen.segmentation[None],
        landmarks=source,
    )
    return NetworkFrames(
        head=head,
        pictures=pictures,
        prepared=_prepared(networks, pictures, scenery),
        key_points=_track(head, avatar, networks),
        scenery=scenery,
        replacement=replacement,
        threshold=threshold,
        fps=head.fps,
        size=settings.size,
        backdrop=backdrop,
    )


def _prepared(networks: Networks, pictures: PortraitPictures, scenery: Tensor) -> Prepared:
    """scenery [T, 512, 512, 3] 0..1: with T = 1 what lies behind every frame."""
    weights = networks.htb_sr
    with torch.no_grad():
        network = weights.ready(ACTIVATION_BYTES)
        moved = PortraitPictures(
            pictures.torso.to(weights.device),
            _signed(scenery[:1].to(weights.device)),
            pictures.segmentation.to(weights.device),
            pictures.landmarks.to(weights.device),
        )
        return Prepared(networks, network.portrait(moved))


def _source_view(head: HeadRender) -> Tensor:
    return split_camera(head.triplane.camera.cpu()).c2w


def _track(head: HeadRender, avatar: NetworkAvatar, networks: Networks) -> Tensor:
    """[len(head), 68, 3] key points of the whole clip: small, and each frame needs its neighbours'."""
    cameras = resolve(head.triplane, head.camera, 0, len(head))
    motion = head.triplane.motion
    coefficients = avatar.coefficients
    if motion is not None and motion.expression is not None:
        last = len(motion) - 1
        rows = motion.expression.cpu()[torch.arange(len(head)).clamp(max=last)]
        coefficients = replace(coefficients, expression=rows)
    return smooth_track(
        key_points(networks.face_model, coefficients, cameras.c2w.cpu(), cameras.intrinsics.cpu())
    )


def _rows(clip: Tensor, start: int, stop: int) -> Tensor:
    """Frames start..stop of a clip; the last one holds."""
    return clip[torch.arange(start, stop).clamp(max=len(clip) - 1)]


def _signed(pictures: Tensor) -> Tensor:
    """[n, h, w, 3] 0..1 -> [n, 3, h, w] -1..1."""
    return pictures.movedim(-1, 1) * 2 - 1


def _enlarged(mask: Tensor) -> Tensor:
    """[n, 1, 512, 512] of a smaller mask [n, 1, h, w]."""
    return F.interpolate(mask.float(), size=(PORTRAIT_SIZE, PORTRAIT_SIZE), mode="bilinear").clamp(0, 1)


def _sized(picture: Tensor, size: int) -> Tensor:
    """[n, size, size, C] of [n, 512, 512, C]: what the networks paint has no more detail."""
    if size == picture.shape[1]:
        return picture
    big = F.interpolate(picture.movedim(-1, 1), size=(size, size), mode="bicubic").clamp(0, 1)
    return big.movedim(1, -1)


def _over(picture: Tensor, colour: Tensor, alpha: Tensor) -> Tensor:
    """Puts colour [n, h, w, 3] with alpha [n, 1, h, w] on the colours of a picture [n, h, w, 4]."""
    mixed = torch.lerp(picture[..., :3], colour, alpha.movedim(1, -1))
    return torch.cat([mixed, picture[..., 3:]], -1)


def _alone(picture: Tensor, behind: Tensor) -> Tensor:
    """The person's own colour where the background shines through, as far as it can be told."""
    colour, cover = picture[..., :3], picture[..., 3:]
    alone = ((colour - behind * (1 - cover)) / cover.clamp(min=FAINT)).clamp(0, 1)
    return torch.cat([torch.where(cover > FAINT, alone, colour), cover], -1)
