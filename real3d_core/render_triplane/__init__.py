"""Render Triplane: a tri-plane seen by a camera -> features, alpha and depth. See docs/model.md, "Volume
renderer"."""

from .render import render_frames

__all__ = ["render_frames"]
