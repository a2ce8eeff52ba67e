"""Load Portrait: a picture file -> PORTRAIT."""

from __future__ import annotations

from typing import Any

from ..real3d_core.errors import Real3DError
from .host import io, schema
from .paths import input_file, input_names
from .portrait_node import PortraitOptions, option_inputs, portrait_outputs, prepare, shown, values_of
from .wire_types import CATEGORY

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"})


class LoadPortrait(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_LoadPortrait",
            display_name="Load Portrait",
            category=CATEGORY,
            description="Reads a picture, finds a face in it and prepares it for the 3D stages. The preview"
            " shows what was found and says what will hurt the result.",
            search_aliases=["face", "photo", "avatar", "talking head", "load image"],
            inputs=[
                io.Combo.Input(
                    "image",
                    options=input_names(PICTURES),
                    upload=io.UploadType.image,
                    image_folder=io.FolderType.input,
                    tooltip="A picture with at least one human face, up to 16,384 pixels a side; rotation,"
                    " grey, transparency and 16 bits are understood.",
                ),
                *option_inputs(),
            ],
            outputs=portrait_outputs(),
            has_intermediate_output=True,  # shown in a page that was not open when it ran, too
        )

    @classmethod
    def execute(cls, image: str, face_index: int, fetch_nets: bool, mask=None, face_landmarks=None) -> Any:
        from ..real3d_core.portrait.read_photo import read_photo

        options = PortraitOptions(face_index, fetch_nets, mask, face_landmarks)
        portrait = prepare(read_photo(input_file(image)), options)
        return io.NodeOutput(*values_of(portrait), ui=shown([portrait], cls))

    @classmethod
    def validate_inputs(cls, image: str | None = "") -> bool | str:
        if not image:  # a list without files gives None
            return "No picture is chosen; upload one, or put it into the input folder."
        try:
            input_file(image)
        except Real3DError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, image: str, **_: Any) -> tuple[int, int]:
        file = input_file(image).stat()
        return file.st_mtime_ns, file.st_size
