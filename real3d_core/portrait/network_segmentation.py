"""Six classes for the networks: by the net they were trained with, or the built-in ones seen through another
crop (docs/model.md, "Portrait preparation for the networks").
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import FaceNetsError
from ..wires import PORTRAIT_SIZE
from .geometry import apply
from .net_files import SELFIE_MULTICLASS, find_net
from .nets import Net, opencv
from .segmentation import CLASSES

LEAST_ISLAND = 400  # pixels: smaller pieces of a class are mistakes of the colour models
SIDE = 256  # pixels of the net's input and output
TFLITE_MARK = b"TFL3"  # bytes 4..8 of every such file


def load_multiclass(folders: Sequence[Path | str]) -> Net | None:
    """The six-class net from the first of `folders` that has it; None if none has.

    Raises FaceNetsError for a file that is none or is cut short, DependencyError if OpenCV is unusable.
    """
    path = find_net(folders, SELFIE_MULTICLASS)
    if path is None:
        return None
    try:
        data = path.read_bytes()
        if data[4:8] != TFLITE_MARK:
            raise ValueError("it is not a TFLite file")
        net = Net(data, SIDE, 1)
        scores_of(net, np.zeros((SIDE, SIDE, 3), np.uint8))  # a net of another shape shows itself now
    except Exception as error:  # cv2.error, OSError, ValueError
        reason = " ".join(str(error).split())
        raise FaceNetsError(
            f"{path} cannot be used ({reason}); download it again, or delete it to go on with the built-in"
            " masks."
        ) from error
    return net


def scores_of(net: Net, image: np.ndarray) -> np.ndarray:
    """float32 [6, 256, 256]: the net's score of each class in a picture uint8 [H, W, 3].

    The scores may be logits or probabilities. Raises ValueError for a net that does not give six of them.
    """
    small = image if image.shape[:2] == (SIDE, SIDE) else _resized(image, SIDE)
    scores = np.squeeze(net(small.astype(np.float32) / 255)[0])
    if scores.shape == (SIDE, SIDE, len(CLASSES)):
        scores = scores.transpose(2, 0, 1)
    if scores.shape != (len(CLASSES), SIDE, SIDE):
        wanted = [SIDE, SIDE, len(CLASSES)]
        raise ValueError(f"it gives {list(scores.shape)} numbers where {wanted} are needed")
    return np.ascontiguousarray(scores, np.float32)


def segment(image: np.ndarray, net: Net) -> np.ndarray:
    """float32 one-hot [6, 512, 512] of a crop uint8 [512, 512, 3] by the six-class net."""
    scores = _resized(scores_of(net, image).transpose(1, 2, 0), PORTRAIT_SIZE)
    return _one_hot(scores.argmax(-1))


def seen_through(segmentation: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """float32 one-hot [6, 512, 512] of another crop, continued from the edge where it reaches farther.

    segmentation one-hot [6, 512, 512]; crop [2, 3] maps pixels of the other crop to pixels of this one.
    Small islands of a class go to what surrounds them.
    """
    cv2 = opencv()
    centres = np.stack(np.meshgrid(*[np.arange(PORTRAIT_SIZE) + 0.5] * 2), -1)
    x, y = np.moveaxis(apply(crop, centres) - 0.5, -1, 0).astype(np.float32)
    shares = np.stack(
        [cv2.remap(one, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for one in segmentation]
    )
    return _one_hot(_without_islands(shares.argmax(0)))


def _without_islands(labels: np.ndarray) -> np.ndarray:
    """Labels [512, 512] in which connected pieces below LEAST_ISLAND pixels have the nearest other label."""
    cv2 = opencv()
    small = np.zeros(labels.shape, bool)
    for number in np.unique(labels):
        _, pieces, stats, _ = cv2.connectedComponentsWithStats((labels == number).astype(np.uint8))
        small |= (stats[:, 4] < LEAST_ISLAND)[pieces] & (labels == number)
    if not small.any() or small.all():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(
        small.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(nearest.max() + 1, labels.dtype)
    label_of[nearest[~small]] = labels[~small]
    return label_of[nearest]


def _resized(picture: np.ndarray, side: int) -> np.ndarray:
    cv2 = opencv()
    how = cv2.INTER_AREA if side < picture.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(picture, (side, side), interpolation=how)


def _one_hot(labels: np.ndarray) -> np.ndarray:
    return (np.arange(len(CLASSES))[:, None, None] == labels).astype(np.float32)
