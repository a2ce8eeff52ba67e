"""Avatar files: a prepared head with its portrait in one file, so that loading skips both stages."""

from __future__ import annotations

from .load import LoadedAvatar, load_avatar
from .save import AvatarSettings, save_avatar

__all__ = ["AvatarSettings", "LoadedAvatar", "load_avatar", "save_avatar"]
