"""What Load Portrait and Portrait from Image share: options, outputs, preview, and the call into the core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..real3d_core.wires import Portrait
from . import host, wire_types
from .face_nets import face_nets
from .host import io
from .values import face_points, image_value, mask_value, person_mask

if TYPE_CHECKING:
    from ..real3d_core.portrait.read_photo import PhotoFile

MOST_FACES = 64


@dataclass(frozen=True)
class PortraitOptions:
    """The options of both nodes, as their inputs give them."""

    face_index: int = 0
    fetch_nets: bool = True
    mask: Tensor | None = None
    face_landmarks: Mapping[str, Any] | None = None


def option_inputs() -> list[Any]:
    """The inputs after the picture, in their order for ever."""
    return [
        io.Int.Input(
            "face_index",
            default=0,
            min=0,
            max=MOST_FACES - 1,
            tooltip="Which face to take where there are several: 0 is the largest, 1 the next.",
        ),
        io.Boolean.Input(
            "fetch_nets",
            default=True,
            extra_dict=wire_types.ADVANCED,
            tooltip="Where no face nets are found in models/real3d_portrait or models/detection, fetch"
            " face_landmarker.task (3.8 MB) once from Google's official address. Off: nothing is downloaded,"
            " and missing nets are an error that says what to put where.",
        ),
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="Where the person is (1) and is not (0), in the picture's own frame; takes the place of"
            " the built-in matte. An empty mask counts as none. Take one from a background removal node.",
        ),
        wire_types.FaceLandmarks.Input(
            "face_landmarks",
            optional=True,
            tooltip="Landmarks of Detect Face Landmarks for the same picture; take the place of the built-in"
            " face finder.",
        ),
    ]


def portrait_outputs(as_list: bool = False) -> list[Any]:
    """The outputs of both nodes; as lists, one entry for each picture."""
    each = " One for each picture." if as_list else ""
    return [
        wire_types.Portrait.Output(
            "portrait",
            is_output_list=as_list,
            tooltip="The prepared portrait: crop, landmarks, mattes and the filled layers behind the head."
            + each,
        ),
        io.Image.Output(
            "crop",
            is_output_list=as_list,
            tooltip="The square crop that all stages work on, 512 x 512 pixels." + each,
        ),
        io.Mask.Output(
            "head",
            is_output_list=as_list,
            tooltip="The head with hair (1) against all else (0), in the frame of the crop." + each,
        ),
    ]


def prepare(photo: PhotoFile, options: PortraitOptions, index: int = 0) -> Portrait:
    """The portrait of a photo; `index` is its place in a batch, where masks and landmarks are batches too."""
    from ..real3d_core.portrait.prepare import prepare_portrait

    height, width = photo.pixels.shape[:2]
    mask = person_mask(options.mask, index)
    mask = photo.alpha if mask is None else mask
    landmarks = face_points(options.face_landmarks, index, options.face_index, height, width)
    needs_nets = landmarks is None or mask is None
    return prepare_portrait(
        photo.pixels,
        face_nets(options.fetch_nets) if needs_nets else None,
        face_index=options.face_index,
        mask=mask,
        landmarks=landmarks,
        check=host.check,
    )


def values_of(portrait: Portrait) -> tuple[Portrait, Tensor, Tensor]:
    """The three outputs for one portrait."""
    return portrait, image_value(portrait.image), mask_value(portrait.head)


def shown(portraits: list[Portrait], node: type[io.ComfyNode]) -> dict[str, Any]:
    """What the node shows: what was found in each picture, drawn and in words."""
    import torch

    from ..real3d_core.portrait.overlay import draw_overlay

    pictures = torch.stack([draw_overlay(portrait) for portrait in portraits])
    findings = tuple(line for portrait in portraits for line in portrait.findings)
    return host.ui.PreviewImage(pictures, cls=node).as_dict() | {"text": findings}
