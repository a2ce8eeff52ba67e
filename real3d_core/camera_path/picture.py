"""A picture of a camera track's curves."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..motion.strips import Curve, Strip, strips_picture
from ..render_triplane.cameras import checked_camera
from ..render_triplane.safe_range import SAFE, ViewAngles
from ..wires import Camera

BANDS = tuple(sign * math.degrees(angle) for angle in SAFE for sign in (-1, 1))


def camera_picture(camera: Camera, fps: float, notes: tuple[str, ...] = ()) -> np.ndarray:
    """[h, w, 3] uint8: angles with the safe range dashed, factors and shift over time, then the notes."""
    camera = checked_camera(camera).to("cpu")
    angles = [_curve(name, torch.rad2deg(getattr(camera, name))) for name in ("yaw", "pitch", "roll")]
    factors = [_curve("dolly", camera.dolly), _curve("field of view", camera.field_of_view)]
    places = [_curve("right", 100 * camera.shift[:, 0]), _curve("down", 100 * camera.shift[:, 1])]
    limits = tuple(limit for limit in BANDS if _reaches(angles[:2], limit))
    strips = [
        Strip("camera, degrees", angles, -5.0, 5.0, symmetric=True, limits=limits),
        Strip("factors", factors, 0.8, 1.25, rest=1.0),
        Strip("shift, per cent", places, -2.0, 2.0, symmetric=True),
    ]
    return strips_picture(strips, len(camera), len(camera) / fps, notes)


def angles_picture(asked: ViewAngles, given: ViewAngles, fps: float, notes: tuple[str, ...]) -> np.ndarray:
    """[h, w, 3] uint8: head and camera together, as asked for and as they are shown, then the notes."""
    strips = []
    for index, name in enumerate(("yaw", "pitch")):
        curves = [
            _curve(word, torch.rad2deg(getattr(one, name)))
            for word, one in (("shown", given), ("asked for", asked))
        ]
        band = math.degrees(SAFE[index])
        strips.append(
            Strip(f"{name} of the view, degrees", curves, -band, band, symmetric=True, limits=(-band, band))
        )
    return strips_picture(strips, len(asked.yaw), len(asked.yaw) / fps, notes)


def _curve(name: str, values: torch.Tensor) -> Curve:
    return Curve(name, values.numpy())


def _reaches(curves: list[Curve], limit: float) -> bool:
    """Whether a limit is near enough to what the curves do to be worth a line."""
    most = max(float(np.abs(curve.values).max()) for curve in curves)
    return most > 0.7 * abs(limit)
