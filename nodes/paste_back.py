"""Paste Back: IMAGE or VIDEO of the crop, PORTRAIT -> the same in the original photo."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..real3d_core.streaming import check_fits, frames_to_tensor
from ..real3d_core.wires import Portrait
from . import host, wire_types
from .host import io, schema
from .lazy_video import LazyVideo
from .values import audio_from
from .video_frames import video_frames
from .watch import FrameListener

SHORTER = "connect HTB-SR's video (video on demand) instead of its images, or use a smaller photo"


class PasteBack(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_PasteBack",
            display_name="Paste Back",
            category=wire_types.CATEGORY,
            description="Puts the finished square frames back into the whole photo, in its own size and"
            " shape: a wide photo becomes a wide video. Beyond the square the photo stays as it is.",
            search_aliases=["uncrop", "full photo", "original size", "composite", "wide video", "stitch"],
            inputs=[
                io.MultiType.Input(
                    "images",
                    types=[io.Image, io.Video],
                    tooltip="Frames or the video of HTB-SR, upscaled or not. A video stays on demand: it is"
                    " rendered and pasted while it is saved.",
                ),
                wire_types.Portrait.Input(
                    "portrait", tooltip="The portrait that the frames were made from; it holds the photo."
                ),
                io.Float.Input(
                    "feather",
                    default=0.08,
                    min=0.0,
                    max=0.3,
                    step=0.01,
                    optional=True,
                    tooltip="Width of the band in which the frames fade into the photo, as a share of the"
                    " square's side. Shoulders that move at the edge want more.",
                ),
                io.Boolean.Input(
                    "keep_detail",
                    default=True,
                    optional=True,
                    tooltip="Gives what did not change the photo's own sharpness back, where the photo has"
                    " more pixels than the frames. Switch it off for frames that other nodes have sharpened.",
                ),
                io.Float.Input(
                    "fps",
                    default=25.0,
                    min=0.1,
                    max=240.0,
                    step=0.01,
                    optional=True,
                    tooltip="Frames per second of the output video if images are connected. A video keeps its"
                    " own rate.",
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="Sound of the output video. Unconnected, a video keeps its own.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "images",
                    tooltip="The frames in the size of the photo (a huge one was reduced by Load Portrait);"
                    " of a connected video the first one alone.",
                ),
                io.Video.Output("video", tooltip="The clip with its sound, for Video Combine or Save Video."),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        images: Any,
        portrait: Portrait,
        feather: float = 0.08,
        keep_detail: bool = True,
        fps: float = 25.0,
        audio: Any = None,
    ) -> Any:
        from ..real3d_core.paste_back import PasteBackSettings, paste_back
        from ..real3d_core.video.encoder import frame_rate

        clip = video_frames(images, fps)
        source = paste_back(clip, portrait, PasteBackSettings(feather, keep_detail))
        first = frames_to_tensor(source, 0, 1, check=host.check)
        preview = host.ui.PreviewImage(first, cls=cls)
        if not isinstance(images, Tensor):
            sound = clip.sound if audio is None else audio_from(audio)
            return io.NodeOutput(first, LazyVideo(source, sound, "Paste Back"), ui=preview)
        check_fits(len(source), source.width, source.height, SHORTER)
        pasted = frames_to_tensor(source, check=host.check, on_frame=FrameListener(len(source)))
        parts = host.Types.VideoComponents(images=pasted, audio=audio, frame_rate=frame_rate(fps))
        return io.NodeOutput(pasted, host.InputImpl.VideoFromComponents(parts), ui=preview)
