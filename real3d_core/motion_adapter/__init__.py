"""Motion Adapter: the smallest change of a tri-plane that makes an expression."""

from __future__ import annotations

from ..errors import BackendError
from ..wires import Motion, Portrait, TriPlane


def motion_adapter(triplane: TriPlane, portrait: Portrait, motion: Motion) -> TriPlane:
    """A clip: the tri-plane with the expressions and head poses of a motion, made frame by frame on demand.

    A tri-plane that already moves keeps its motion and gets the new one on top (`combined`).
    Raises BackendError if the backend has no Motion Adapter or the portrait is not the tri-plane's own.
    """
    if triplane.model.kind == "analytic":
        from .analytic import motion_adapter as analytic

        return analytic(triplane, portrait, motion)
    if triplane.model.networks is not None:
        from .network import motion_adapter as network

        return network(triplane, portrait, motion, triplane.model.networks)
    raise BackendError(
        f'The model "{triplane.model.name}" cannot move a tri-plane; choose "built-in" in Load Real3D Model.'
    )
