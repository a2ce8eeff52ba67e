"""What nodes show, without a browser: pictures are written to the temp folder, the rest is only named."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ...real3d_core.part_files import whole_file
from .io import ComfyNode, FolderType
from .session import current


class SavedResult(dict):
    """A file in one of the folders, as the browser asks for it."""

    def __init__(self, filename: str, subfolder: str, type: FolderType) -> None:
        super().__init__(filename=filename, subfolder=subfolder, type=type.value)


class PreviewImage:
    """Pictures [B, H, W, C] 0..1 as PNG files in the temp folder, named by the node."""

    def __init__(self, image: Tensor, cls: type[ComfyNode] | None = None) -> None:
        from PIL import Image

        folder = current().temp
        folder.mkdir(parents=True, exist_ok=True)
        node = "node" if cls is None else f"{cls.__name__}_{cls.hidden.unique_id}"
        self.values = []
        for index, picture in enumerate(image):
            name = f"preview_{node}_{index + 1:05}.png"
            pixels = picture.detach().clamp(0, 1).mul(255).round().byte().cpu().numpy()
            with whole_file(folder / name) as part:
                Image.fromarray(pixels.squeeze()).save(part, compress_level=1)
            self.values.append(SavedResult(name, "", FolderType.temp))

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.values, "animated": (False,)}


class PreviewVideo:
    """Saved videos."""

    def __init__(self, values: list[SavedResult]) -> None:
        self.values = values

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.values, "animated": (True,)}


class PreviewText:
    """A text."""

    def __init__(self, value: str) -> None:
        self.value = value

    def as_dict(self) -> dict[str, Any]:
        return {"text": (self.value,)}
