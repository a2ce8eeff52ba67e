"""A picture of a camera track's curves."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..motion.strips import Curve, Strip, strips_picture
from ..render_triplane.cameras import checked_camera
from ..render_triplane.safe_range import SAFE, ViewAngles
from ..wires import Camera


def camera_picture(camera: Camera, fps: float, notes: tuple[str, ...] = ()) -> np.ndarray:
    """[h, w, 3] uint8: angles with the safe range dashed, factors and shift over time, then the notes."""
    camera = checked_camera(camera).to("cpu")
    angles = [_curve(name, torch.rad2deg(getattr(camera, name))) for name in ("yaw", "pitch", "roll")]
    factors = [_curve("dolly", camera.dolly), _curve("field of view", camera.field_of_view)]
    places = [_curve("right", 100 * camera.shift[:, 0]), _curve("down", 100 * camera.shift[:, 1])]
    pairs = zip(angles, SAFE, strict=False)  # of yaw and of pitch
    limits = tuple(edge for curve, safe in pairs if _nears(curve, safe) for edge in _edges(safe))
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


def _edges(safe: float) -> tuple[float, float]:
    """Both ends of a range of +-safe rad, in degrees."""
    return -math.degrees(safe), math.degrees(safe)


def _nears(curve: Curve, safe: float) -> bool:
    """Whether a curve of degrees comes near enough to the end of its range for that to be worth a line."""
    return float(np.abs(curve.values).max()) > 0.7 * math.degrees(safe)
