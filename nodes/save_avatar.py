"""Save Avatar: TRIPLANE and PORTRAIT -> a file."""

from __future__ import annotations

from typing import Any

from ..real3d_core.wires import Portrait, TriPlane
from . import host, wire_types
from .host import io, schema
from .paths import numbered_output
from .values import image_value


class SaveAvatar(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_SaveAvatar",
            display_name="Save Avatar",
            category=wire_types.CATEGORY,
            description="Writes a head with its portrait into one .safetensors file in the output folder;"
            " Load Avatar reads it without Load Portrait and Image-to-Plane. The node tells the file's size.",
            search_aliases=["export", "character", "safetensors", "head", "store"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],  # as servers add to every output node
            inputs=[
                wire_types.TriPlane.Input(
                    "triplane", tooltip="The head to save; saved at rest, a motion is not part of an avatar."
                ),
                wire_types.Portrait.Input("portrait", tooltip="The portrait that the head was made from."),
                io.String.Input(
                    "filename_prefix",
                    default="Real3D/avatar",
                    tooltip="Start of the file's name in the output folder, a number follows; may hold"
                    " subfolders and %year%, %month%, %day%, %hour%, %minute%, %second%.",
                ),
                io.Combo.Input(
                    "precision",
                    options=["fp32", "fp16"],
                    default="fp16",
                    tooltip="fp16 stores pictures and fields in half precision, 24 MB and the whole photo"
                    " besides, and nobody sees the difference; fp32 keeps every bit, 41 MB and the photo.",
                ),
                io.Boolean.Input(
                    "include_photo",
                    default=True,
                    tooltip="On: the file holds the photo and its crop, which a built-in avatar takes its"
                    " sharpness from, so share it as you would share the photo. Off: it holds rendered"
                    " colours alone, half as sharp, before a plain background; the face is still known.",
                ),
            ],
            outputs=[
                wire_types.TriPlane.Output(
                    "triplane", tooltip="The same head, for nodes that go on with it."
                ),
                wire_types.Portrait.Output("portrait", tooltip="The same portrait."),
            ],
        )

    @classmethod
    def execute(
        cls,
        triplane: TriPlane,
        portrait: Portrait,
        filename_prefix: str,
        precision: str,
        include_photo: bool,
    ) -> Any:
        from ..real3d_core.avatar_file import AvatarSettings, save_avatar

        file = numbered_output(filename_prefix.strip() or "avatar", ".safetensors", 0, 0, is_result=False)
        size = save_avatar(
            triplane, portrait, file.path, AvatarSettings(precision, include_photo), host.check
        )
        name = f"{file.subfolder}/{file.name}" if file.subfolder else file.name
        holds = "with the photo" if include_photo else "without the photo, in rendered colours"
        text = (f"{name}: {size / 1e6:.1f} MB, {precision}, {holds}.",)
        shown = host.ui.PreviewImage(image_value(portrait.image), cls=cls).as_dict() | {"text": text}
        return io.NodeOutput(triplane, portrait, ui=shown)
