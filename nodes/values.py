"""Between ComfyUI's values (IMAGE, MASK, AUDIO, FACE_LANDMARKS, ...) and those of real3d_core.

Convention
    IMAGE           float [B, H, W, C], C = 3 or 4, 0..1.
    MASK            float [B, H, W], 0..1; to a portrait, 1 is the person.
    AUDIO           {"waveform": float [B, C, T], "sample_rate": Hz}, or None for a video without sound.
    FACE_LANDMARKS  {"frames": [[face, ...] for each picture], "image_size": (H, W)}; of a face:
                    landmarks_xy [478, 2] in picture pixels, landmarks_3d [478, 3] in pixels of a face crop
                    that may be turned and scaled against the picture.
    AUDIO_ENCODER_OUTPUT    {"encoded_audio": float [B, rows, width], ...}, 50 rows a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..real3d_core.errors import AudioError, FaceNotFoundError, ImageError, RenderError
from ..real3d_core.wires import Audio

SIZES = (512, 768, 1024)  # pixels a side of frames
MOST_RATE = 2**31  # Hz, where a rate stops being a number that can be worked with


def audio_from(value: Mapping[str, Any] | None) -> Audio | None:
    """The first sound of an AUDIO; None stays None. Raises AudioError if it is not an AUDIO."""
    if value is None:
        return None
    parts = value if isinstance(value, Mapping) else {}
    waveform, rate = parts.get("waveform"), parts.get("sample_rate")
    is_sound = isinstance(waveform, Tensor) and waveform.ndim == 3 and waveform.shape[0] >= 1
    if not is_sound or not isinstance(rate, Real) or not 0 < rate < MOST_RATE:
        raise AudioError(
            "The audio is not made as ComfyUI's AUDIO is (waveform [batch, channels, samples] and a sample"
            " rate); check the node that made it."
        )
    return Audio(waveform[0].detach().float().cpu(), int(rate))


def audio_value(audio: Audio | None) -> dict[str, Any] | None:
    """An AUDIO of one sound."""
    if audio is None:
        return None
    return {"waveform": audio.waveform[None], "sample_rate": audio.sample_rate}


def encoded_audio_from(value: Mapping[str, Any] | None) -> Tensor | None:
    """[rows, width] of the first sound of an AUDIO_ENCODER_OUTPUT; None stays None. Raises AudioError if it
    is not one.
    """
    if value is None:
        return None
    encoded = value.get("encoded_audio") if isinstance(value, Mapping) else None
    if not isinstance(encoded, Tensor) or encoded.ndim != 3 or encoded.shape[0] == 0:
        raise AudioError(
            "The audio encoder's output is not made as ComfyUI's Audio Encoder Encode makes it; connect that"
            " node, or nothing."
        )
    return encoded[0].detach()


def frame_rate(fps: float | Fraction) -> Fraction:
    """A frame rate as videos store it, exact to a thousandth."""
    return Fraction(fps).limit_denominator(1001)


def check_image(image: Tensor) -> None:
    """Raises ImageError unless the value is an IMAGE with at least one picture."""
    if not isinstance(image, Tensor):
        raise ImageError(f"An image is needed, not {_kind(image)}; check the node that made it.")
    if image.ndim != 4 or 0 in image.shape or image.shape[-1] not in (1, 3, 4):
        raise ImageError(
            f"An image has the shape {list(image.shape)} where [batch, height, width, 1, 3 or 4 channels] is"
            " needed; check the node that made it."
        )


def side_of(size: str) -> int:
    """Pixels a side, as a menu writes them. Raises RenderError for another text."""
    if str(size) not in {str(one) for one in SIZES}:
        raise RenderError(f"A size of {str(size)[:20]!r} was asked for; choose 512, 768 or 1024.")
    return int(size)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a value of the type {type(value).__name__}"


def pictures(image: Tensor) -> Tensor:
    """[B, H, W, 3] float 0..1 on the CPU of an IMAGE; transparency is dropped, grey becomes RGB."""
    check_image(image)
    image = image.detach().float().cpu()
    return image.expand(-1, -1, -1, 3) if image.shape[-1] == 1 else image[..., :3]


def masks(mask: Tensor) -> Tensor:
    """[B, H, W] float 0..1 on the CPU of a MASK. Raises ImageError if it is none."""
    if not isinstance(mask, Tensor) or mask.ndim not in (2, 3) or 0 in mask.shape:
        shape = list(mask.shape) if isinstance(mask, Tensor) else _kind(mask)
        raise ImageError(f"A mask is {shape} where [batch, height, width] is needed; check what made it.")
    return mask.reshape(-1, *mask.shape[-2:]).detach().float().cpu()


def person_mask(mask: Tensor | None, index: int) -> np.ndarray | None:
    """[h, w] float32 of picture `index` of a MASK, in the mask's own size; a single mask serves all pictures.

    Raises ImageError if it is no MASK.

    An empty mask is none: Load Image gives one for every picture without transparency.
    """
    if mask is None:
        return None
    if not isinstance(mask, Tensor) or mask.ndim < 2:
        shape = list(mask.shape) if isinstance(mask, Tensor) else _kind(mask)
        raise ImageError(f"A mask is {shape} where [batch, height, width] is needed; check what made it.")
    if 0 in mask.shape:
        return None
    masks = mask.reshape(-1, *mask.shape[-2:])
    one = masks[min(index, len(masks) - 1)].detach().float().cpu()
    return one.clamp(0, 1).numpy() if bool((one > 0).any()) else None


def face_points(
    value: Mapping[str, Any] | None, index: int, face: int, height: int, width: int
) -> np.ndarray | None:
    """[478, 3] float64 landmarks of one face of picture `index`, in pixels of a picture of this size.

    Faces are counted from the largest; z is on the scale of x. Raises FaceNotFoundError if there are fewer,
    ImageError if it is no FACE_LANDMARKS.
    """
    if value is None:
        return None
    try:
        return _face_points(value, index, face, height, width)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ImageError(
            "face_landmarks is not made as ComfyUI's Detect Face Landmarks makes it; connect that node, or"
            " nothing."
        ) from error


def _face_points(value: Mapping[str, Any], index: int, face: int, height: int, width: int) -> np.ndarray:
    frames = value["frames"]
    faces = sorted(frames[min(index, len(frames) - 1)], key=_height_of, reverse=True) if frames else []
    if not 0 <= face < len(faces):
        raise FaceNotFoundError(
            f"Face {face} was asked for, but face_landmarks holds {len(faces)} for this picture; choose a"
            " lower face index, or let the landmark node return more faces."
        )
    flat = np.asarray(faces[face]["landmarks_xy"], np.float64)
    crop = np.asarray(faces[face]["landmarks_3d"], np.float64)
    if flat.shape != (478, 2) or crop.shape != (478, 3):
        raise FaceNotFoundError(
            f"face_landmarks holds {len(flat)} points where 478 are needed; use Detect Face Landmarks."
        )
    if not (np.isfinite(flat).all() and np.isfinite(crop).all()):
        raise ValueError("points that are nowhere")
    rows = np.concatenate([crop[:, :2], np.ones((478, 1))], axis=1)
    scale = float(np.linalg.norm(np.linalg.lstsq(rows, flat, rcond=None)[0][0]))
    points = np.concatenate([flat, crop[:, 2:] * scale], axis=1)
    stored_height, stored_width = value["image_size"]
    return points * np.array([width / stored_width, height / stored_height, width / stored_width])


def face_weights(value: Mapping[str, Any], index: int, face: int) -> np.ndarray | None:
    """[52] ARKit weights of a face that `face_points` finds; None if its maker did not judge them.

    Raises ImageError if they are no weights by name.
    """
    from ..real3d_core.video_to_motion.judged import by_name

    frames = value["frames"]
    faces = sorted(frames[min(index, len(frames) - 1)], key=_height_of, reverse=True)
    given = faces[face].get("blendshapes")
    if not given:
        return None
    try:
        return by_name({str(name): float(weight) for name, weight in given.items()})
    except (TypeError, ValueError, AttributeError) as error:
        raise ImageError(
            "The blendshapes of face_landmarks are not weights by name; connect Detect Face Landmarks, or"
            " nothing."
        ) from error


def _height_of(face: Mapping[str, Any]) -> float:
    box = face["bbox_xyxy"]
    return float(box[3] - box[1])


def mask_value(mask: Tensor) -> Tensor:
    """A MASK [1, H, W] of one mask [H, W]."""
    return mask.detach().float().cpu()[None]


def image_value(image: Tensor) -> Tensor:
    """An IMAGE [1, H, W, 3] of one picture [H, W, 3]."""
    return torch.as_tensor(image).detach().float().cpu()[None]
