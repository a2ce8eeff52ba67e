"""The face nets that Load Portrait and Portrait from Image need, fetched once if the user lets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import host

if TYPE_CHECKING:
    from ..real3d_core.portrait.nets import FaceNets, Net


def face_nets(fetch: bool) -> FaceNets:
    """The nets from the model folders; where there are none and `fetch` is on, from Google's official URL.

    Raises FaceNetsError if they are missing, damaged or cannot be fetched.
    """
    from ..real3d_core.portrait.net_files import fetch_face_landmarker, have_landmark_nets
    from ..real3d_core.portrait.nets import load_face_nets

    folders = host.model_folders()
    if fetch and not have_landmark_nets(folders):
        fetch_face_landmarker(folders[0], _Download())
    return load_face_nets(folders)


def multiclass_net() -> Net | None:
    """The six-class segmentation net from the model folders; None if it is not there. It is never fetched.

    Raises FaceNetsError if the file cannot be used.
    """
    from ..real3d_core.portrait.network_segmentation import load_multiclass

    return load_multiclass(host.model_folders())


class _Download:
    """Shows a download in the progress bar and lets the user cancel it."""

    def __init__(self) -> None:
        self._bar: host.Progress | None = None

    def __call__(self, done: int, total: int) -> None:
        host.check()
        self._bar = self._bar or host.Progress(total)
        self._bar.update(done)
