"""The face nets, run by OpenCV's dnn module: no other runtime is needed (docs/model.md, "Face nets").

Convention
    A net's input is a square RGB picture float32 [n, n, 3]; the ranges differ per net (see FaceNets).
    A net's outputs are float32 arrays without the batch axis.
"""

from __future__ import annotations

import os
import tempfile
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import DependencyError, FaceNetsError
from .net_files import (
    DETECTOR,
    FACE_LANDMARKER,
    FACE_LANDMARKER_URL,
    FETCH_COMMAND,
    IRIS,
    MESH,
    SELFIE,
    NetFile,
    find_net,
    is_intact,
)

TASK_DETECTOR, TASK_MESH = "face_detector.tflite", "face_landmarks_detector.tflite"
TASK_MESH_OUTPUTS = ("Identity", "Identity_1", "Identity_2")  # points, presence, (unused)


def opencv() -> ModuleType:
    """The cv2 module, whichever flavour is installed. Raises DependencyError if it is missing or broken."""
    repair = (
        "repair it with `python -m pip uninstall -y opencv-python opencv-python-headless"
        " opencv-contrib-python opencv-contrib-python-headless` and then `python -m pip install"
        " opencv-python-headless`."
    )
    try:
        import cv2
    except Exception as error:  # a broken wheel raises almost anything
        raise DependencyError(
            f"OpenCV (cv2) is missing or does not load ({' '.join(str(error).split())}); {repair}"
        ) from error
    needed = ("grabCut", "inpaint", "warpAffine", "setRNGSeed")
    lacking = [name for name in needed if not hasattr(cv2, name)]
    if not hasattr(getattr(cv2, "dnn", None), "readNetFromTFLite"):
        lacking.append("dnn.readNetFromTFLite")
    if lacking:
        version = getattr(cv2, "__version__", "without a version")
        raise DependencyError(
            f"OpenCV (cv2 {version}) is damaged or older than 4.9, it lacks {', '.join(lacking)}; {repair}"
        )
    return cv2


class Net:
    """One TFLite net. Calls from several threads wait for one another: an OpenCV net holds its
    activations.
    """

    def __init__(self, data: bytes, side: int, outputs: int, names: tuple[str, ...] = ()) -> None:
        """`side` is that of the input picture, `outputs` the number of outputs, `names` their order, if
        known.
        """
        self.side = side
        self._net = read_net(data, outputs)
        self._names = names or tuple(self._net.getUnconnectedOutLayersNames())
        self._lock = threading.Lock()

    def __call__(self, picture: np.ndarray) -> list[np.ndarray]:
        """The outputs for a picture float32 [side, side, 3], batch axis removed."""
        blob = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], dtype=np.float32)
        with self._lock:
            self._net.setInput(blob)
            return [np.array(out[0]) for out in self._net.forward(list(self._names))]


def read_net(data: bytes, outputs: int) -> Any:
    """A cv2.dnn.Net of a TFLite file's bytes with all of its outputs.

    OpenCV 5's default engine gives only one output of a net, and reading from memory ignores the request for
    the classic engine there; hence the file, under a name that every file system can say.
    """
    cv2 = opencv()
    classic = getattr(cv2.dnn, "ENGINE_CLASSIC", None)
    if classic is None:
        net = cv2.dnn.readNetFromTFLite(np.frombuffer(data, np.uint8))
    else:
        with tempfile.TemporaryDirectory(prefix="r3dp", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "net.tflite"
            path.write_bytes(data)
            net = cv2.dnn.readNetFromTFLite(_plain_path(path), classic)
    found = len(net.getUnconnectedOutLayersNames())
    if net.empty() or found < outputs:
        raise ValueError(f"OpenCV {cv2.__version__} reads {found} of its {outputs} outputs")
    return net


def _plain_path(path: Path) -> str:
    """The path in a form that OpenCV opens: on Windows it cannot open one with letters beyond the code
    page.
    """
    if os.name != "nt" or str(path).isascii():
        return str(path)
    import ctypes

    buffer = ctypes.create_unicode_buffer(512)
    ctypes.windll.kernel32.GetShortPathNameW(str(path), buffer, len(buffer))
    return buffer.value or str(path)


@dataclass(frozen=True)
class FaceNets:
    """What finds a face and its parts.

    detector    input 128, -1..1: outputs [896, 16] boxes and key points, [896] scores (logits)
    mesh        input 192 or 256, 0..1: outputs 468 or 478 points x, y, z in input pixels, presence (logit)
    iris        input 64, 0..1: outputs 71 eye-contour points and 5 iris points in input pixels; None:
    estimated selfie      input 256, 0..1: output [256, 256] 0..1 how much it is a person; None: done without
    """

    detector: Net
    mesh: Net
    iris: Net | None = None
    selfie: Net | None = None


def load_face_nets(folders: Sequence[Path | str]) -> FaceNets:
    """Loads the nets from the first of `folders` that has each: face_landmarker.task, else the wheel's files.

    Raises FaceNetsError if no set is complete or a file is damaged, DependencyError if OpenCV is unusable.
    """
    opencv()
    folders = tuple(Path(folder) for folder in folders)
    task = find_net(folders, FACE_LANDMARKER.name)
    iris, selfie = _wheel_net(folders, IRIS, 64, 2), _wheel_net(folders, SELFIE, 256, 1)
    if task is not None:
        detector, mesh = _task_nets(task)
        return FaceNets(detector, mesh, None, selfie)
    detector, mesh = _wheel_net(folders, DETECTOR, 128, 2), _wheel_net(folders, MESH, 192, 2)
    if detector is None or mesh is None:
        where = " or ".join(str(folder) for folder in folders) or "any models folder"
        command = FETCH_COMMAND.format(folder=folders[-1] if folders else "DIR")
        raise FaceNetsError(
            f"{FACE_LANDMARKER.name} (or {DETECTOR.name} and {MESH.name}) is not in {where}; run `{command}`"
            f" or put {FACE_LANDMARKER_URL} there."
        )
    return FaceNets(detector, mesh, iris, selfie)


def _wheel_net(folders: tuple[Path, ...], net: NetFile, side: int, outputs: int) -> Net | None:
    path = find_net(folders, net.name)
    if path is None:
        return None
    if not is_intact(path, net):  # a truncated file can crash the reader, so it never sees one
        raise FaceNetsError(_damaged(path, "its size or sha256 is wrong"))
    try:
        return Net(path.read_bytes(), side, outputs)
    except Exception as error:  # cv2.error, OSError, ValueError
        raise FaceNetsError(_damaged(path, str(error))) from error


def _task_nets(path: Path) -> tuple[Net, Net]:
    try:
        with zipfile.ZipFile(path) as archive:  # read() checks each member's CRC
            detector, mesh = archive.read(TASK_DETECTOR), archive.read(TASK_MESH)
        return Net(detector, 128, 2), Net(mesh, 256, 3, TASK_MESH_OUTPUTS)
    except Exception as error:  # BadZipFile, KeyError, OSError, cv2.error, ValueError
        raise FaceNetsError(_damaged(path, str(error))) from error


def _damaged(path: Path, reason: str) -> str:
    command = FETCH_COMMAND.format(folder=path.parent)
    return f"{path} cannot be used ({' '.join(reason.split())}); delete it and run `{command}`."
