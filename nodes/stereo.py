"""Stereo: HEAD, PORTRAIT -> pictures for two eyes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..real3d_core.stereo.layouts import LAYOUTS, SIDE_BY_SIDE, mark_of
from ..real3d_core.wires import HeadRender, Portrait
from . import host, wire_types
from .host import io, schema
from .htb_sr import IMAGES, ON_DEMAND
from .lazy_video import LazyVideo
from .values import SIZES, audio_from, pictures, side_of
from .watch import FrameListener

COMFORTABLE = 0.04  # picture widths of disparity that most viewers can see as one on a desk's screen


class StereoVideo(host.InputImpl.VideoFromComponents):
    """Frames in memory that say how two eyes' pictures lie in them (encoder.encode)."""

    def __init__(self, components: Any, stereo: str) -> None:
        super().__init__(components)
        self.stereo = stereo


class Stereo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_Stereo",
            display_name="Stereo",
            category=wire_types.CATEGORY,
            description="Renders the head for two eyes, for 3D screens, headsets and red-cyan glasses. Takes"
            " the place of HTB-SR; head, torso and background each have the parallax of their own depth.",
            search_aliases=["3d video", "sbs", "side by side", "over under", "anaglyph", "vr", "parallax"],
            inputs=[
                wire_types.Head.Input("head", tooltip="The head as the camera between the eyes sees it."),
                wire_types.Portrait.Input("portrait", tooltip="The portrait that the head was made from."),
                io.Combo.Input(
                    "layout",
                    options=list(LAYOUTS),
                    default=SIDE_BY_SIDE,
                    tooltip="How the two pictures become one. The half layouts squeeze both into one"
                    " picture's size, as 3D televisions expect. The anaglyphs are for red-cyan glasses:"
                    " Dubois ghosts least, colour keeps most colour.",
                ),
                io.Combo.Input(
                    "deliver",
                    options=[IMAGES, ON_DEMAND],
                    default=IMAGES,
                    tooltip="images: all frames at once, for nodes that change pictures. video on demand: the"
                    " video is rendered while it is saved, in little memory however long it is; the output"
                    " images then holds the first frame alone.",
                ),
                io.Float.Input(
                    "eye_distance",
                    default=0.1,
                    min=0.0,
                    max=0.5,
                    step=0.01,
                    tooltip="How far apart the eyes are, which sets how deep everything looks; a head is"
                    " about 0.6 wide. 0.18 is as human eyes would see it from a metre, which is strong.",
                ),
                io.Float.Input(
                    "convergence",
                    default=0.2,
                    min=-2.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Where the screen lies, in front of the middle of the head: what is there looks"
                    " the same to both eyes. 0.3 is about the tip of the nose; a lower value lets the face"
                    " come out of the screen.",
                ),
                io.Float.Input(
                    "background_depth",
                    default=0.8,
                    min=-0.3,
                    max=100.0,
                    step=0.05,
                    tooltip="How far the background lies behind the middle of the head. Farther is deeper and"
                    " harder to look at; it is enlarged a little, so that its edges stay outside.",
                ),
                io.Boolean.Input(
                    "swap_eyes",
                    default=False,
                    tooltip="The right eye's picture first, to look at with crossed eyes and without glasses."
                    " The file then does not say that it is stereo.",
                ),
                io.Image.Input(
                    "background",
                    optional=True,
                    tooltip="A picture behind the person, or one for each frame; scaled to cover the square."
                    " Unconnected is the photo's own background.",
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
                    tooltip="For trained networks, as in HTB-SR; 0 takes the value they were trained with.",
                ),
                io.Combo.Input(
                    "size",
                    options=[str(one) for one in SIZES],
                    default="512",
                    optional=True,
                    tooltip="Pixels a side of one eye's picture, read from the original photo as in HTB-SR;"
                    " side by side is twice as wide. 1024 is for headsets and needs 4 times the memory.",
                ),
            ],
            outputs=[
                io.Image.Output("images", tooltip="The frames; with video on demand the first one alone."),
                io.Video.Output(
                    "video",
                    tooltip="The clip with its sound. Video Combine writes its layout into mp4, mov and"
                    " webm files, so that players know it.",
                ),
            ],
            has_intermediate_output=True,
        )

    @classmethod
    def execute(
        cls,
        head: HeadRender,
        portrait: Portrait,
        layout: str,
        deliver: str,
        eye_distance: float,
        convergence: float,
        background_depth: float,
        swap_eyes: bool,
        background: Tensor | None = None,
        audio: Any = None,
        head_threshold: float = 0.0,
        size: str = "512",
    ) -> Any:
        from ..real3d_core.htb_sr import HTBSRSettings
        from ..real3d_core.stereo import StereoSettings, stereo_frames
        from ..real3d_core.streaming import frames_to_tensor
        from ..real3d_core.video.encoder import frame_rate

        settings = StereoSettings(layout, eye_distance, convergence, background_depth, swap_eyes)
        given = HTBSRSettings(
            background=None if background is None else pictures(background),
            head_threshold=head_threshold or None,
            size=side_of(size),
        )
        source = stereo_frames(head, portrait.to(head.triplane.planes.device), settings, given)
        first = frames_to_tensor(source, 0, 1, check=host.check)
        shown = host.ui.PreviewImage(first, cls=cls).as_dict() | {"text": told(source)}
        mark = mark_of(layout, swap_eyes)
        if deliver == ON_DEMAND:
            video = LazyVideo(source, audio_from(audio), "Stereo", stereo=mark)
            return io.NodeOutput(first, video, ui=shown)
        images = frames_to_tensor(source, check=host.check, on_frame=FrameListener(len(source)))
        parts = host.Types.VideoComponents(images=images, audio=audio, frame_rate=frame_rate(source.fps))
        return io.NodeOutput(images, StereoVideo(parts, mark), ui=shown)


def told(source: Any) -> tuple[str, ...]:
    """How far apart the background is for the two eyes, and whether that is too much."""
    most = float(source.disparity.abs().max())
    lines = (f"The background is up to {100 * most:.1f} % of the picture apart for the two eyes.",)
    if most <= COMFORTABLE:
        return lines
    return (
        *lines,
        f"More than {100 * COMFORTABLE:.0f} % is tiring to look at on a screen; lower eye_distance or"
        " background_depth.",
    )
