"""Blendshapes judged by a net, of face_landmarker.task or behind ComfyUI's own landmark node.

The net's 52 numbers are "_neutral" and 51 of ARKit's 52 names in alphabetical order (tongueOut lacks).
See docs/model.md, "Video-to-Motion".
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..portrait.net_files import FACE_LANDMARKER, find_net
from ..wires import ARKIT_INDEX, ARKIT_NAMES

TASK_BLENDSHAPES = "face_blendshapes.tflite"
JUDGED_NAMES = ("_neutral", *sorted(name for name in ARKIT_NAMES if name != "tongueOut"))
NEUTRAL_PERCENTILE = 15.0  # of the clip: a channel at rest

JUDGED_POINTS = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52),
    *(53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91),
    *(93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153),
    *(154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195),
    *(197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295),
    *(296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356),
    *(361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389),
    *(390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475),
    *(476, 477),
)
"""The 146 landmarks that the net judges by."""

Judge = Callable[[np.ndarray], np.ndarray]
"""[146, 2] -> [52] in the order of JUDGED_NAMES, 0..1."""


def judge_of(folders: Sequence[Path | str]) -> Judge | None:
    """The net of face_landmarker.task in one of `folders`; None if the file is not there, holds no such
    net or this OpenCV cannot run it: the landmarks alone serve then.
    """
    path = find_net(tuple(Path(folder) for folder in folders), FACE_LANDMARKER.name)
    if path is None:
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            judge = _Net(archive.read(TASK_BLENDSHAPES))
        answer = judge(np.zeros((len(JUDGED_POINTS), 2), np.float32))
    except Exception:  # KeyError, BadZipFile, OSError, cv2.error: many ways to lack it, one way out
        return None
    return judge if answer.size == len(JUDGED_NAMES) else None


class _Net:
    def __init__(self, data: bytes) -> None:
        from ..portrait.nets import read_net

        self._net = read_net(data, 1)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        self._net.setInput(np.ascontiguousarray(points[None], np.float32))
        return np.array(self._net.forward()).reshape(-1)


def judged(landmarks: np.ndarray, judge: Judge) -> np.ndarray:
    """[52] ARKit weights, in the order of ARKIT_NAMES, of landmarks [478, 3] in pixels."""
    points = landmarks[list(JUDGED_POINTS), :2] - landmarks[list(JUDGED_POINTS), :2].mean(0)
    points = points / np.linalg.norm(points, axis=1).mean() / 2
    return by_name(dict(zip(JUDGED_NAMES, judge(points.astype(np.float32)).tolist(), strict=True)))


def by_name(weights: Mapping[str, float]) -> np.ndarray:
    """[52] in the order of ARKIT_NAMES; names that lack are 0, foreign ones are left out."""
    out = np.zeros(len(ARKIT_NAMES))
    for name, value in weights.items():
        if name in ARKIT_INDEX and np.isfinite(value):
            out[ARKIT_INDEX[name]] = min(max(float(value), 0.0), 1.0)
    return out


def above_neutral(judged: Sequence[np.ndarray | None], measured: np.ndarray) -> np.ndarray:
    """[T, 52] what a net has judged, above the clip's own rest and stretched so that 1 stays 1; `measured`
    [T, 52] where not a frame was judged. NaN where a frame has none.
    """
    if all(row is None for row in judged):
        return measured
    nothing = np.full(len(ARKIT_NAMES), np.nan)
    rows = np.stack([nothing if row is None else row for row in judged])
    rest = np.minimum(np.nanpercentile(rows, NEUTRAL_PERCENTILE, axis=0), 0.9)
    return ((rows - rest) / (1 - rest)).clip(min=0)
