"""The nodes of ComfyUI's core that a workflow of this pack needs, under the same ids, inputs and outputs."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch

from ...real3d_core.errors import Real3DError
from ...real3d_core.streaming import check_fits
from .. import host
from ..paths import input_file, input_names, numbered_output
from . import io, ui
from .core_filters import FILTER_NODES
from .core_meshes import MESH_NODES
from .core_node import CoreNode
from .core_pictures import PICTURE_NODES
from .core_sounds import SOUND_NODES
from .session import current
from .video import Video, VideoFromFile

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
SOUNDS = frozenset(
    {".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".mp4", ".mov", ".mkv", ".webm"}
)
FILMS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif"})
LONGEST_SIDE = 16_384


def _file_is_there(name: str) -> bool | str:
    try:
        input_file(name)
    except Real3DError as error:
        return str(error)
    return True


class LoadImage(CoreNode):
    """Transparent parts come over white, while core gives what is stored beneath them."""

    title = "Load Image"
    outputs = (io.Image.Output("IMAGE"), io.Mask.Output("MASK"))

    @classmethod
    def current_inputs(cls) -> Sequence[io.Input]:
        return (io.Combo.Input("image", options=input_names(PICTURES), upload=io.UploadType.image),)

    @classmethod
    def execute(cls, image: str) -> io.NodeOutput:
        from ...real3d_core.portrait.read_photo import read_photo

        photo = read_photo(input_file(image), longest=LONGEST_SIDE)
        height, width = photo.pixels.shape[:2]
        check_fits(1, width, height, "reduce the picture first")
        mask = torch.zeros(1, 64, 64) if photo.alpha is None else 1 - torch.from_numpy(photo.alpha)[None]
        return io.NodeOutput(torch.from_numpy(photo.pixels)[None].float().div_(255), mask)

    @classmethod
    def validate_inputs(cls, image: str = "") -> bool | str:
        return _file_is_there(image)


class LoadAudio(CoreNode):
    title = "Load Audio"
    outputs = (io.Audio.Output("AUDIO"),)

    @classmethod
    def current_inputs(cls) -> Sequence[io.Input]:
        return (io.Combo.Input("audio", options=input_names(SOUNDS), upload=io.UploadType.audio),)

    @classmethod
    def execute(cls, audio: str) -> io.NodeOutput:
        from ...real3d_core.video.decoder import read_audio

        sound = read_audio(input_file(audio))
        longest = current().longest_sound
        waveform = (
            sound.waveform if longest is None else sound.waveform[:, : round(longest * sound.sample_rate)]
        )
        return io.NodeOutput({"waveform": waveform[None], "sample_rate": sound.sample_rate})

    @classmethod
    def validate_inputs(cls, audio: str = "") -> bool | str:
        return _file_is_there(audio)


class LoadVideo(CoreNode):
    title = "Load Video"
    outputs = (io.Video.Output("VIDEO"),)

    @classmethod
    def current_inputs(cls) -> Sequence[io.Input]:
        return (io.Combo.Input("file", options=input_names(FILMS), upload=io.UploadType.video),)

    @classmethod
    def execute(cls, file: str) -> io.NodeOutput:
        video = VideoFromFile(input_file(file))
        longest = current().longest_sound  # both kinds of clips, so that a benchmark is as long as it says
        return io.NodeOutput(video if longest is None else video.as_trimmed(0.0, longest))

    @classmethod
    def validate_inputs(cls, file: str = "") -> bool | str:
        return _file_is_there(file)


class PreviewImage(CoreNode):
    title = "Preview Image"
    inputs = (io.Image.Input("images"),)
    saves = True

    @classmethod
    def execute(cls, images: torch.Tensor) -> io.NodeOutput:
        return io.NodeOutput(ui=ui.PreviewImage(images, cls=cls))


class GetVideoComponents(CoreNode):
    title = "Get Video Components"
    inputs = (io.Video.Input("video"),)
    outputs = (
        io.Image.Output("images"),
        io.Audio.Output("audio"),
        io.Float.Output("fps"),
        io.Int.Output("bit_depth"),
        io.Combo.Output("color_space"),
    )

    @classmethod
    def execute(cls, video: Video) -> io.NodeOutput:
        parts = video.get_components()
        depth, space = video.get_bit_depth(), video.get_color_space()
        return io.NodeOutput(parts.images, parts.audio, float(parts.frame_rate), depth, space)


class SaveVideo(CoreNode):
    title = "Save Video"
    inputs = (
        io.Video.Input("video"),
        io.String.Input("filename_prefix", default="video/ComfyUI"),
        io.Combo.Input("format", options=["auto", "mp4"], default="auto"),
        io.Combo.Input("codec", options=["auto", "h264"], default="auto", optional=True),
    )
    outputs = (io.Video.Output("video"),)
    saves = True

    @classmethod
    def execute(cls, video: Video, filename_prefix: str, format: str, codec: str = "auto") -> io.NodeOutput:
        saved = numbered_output(filename_prefix, ".mp4", *video.get_dimensions())
        video.save_to(
            os.fspath(saved.path), format=format, codec=codec, metadata=host.workflow_metadata(cls) or None
        )
        result = ui.SavedResult(saved.path.name, saved.subfolder, io.FolderType.output)
        return io.NodeOutput(video, ui=ui.PreviewVideo([result]))


CORE_NODES: tuple[type[CoreNode], ...] = (
    LoadImage,
    LoadAudio,
    LoadVideo,
    PreviewImage,
    GetVideoComponents,
    SaveVideo,
    *PICTURE_NODES,
    *FILTER_NODES,
    *SOUND_NODES,
    *MESH_NODES,
)
