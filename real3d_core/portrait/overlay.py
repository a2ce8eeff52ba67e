"""Preview of a prepared portrait: what was found, drawn over the crop."""

from __future__ import annotations

import textwrap

import numpy as np
import torch
from torch import Tensor

from ..face_model.topology import FACE_OVAL
from ..wires import Portrait
from .filters import blur
from .nets import opencv
from .regions import EYES, INNER_MOUTH, LIPS

POINT, OVAL, MATTE, SPLIT = (90, 255, 140), (255, 255, 255), (60, 220, 255), (255, 120, 60)
TEXT_WIDTH = 68  # letters that fit across the picture


def draw_overlay(portrait: Portrait) -> Tensor:
    """float32 [512, 512, 3] 0..1 on the CPU: landmarks, the matte's edge (cyan), the line between head and
    torso (orange), the torso dimmed, and the findings as text."""
    cv2 = opencv()
    image = portrait.image.detach().cpu().float().numpy()
    person = portrait.person.detach().cpu().float().numpy()
    weight = portrait.head_weight.detach().cpu().float().numpy()
    light = 0.45 + 0.55 * (person * weight)[..., None] + 0.2 * (person * (1 - weight))[..., None]
    canvas = np.ascontiguousarray((image * light * 255).astype(np.uint8))
    _contours(canvas, person > 0.5, MATTE)
    _contours(canvas, blur(weight, 1.0) * (person > 0.5) > 0.5, SPLIT, within=person > 0.9)
    points = portrait.landmarks.detach().cpu().double().numpy()
    for x, y in points[:, :2]:
        cv2.circle(canvas, _sixteenths(x, y), 14, POINT, -1, cv2.LINE_AA, 4)
    for ring in (FACE_OVAL, LIPS, INNER_MOUTH, *EYES):
        line = np.array([_sixteenths(*points[index, :2]) for index in ring], np.int32)
        cv2.polylines(canvas, [line], True, OVAL, 1, cv2.LINE_AA, 4)
    _write(canvas, portrait.findings)
    return torch.from_numpy(canvas.astype(np.float32) / 255)


def _contours(
    canvas: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int], within: np.ndarray | None = None
) -> None:
    cv2 = opencv()
    edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    if within is not None:
        edge &= within
    canvas[edge] = colour


def _sixteenths(x: float, y: float) -> tuple[int, int]:
    """A point for OpenCV's drawing with shift=4, whose pixel centres are at whole numbers."""
    return round((x - 0.5) * 16), round((y - 0.5) * 16)


def _write(canvas: np.ndarray, findings: tuple[str, ...]) -> None:
    cv2 = opencv()
    lines = [line for text in findings for line in textwrap.wrap(text, TEXT_WIDTH, subsequent_indent="  ")]
    top = canvas.shape[0] - 6 - 15 * len(lines)
    if lines:
        canvas[max(top - 8, 0) :] = canvas[max(top - 8, 0) :] // 3
    for row, line in enumerate(lines):
        place = (8, top + 15 * row + 11)
        cv2.putText(canvas, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
