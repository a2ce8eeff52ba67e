"""3D Preview: a head as one file for the viewer in the browser (web/js/preview_3d).

See docs/model.md, "3D Preview".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BackendError
from ..image_to_plane.avatar import AnalyticAvatar, portrait_key
from ..part_files import whole_file
from ..streaming import no_check, one_torch_thread
from ..timing import stage
from ..wires import Portrait, TriPlane
from .file import VERSION, Preview

ENDING = ".r3dv"


def preview_file(
    triplane: TriPlane, portrait: Portrait | None, folder: Path, check: Callable[[], None] = no_check
) -> Path:
    """The viewer's file of a head at rest in `folder`, named by what it shows; written if it is not there.

    check   called now and then; whatever it raises ends the work.

    Raises BackendError if the portrait is not the head's own, OutputError if the folder cannot be written.
    """
    check_portrait(triplane, portrait)
    path = folder / (key_of(triplane, portrait) + ENDING)
    if not path.is_file():
        content = preview_of(triplane, portrait, check).encoded()
        check()
        with suppress(OSError):  # what is wrong with it, writing tells
            folder.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(content)
    return path


def check_portrait(triplane: TriPlane, portrait: Portrait | None) -> None:
    """Raises BackendError if the head was made from another portrait."""
    avatar = triplane.avatar
    if portrait is None or not isinstance(avatar, AnalyticAvatar):
        return
    if avatar.photo_key != portrait_key(portrait.to("cpu")):
        raise BackendError(
            "3D Preview got a TRIPLANE made from another PORTRAIT; connect the same Load Portrait to"
            " Image-to-Plane and 3D Preview."
        )


def preview_of(
    triplane: TriPlane, portrait: Portrait | None, check: Callable[[], None] = no_check
) -> Preview:
    """What the file holds (see `preview_file`)."""
    from .compact import compacted
    from .expressions import deltas_of, expression_planes
    from .looks import at_rest, turntable
    from .occupancy import occupancy
    from .pictures import look_ups

    triplane = at_rest(triplane)
    avatar = triplane.avatar
    with stage("preview_3d"), torch.no_grad(), one_torch_thread():
        if not isinstance(avatar, AnalyticAvatar):
            field = compacted(triplane.planes[0], triplane.decoder, 3)
            return Preview(triplane, field, occupancy(triplane, None), turntable(triplane, None, check))
        changes = expression_planes(triplane)
        check()
        changing = frozenset((plane, one) for plane in changes.planes for one in changes.channels)
        field = compacted(triplane.planes[0], triplane.decoder, PHOTO_FEATURES, changing)
        deltas = deltas_of(changes, field)
        check()
        seen = occupancy(triplane, changes)
        check()
        table = turntable(triplane, portrait, check)
        return Preview(triplane, field, seen, table, look_ups(avatar, portrait), deltas)


PHOTO_FEATURES = 11
"""Colour features of the analytic backend: colours, addresses, distances (image_to_plane/layout.py)."""


def key_of(triplane: TriPlane, portrait: Portrait | None) -> str:
    """16 hexadecimal digits that tell heads apart: of all that the file is made from."""
    digest = hashlib.sha256(f"{VERSION} {triplane.model.kind}".encode())

    def add(*values: Tensor) -> None:
        for value in values:
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())

    decoder, avatar = triplane.decoder, triplane.avatar
    add(triplane.planes, decoder.w1, decoder.b1, decoder.w2, decoder.b2, triplane.camera, triplane.pivot)
    if isinstance(avatar, AnalyticAvatar):
        add(avatar.colours, avatar.inner, avatar.fields.upper, avatar.fields.lower)
        if portrait is not None:
            add(portrait.foreground, portrait.head_weight, portrait.torso, portrait.background)
    return digest.hexdigest()[:16]
