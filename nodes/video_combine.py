"""Video Combine: IMAGE or VIDEO, AUDIO -> a file in the output folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..real3d_core.wires import Audio
from . import host, wire_types
from .clip import clip_of
from .host import io, schema
from .lazy_video import MASTER_CRF, LazyVideo
from .paths import numbered_output
from .values import audio_from
from .watch import FrameListener

BEST_CRF, WORST_CRF = 13, 33  # of H.264 at quality 100 and 0: no visible loss, and clearly visible blocks


class VideoCombine(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_VideoCombine",
            display_name="Video Combine",
            category=wire_types.CATEGORY,
            description="Saves frames and sound as a video in the output folder and shows it.",
            search_aliases=["save video", "export", "mp4", "encode"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.MultiType.Input(
                    "images",
                    types=[io.Image, io.Video],
                    tooltip="Frames, or a video. A video on demand is rendered now, frame by frame, into the"
                    " file.",
                ),
                io.Float.Input(
                    "fps",
                    default=25.0,
                    min=0.1,
                    max=240.0,
                    step=0.01,
                    tooltip="Frames per second for images. A video keeps its own rate.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="Real3D/talking",
                    tooltip="Start of the file's name in the output folder, a number follows; may hold"
                    " subfolders and %year%, %month%, %day%, %hour%, %minute%, %second%, %width%, %height%.",
                ),
                io.Combo.Input(
                    "format",
                    options=["mp4"],
                    default="mp4",
                    tooltip="mp4: H.264 and AAC, plays everywhere.",
                ),
                io.Int.Input(
                    "quality",
                    default=80,
                    min=0,
                    max=100,
                    tooltip="100 is without visible loss and large, 50 is usual for the web, 0 is small with"
                    " visible blocks. At 80 a video on demand is stored as it was rendered, without encoding"
                    " it twice.",
                ),
                io.Boolean.Input(
                    "save_metadata",
                    default=True,
                    tooltip="Store the workflow in the file, so that dropping it on ComfyUI opens the graph."
                    " Turn it off before sharing what should stay private.",
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="Sound of the file; it ends with the pictures. Unconnected, a video keeps its"
                    " own.",
                ),
            ],
            outputs=[io.Video.Output("video", tooltip="The saved file, for nodes that go on with it.")],
        )

    @classmethod
    def execute(
        cls,
        images: Any,
        fps: float,
        filename_prefix: str,
        format: str,
        quality: int,
        save_metadata: bool,
        audio: Any = None,
    ) -> Any:
        metadata = host.workflow_metadata(cls) if save_metadata else {}
        width, height = _size(images)
        saved = numbered_output(filename_prefix, f".{format}", width, height)
        _save(saved.path, images, fps, crf_of(quality), audio_from(audio), metadata)
        result = host.ui.SavedResult(saved.path.name, saved.subfolder, io.FolderType.output)
        video = host.InputImpl.VideoFromFile(os.fspath(saved.path))
        return io.NodeOutput(video, ui=host.ui.PreviewVideo([result]))


def crf_of(quality: int) -> float:
    """x264's crf for a quality of 0 to 100; 80 is that of a master."""
    return WORST_CRF - (WORST_CRF - BEST_CRF) * quality / 100


def _size(images: Any) -> tuple[int, int]:
    """Width and height, asked without rendering anything."""
    if isinstance(images, host.Input.Video):
        return images.get_dimensions()
    return (images.shape[2], images.shape[1]) if getattr(images, "ndim", 0) == 4 else (0, 0)


def _save(
    path: Path, images: Any, fps: float, crf: float, audio: Audio | None, metadata: dict[str, Any]
) -> None:
    from ..real3d_core.video.encoder import encode_mp4

    if isinstance(images, LazyVideo) and audio is None and crf == MASTER_CRF:
        images.save_to(path, metadata=metadata or None)
        return
    clip = clip_of(images, fps, audio)
    encode_mp4(
        path,
        FrameListener(clip.count).passing(clip.frames),
        clip.fps,
        clip.audio,
        crf=crf,
        metadata=metadata,
        check=host.check,
    )
