"""Blend Avatars: two TRIPLANEs with their PORTRAITs -> one between them."""

from __future__ import annotations

from typing import Any

from ..real3d_core.wires import Portrait, TriPlane
from . import host, wire_types
from .host import io, schema
from .values import image_value


class BlendAvatars(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_BlendAvatars",
            display_name="Blend Avatars",
            category=wire_types.CATEGORY,
            description="Makes a head between two, in shape and in colour: eyes meet eyes, mouths meet"
            " mouths, hairlines meet hairlines. It stays on the first one's body, before its background, and"
            " moves and talks as any other head.",
            search_aliases=["morph", "mix", "face blend", "merge", "interpolate", "child", "average"],
            inputs=[
                wire_types.TriPlane.Input(
                    "triplane",
                    tooltip="The first head, of the built-in model; both amounts 0 give it as it is.",
                ),
                wire_types.Portrait.Input(
                    "portrait",
                    tooltip="The portrait that the first head was made from; it gives the body, the"
                    " background and the place of the head.",
                ),
                wire_types.TriPlane.Input(
                    "second_triplane", tooltip="The second head, of the built-in model."
                ),
                wire_types.Portrait.Input(
                    "second_portrait", tooltip="The portrait that the second head was made from."
                ),
                io.Float.Input(
                    "shape",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Features, outline, hairline and pose of the head: 0 those of the first, 1 those"
                    " of the second, in between a mix.",
                ),
                io.Float.Input(
                    "colour",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Skin, eyes, lips and hair: 0 those of the first, 1 those of the second. Bare"
                    " skin of the body takes on the tone of the face.",
                ),
            ],
            outputs=[
                wire_types.TriPlane.Output(
                    "triplane", tooltip="The mixed head, with the motion of the first if that one moves."
                ),
                wire_types.Portrait.Output(
                    "portrait",
                    tooltip="The portrait of the mixed head; HTB-SR and Motion Adapter need this one.",
                ),
                io.Image.Output("image", tooltip="A picture of the mixed portrait, 512 x 512 pixels."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        triplane: TriPlane,
        portrait: Portrait,
        second_triplane: TriPlane,
        second_portrait: Portrait,
        shape: float,
        colour: float,
    ) -> Any:
        from ..real3d_core.blend_avatars import Avatar, BlendSettings, blend_avatars

        first, second = Avatar(triplane, portrait), Avatar(second_triplane, second_portrait)
        mixed = blend_avatars(first, second, BlendSettings(shape, colour), host.check)
        image = image_value(mixed.portrait.image)
        shown = host.ui.PreviewImage(image, cls=cls).as_dict()
        return io.NodeOutput(mixed.triplane, mixed.portrait, image, ui=shown)
