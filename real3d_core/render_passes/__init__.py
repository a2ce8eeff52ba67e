"""Render Passes: pictures of what the renderer saw, for compositing and for control networks.

See docs/model.md, "Render passes".
"""

from .source import CHANNELS, DEPTH_MODES, METRIC, NEAR_FAR, NORMALISED, PassSettings, PassSource, pass_source

__all__ = [
    "CHANNELS",
    "DEPTH_MODES",
    "METRIC",
    "NEAR_FAR",
    "NORMALISED",
    "PassSettings",
    "PassSource",
    "pass_source",
]
