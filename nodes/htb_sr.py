"""HTB-SR: HEAD, PORTRAIT -> the final pictures: head, torso and background at 512 x 512 or more."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..real3d_core.streaming import check_fits, frames_to_tensor, iterate_frames
from ..real3d_core.wires import FrameSource, HeadRender, Portrait
from . import host, wire_types
from .host import io, schema
from .lazy_video import CutOut, LazyVideo
from .values import audio_from, masks, pictures, side_of
from .video_frames import VideoFrames, video_frames
from .watch import FrameListener

IMAGES, ON_DEMAND = "images", "video on demand"


class HTBSR(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_HTBSR",
            display_name="HTB-SR",
            category=wire_types.CATEGORY,
            description="Puts head, torso and background together and brings the head to full resolution."
            " The first frame is rendered at once and shown.",
            search_aliases=[
                "super resolution",
                "head torso background",
                "upscale",
                "composite",
                "final frames",
            ],
            inputs=[
                wire_types.Head.Input("head", tooltip="The head as the camera sees it."),
                wire_types.Portrait.Input("portrait", tooltip="The portrait that the head was made from."),
                io.Combo.Input(
                    "deliver",
                    options=[IMAGES, ON_DEMAND],
                    default=IMAGES,
                    tooltip="images: all frames at once, 4 MB of memory each, for nodes that change"
                    " pictures. video on demand: the video is rendered while it is saved, in little memory"
                    " however long it is; the outputs images and mask then hold the first frame alone.",
                ),
                io.Image.Input(
                    "background",
                    optional=True,
                    tooltip="A picture behind the person, or one for each frame; scaled to cover the square."
                    " Unconnected is the photo's own background, filled where the person was.",
                ),
                io.Image.Input(
                    "replacement_head",
                    optional=True,
                    tooltip="Pictures that take the place of the rendered head's colours, one or one for"
                    " each frame, for example Render Passes' colour after other nodes have changed it.",
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="Sound of the output video; cut or filled up to its length.",
                ),
                io.Float.Input(
                    "head_threshold",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="For trained networks: where the head's opacity is above it, the head hides the"
                    " background; raise it if hair looks like a helmet, lower it if hair is see-through. 0"
                    " takes the value that they were trained with, 0.9. The built-in model does not use it.",
                ),
                io.Combo.Input(
                    "size",
                    options=["512", "768", "1024"],
                    default="512",
                    optional=True,
                    tooltip="Pixels a side of the frames. The built-in model reads the original photo's own"
                    " pixels, so larger frames show more where the photo is large enough; 768 takes 2 and"
                    " 1024 4 times the memory. Trained networks paint 512, which is"
                    " enlarged.",
                ),
                io.Mask.Input(
                    "replacement_mask",
                    optional=True,
                    tooltip="How much of replacement_head is taken where: 1 takes it, 0 keeps the rendered"
                    " head; for example Render Passes' unseen. One mask or one for each picture; unconnected"
                    " takes all.",
                ),
                io.Int.Input(
                    "replacement_start",
                    default=-1,
                    min=-1,
                    max=10_000_000,
                    optional=True,
                    tooltip="The frame that the first picture of replacement_head belongs to, as start in"
                    " Render Passes; only as many frames as there are pictures are replaced. -1: the pictures"
                    " belong to the whole clip, one for all or one for each.",
                ),
                io.Video.Input(
                    "background_video",
                    optional=True,
                    tooltip="A video behind the person, in place of background; read frame by frame at the"
                    " clip's rate and scaled to cover the square. A shorter one starts again.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "images",
                    tooltip="The frames, as large as size says; with video on demand the first one alone.",
                ),
                io.Video.Output("video", tooltip="The clip with its sound, for Video Combine or Save Video."),
                io.Mask.Output(
                    "mask",
                    tooltip="The person against the background, 1 against 0 with soft edges, for each frame;"
                    " linked to Video Combine's alpha it makes the clip transparent. With video on demand it"
                    " holds the first frame's alone, but Video Combine gives each frame of that video its"
                    " own.",
                ),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        head: HeadRender,
        portrait: Portrait,
        deliver: str,
        background: Tensor | None = None,
        replacement_head: Tensor | None = None,
        audio: Any = None,
        head_threshold: float = 0.0,
        size: str = "512",
        replacement_mask: Tensor | None = None,
        replacement_start: int = -1,
        background_video: Any = None,
    ) -> Any:
        from ..real3d_core.htb_sr import Form, HTBSRSettings, htb_sr

        settings = HTBSRSettings(
            background=None if background is None else pictures(background),
            replacement_head=None if replacement_head is None else pictures(replacement_head),
            head_threshold=head_threshold or None,
            size=side_of(size),
            replacement_mask=None if replacement_mask is None else masks(replacement_mask),
            replacement_start=None if replacement_start < 0 else replacement_start,
            background_film=None if background_video is None else film_of(background_video, side_of(size)),
        )
        source = htb_sr(head, portrait.to(head.triplane.planes.device), settings)
        masked = source.as_form(Form.MASKED)
        first, mask = _parts(frames_to_tensor(masked, 0, 1, check=host.check))
        preview = host.ui.PreviewImage(first, cls=cls)
        if deliver == ON_DEMAND:
            cut_out = CutOut(source.as_form(Form.CUT_OUT), mask)
            video = LazyVideo(source, audio_from(audio), "HTB-SR", cut_out=cut_out)
            return io.NodeOutput(first, video, mask, ui=preview)
        images, shares = _all_frames(masked)
        return io.NodeOutput(images, _video(source, images, audio), shares, ui=preview)


def film_of(video: Any, size: int) -> VideoFrames:
    """A VIDEO behind the person, kept no larger than it is seen."""
    from ..real3d_core.htb_sr.given import shrunk

    return video_frames(video, shrink=lambda picture: shrunk(picture, size))


def _parts(frames: Tensor) -> tuple[Tensor, Tensor]:
    """IMAGE [n, h, w, 3] and MASK [n, h, w] of frames [n, h, w, 4]."""
    return frames[..., :3].contiguous(), frames[..., 3].contiguous()


def _all_frames(source: FrameSource) -> tuple[Tensor, Tensor]:
    """IMAGE and MASK of a whole clip; RenderError, before anything is rendered, if they do not fit."""
    count, width, height = len(source), source.width, source.height
    check_fits(count, width, height, channels=4)
    images, masks = torch.empty(count, height, width, 3), torch.empty(count, height, width)
    told = FrameListener(count)
    frames = (frame for chunk in iterate_frames(source, check=host.check) for frame in chunk)
    for index, frame in enumerate(frames):
        images[index], masks[index] = frame[..., :3], frame[..., 3]
        told(index + 1, images[index])
    return images, masks


def _video(source: FrameSource, images: Tensor, audio: Any) -> Any:
    from ..real3d_core.video.encoder import frame_rate

    components = host.Types.VideoComponents(images=images, audio=audio, frame_rate=frame_rate(source.fps))
    return host.InputImpl.VideoFromComponents(components)
