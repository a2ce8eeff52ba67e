"""Portrait from Image: an IMAGE of the graph -> PORTRAIT, one for each picture of the batch."""

from __future__ import annotations

from typing import Any

from .host import check, io, schema
from .portrait_node import PortraitOptions, option_inputs, portrait_outputs, prepare, shown, values_of
from .values import check_image
from .wire_types import CATEGORY


class PortraitFromImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_PortraitFromImage",
            display_name="Portrait from Image",
            category=CATEGORY,
            description="Prepares pictures that the graph made. A batch of pictures becomes as many"
            " portraits, and the nodes after this one run once for each.",
            search_aliases=["face", "avatar", "image to portrait", "talking head"],
            inputs=[
                io.Image.Input(
                    "image",
                    tooltip="Pictures with at least one human face each, for example of VAE Decode or Load"
                    " Image.",
                ),
                *option_inputs(),
            ],
            outputs=portrait_outputs(as_list=True),
            has_intermediate_output=True,
        )

    @classmethod
    def execute(cls, image, face_index: int, fetch_nets: bool, mask=None, face_landmarks=None) -> Any:
        from ..real3d_core.portrait.read_photo import photo_from_tensor

        check_image(image)
        options = PortraitOptions(face_index, fetch_nets, mask, face_landmarks)
        portraits = []
        for index, picture in enumerate(image):
            check()
            portraits.append(prepare(photo_from_tensor(picture), options, index))
        values = zip(*(values_of(portrait) for portrait in portraits), strict=True)
        return io.NodeOutput(*map(list, values), ui=shown(portraits, cls))
