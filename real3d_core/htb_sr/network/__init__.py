"""The released HTB-SR network. See docs/model.md, "HTB-SR network"."""

from .folded import BackgroundFeatures, FoldedSuperResolution, PortraitFeatures
from .super_resolution import FUSE_MODE, THRESHOLD, HTBSRFrames, PortraitPictures, SuperResolution

__all__ = [
    "FUSE_MODE",
    "THRESHOLD",
    "BackgroundFeatures",
    "FoldedSuperResolution",
    "HTBSRFrames",
    "PortraitFeatures",
    "PortraitPictures",
    "SuperResolution",
]
