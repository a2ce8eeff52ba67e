"""A picture of a motion's curves, one strip for each group."""

from __future__ import annotations

import numpy as np

from ..wires import ARKIT_NAMES, Motion
from .groups import GROUP_COLUMNS, GROUPS
from .strips import Curve, Strip, strips_picture

SHOWN = 6  # curves in a strip: those that move most
TITLES = {"mouth": "mouth", "brows": "brows", "eyes": "eyes", "head": "head, degrees"}


def curves_picture(motion: Motion) -> np.ndarray:
    """[h, w, 3] uint8: the curves of a motion over time, one strip for each group.

    A strip shows the channels that move most, and those that are set but still; left and right that are alike
    share a line. Weights are drawn over 0..1 or more, angles in degrees. With a 3DMM expression, the mouth's
    strip shows its first coefficients too.
    """
    strips = [_strip(motion, group) for group in GROUPS]
    return strips_picture(strips, len(motion), len(motion) / motion.fps)


def _strip(motion: Motion, group: str) -> Strip:
    curves = _curves(motion, group)
    if group == "head":
        return Strip(TITLES[group], curves, -2.0, 2.0, symmetric=True)
    return Strip(TITLES[group], curves)


def summary(motion: Motion) -> str:
    """A line of text: length, frames, rate, and what the motion holds."""
    parts = [f"{len(motion) / motion.fps:.2f} s, {len(motion)} frames at {motion.fps:.6g} frames/s"]
    if motion.expression is not None:
        parts.append("with a 3DMM expression")
    return ", ".join(parts)


def _curves(motion: Motion, group: str) -> list[Curve]:
    """The curves to draw, the liveliest first."""
    if group == "head":
        degrees = np.degrees(motion.euler.cpu().numpy())
        return [Curve(name, degrees[:, i]) for i, name in enumerate(("pitch", "yaw", "roll"))]
    weights = motion.blendshapes.cpu().numpy()
    curves = _merged([Curve(ARKIT_NAMES[i], weights[:, i]) for i in GROUP_COLUMNS[group]])
    if group == "mouth" and motion.expression is not None:
        values = motion.expression.cpu().numpy()
        curves += [Curve(f"3DMM {i + 1}", values[:, i]) for i in range(3)]
    curves = [curve for curve in curves if np.abs(curve.values).max() > 1e-4]
    return sorted(curves, key=lambda curve: -max(curve.range, 0.02 * np.abs(curve.values).max()))[:SHOWN]


def _merged(curves: list[Curve]) -> list[Curve]:
    """Left and right in one where they are alike."""
    known = {curve.name: curve for curve in curves}
    for name in list(known):
        stem = name.removesuffix("Left")
        left, right = known.get(f"{stem}Left"), known.get(f"{stem}Right")
        if left and right and np.abs(left.values - right.values).max() < 0.02:
            known[stem] = Curve(stem, left.values)
            del known[left.name], known[right.name]
    return list(known.values())
