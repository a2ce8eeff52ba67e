"""Paste Back: finished frames of the crop, put into the original photo.

See docs/model.md, "Paste Back".
"""

from .frames import PasteBackSettings, PastedFrames, paste_back

__all__ = ["PasteBackSettings", "PastedFrames", "paste_back"]
