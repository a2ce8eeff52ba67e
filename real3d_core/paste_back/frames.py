"""Frames of the square crop, laid into the photo that the crop was taken from.

Convention
    Crop pixels are those of the portrait's 512 square, photo pixels those of Portrait.photo; both continuous
    (wires.py). Portrait.crop_to_photo maps one to the other, and may turn.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..errors import RenderError
from ..htb_sr.given import cleaned
from ..htb_sr.photo_detail import SIZES, photo_detail, resized
from ..portrait.filters import smoothstep
from ..portrait.geometry import apply, invert, scale_of
from ..wires import PORTRAIT_SIZE, FrameSource, Portrait

MOST_FEATHER = 0.3  # of the crop's side: more would fade the face itself
SAME = (0.02, 0.08)  # difference to the photo's crop up to which, and from which on no more, detail is kept
SAME_BLUR = 0.004  # of the crop's side: noise of single pixels is no difference


@dataclass(frozen=True)
class PasteBackSettings:
    """feather      0..0.3 of the crop's side: width of the band in which the frame fades into the photo
    keep_detail  gives pixels that did not change what the photo shows beyond the frame's resolution
    """

    feather: float = 0.08
    keep_detail: bool = True


@dataclass(frozen=True)
class Place:
    """Where frames of one size go.

    x, y        [h, w] float32 where a pixel of the photo's box is found in a frame, pixel indices
    reduced     side that a frame is reduced to first, so that nothing flickers
    unchanged   [h, w, 3] float32 the photo's own crop, seen as frames are; None without detail
    """

    x: np.ndarray
    y: np.ndarray
    reduced: int
    unchanged: np.ndarray | None


@dataclass(frozen=True)
class PastedFrames:
    """A FrameSource in the photo's size.

    photo   uint8 [H, W, 3]; box: rows and columns of it that the crop reaches; weight [h, w] of the frame in
    the box, 0 outside the crop.
    """

    source: FrameSource
    portrait: Portrait
    settings: PasteBackSettings
    photo: np.ndarray
    box: tuple[slice, slice]
    weight: np.ndarray
    _places: dict[int, Place] = field(default_factory=dict, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    @property
    def fps(self) -> float:
        return self.source.fps

    @property
    def width(self) -> int:
        return self.photo.shape[1]

    @property
    def height(self) -> int:
        return self.photo.shape[0]

    @property
    def device(self) -> torch.device | str:
        """Where the frames come from."""
        return getattr(self.source, "device", "cpu")

    @property
    def batch(self) -> int:
        return getattr(self.source, "batch", 1)

    def __len__(self) -> int:
        return len(self.source)

    def frames(self, start: int, stop: int) -> Tensor:
        """[stop - start, H, W, 3] float32 0..1 on the CPU; outside the crop the photo's own values."""
        return torch.stack([self._pasted(frame) for frame in self.source.frames(start, stop)])

    def _pasted(self, frame: Tensor) -> Tensor:
        out = torch.from_numpy(self.photo.astype(np.float32) / 255)
        seen = self._seen(frame)
        part = out[self.box]
        part += torch.from_numpy(self.weight)[..., None] * (torch.from_numpy(seen) - part)
        return out

    def _seen(self, frame: Tensor) -> np.ndarray:
        """[h, w, 3] the frame where the photo's box shows it."""
        import cv2

        if frame.ndim != 3 or frame.shape[0] != frame.shape[1] or frame.shape[2] < 3:
            raise RenderError(
                f"Paste Back got pictures of the shape {list(frame.shape)}; give it the square frames of"
                " HTB-SR, or ones made from them that are still square."
            )
        place = self._place(frame.shape[0])
        seen = _read(cleaned(frame[..., :3].cpu().float()).numpy(), place)
        if place.unchanged is None:
            return seen
        photo = self.photo[self.box].astype(np.float32) / 255
        away = np.abs(seen - place.unchanged).max(-1)
        sigma = max(SAME_BLUR * PORTRAIT_SIZE * scale_of(_to_photo(self.portrait)), 0.5)
        same = smoothstep(SAME[1], SAME[0], cv2.GaussianBlur(away, (0, 0), sigma))
        return np.clip(seen + same[..., None] * (photo - place.unchanged), 0, 1)

    def _place(self, side: int) -> Place:
        with self._lock:
            if side not in self._places:
                self._places.clear()
                self._places[side] = self._placed(side)
            return self._places[side]

    def _placed(self, side: int) -> Place:
        to_photo = _to_photo(self.portrait)
        finer = side / PORTRAIT_SIZE / scale_of(to_photo)  # pixels of the frame for one of the photo
        reduced = max(1, round(side / finer)) if finer > 1 else side
        at = _crop_positions(to_photo, self.box) * (reduced / PORTRAIT_SIZE) - 0.5
        x, y = (np.ascontiguousarray(part, np.float32) for part in np.moveaxis(at, -1, 0))
        place = Place(x, y, reduced, None)
        if not self.settings.keep_detail:
            return place
        if side in SIZES:
            own = photo_detail(self.portrait, side).added_to(self.portrait.image)
        else:
            own = resized(self.portrait.image, side, cubic=True)
        return Place(x, y, reduced, _read(own.clamp(0, 1).numpy(), place))


def paste_back(
    source: FrameSource, portrait: Portrait, settings: PasteBackSettings | None = None
) -> PastedFrames:
    """The clip in the original photo.

    Raises RenderError for a feather outside 0..0.3, or if the crop does not touch the photo.
    """
    portrait, settings = portrait.to("cpu"), settings or PasteBackSettings()
    if not 0 <= settings.feather <= MOST_FEATHER:
        raise RenderError(f"The feather is {settings.feather}; choose 0 to {MOST_FEATHER}.")
    photo, to_photo = portrait.photo.numpy(), _to_photo(portrait)
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float64) * PORTRAIT_SIZE
    placed = apply(to_photo, corners)
    height, width = photo.shape[:2]
    low = np.clip(np.floor(placed.min(0)), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(placed.max(0)), 0, [width, height]).astype(int)
    if (high <= low).any():
        raise RenderError("The portrait's crop lies outside its photo; load the portrait again.")
    box = (slice(low[1], high[1]), slice(low[0], high[0]))
    at = _crop_positions(to_photo, box)
    inside = np.minimum(at, PORTRAIT_SIZE - at).min(-1)
    band = max(settings.feather * PORTRAIT_SIZE, 1e-3)
    weight = np.where(inside > 0, smoothstep(0, band, inside), 0).astype(np.float32)
    return PastedFrames(source, portrait, settings, photo, box, weight)


def _to_photo(portrait: Portrait) -> np.ndarray:
    return portrait.crop_to_photo.numpy().astype(np.float64)


def _crop_positions(to_photo: np.ndarray, box: tuple[slice, slice]) -> np.ndarray:
    """[h, w, 2] crop pixels of the centres of the photo's pixels in a box."""
    rows, columns = (np.arange(part.start, part.stop) + 0.5 for part in box)
    return apply(invert(to_photo), np.stack(np.meshgrid(columns, rows), -1))


def _read(picture: np.ndarray, place: Place) -> np.ndarray:
    """[h, w, 3] of a square picture."""
    import cv2

    if place.reduced != len(picture):
        picture = cv2.resize(picture, (place.reduced, place.reduced), interpolation=cv2.INTER_AREA)
    seen = cv2.remap(picture, place.x, place.y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(seen, 0, 1)
