"""Video Combine: IMAGE or VIDEO, AUDIO, MASK -> a file, or a folder of pictures, in the output folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from ..real3d_core.errors import Real3DError, RenderError
from ..real3d_core.video.format_files import STEREO_LAYOUTS, Format, format_names, load_format
from . import host, wire_types
from .clip import LENGTHS, VIDEO, Clip, clip_of, frame_limits, transparent, with_length
from .host import io, schema
from .lazy_video import MASTER_CRF, LazyVideo
from .paths import SavedFile, numbered_output, temp_file
from .values import audio_from, audio_value
from .watch import FrameListener

AS_THE_VIDEO, NONE = "as the video", "none"
SHOWN = 16  # pictures of a folder that the node shows, evenly spaced: each is fetched by the browser


class VideoCombine(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_VideoCombine",
            display_name="Video Combine",
            category=wire_types.CATEGORY,
            description="Saves frames and sound as a video, a gif or pictures in the output folder and shows"
            " them.",
            search_aliases=["save video", "export", "mp4", "webm", "prores", "gif", "png sequence", "encode"],
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
                    options=format_names(),
                    default="mp4",
                    tooltip="mp4 plays everywhere. webm is for the web; mov (ProRes 4444) and png (a folder"
                    " of pictures) are for compositing; gif has 256 colours and no sound. All but mp4 can be"
                    " transparent. A small file in real3d_core/video/formats adds another.",
                ),
                io.Int.Input(
                    "quality",
                    default=80,
                    min=0,
                    max=100,
                    tooltip="100 is without visible loss and large, 50 is usual for the web, 0 is small with"
                    " visible blocks; png is without loss at any quality. At 80 a video on demand is stored"
                    " in an mp4 as it was rendered, without encoding it twice.",
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
                io.Mask.Input(
                    "alpha",
                    optional=True,
                    tooltip="Opacity of the frames, one mask for each or one for all: 1 is opaque, 0"
                    " transparent, as Render Passes gives it (Load Image's mask needs Invert Mask). Takes the"
                    " place of an alpha that the images have.",
                ),
                io.Combo.Input(
                    "length",
                    options=list(LENGTHS),
                    default=VIDEO,
                    optional=True,
                    tooltip="Which decides how long the file is. video: the sound is cut off, or goes on as"
                    " silence. audio: the frames are cut off, or the last one is held. shortest and longest:"
                    " whichever is.",
                ),
                io.Combo.Input(
                    "stereo",
                    options=[AS_THE_VIDEO, NONE, *STEREO_LAYOUTS],
                    default=AS_THE_VIDEO,
                    optional=True,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="What the file tells players about its frames: that they hold the pictures of two"
                    " eyes. A video of Stereo knows by itself. mp4, mov and webm can say it.",
                ),
            ],
            outputs=[
                io.Video.Output(
                    "video",
                    tooltip="The saved file, for nodes that go on with it; with png the clip that was saved.",
                )
            ],
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
        alpha: Tensor | None = None,
        length: str = VIDEO,
        stereo: str = AS_THE_VIDEO,
    ) -> Any:
        from ..real3d_core.video.encoder import check_transparent, encode

        kind, sound = load_format(format), audio_from(audio)
        if alpha is not None:
            check_transparent(kind)
            _check_alpha(alpha)
        metadata = host.workflow_metadata(cls) if save_metadata else {}
        saved = numbered_output(filename_prefix, "" if kind.is_folder else kind.ending, *_size(images))
        mark = {AS_THE_VIDEO: getattr(images, "stereo", ""), NONE: ""}.get(stereo, stereo)
        unchanged = sound is None and alpha is None and mark == getattr(images, "stereo", "")
        if unchanged and _is_master(images, kind, quality, length):
            images.save_to(saved.path, metadata=metadata or None)
            return _given(kind, saved, images)
        clip = with_length(clip_of(images, fps, sound, alpha), length)
        encode(
            saved.path,
            _frames(clip, kind),
            clip.fps,
            clip.audio,
            kind=kind,
            quality=quality,
            metadata=metadata,
            stereo=mark,
            check=host.check,
        )
        return _given(kind, saved, _clip_value(images, clip) if kind.is_folder else None)


def _check_alpha(alpha: Tensor) -> None:
    shape = list(alpha.shape) if isinstance(alpha, Tensor) else []
    if len(shape) not in (2, 3) or 0 in shape:
        raise RenderError(
            f"The alpha has the shape {shape} where masks [batch, height, width] are needed; check the node"
            " that made it."
        )


def _size(images: Any) -> tuple[int, int]:
    """Width and height, asked without rendering anything."""
    if isinstance(images, host.Input.Video):
        return images.get_dimensions()
    return (images.shape[2], images.shape[1]) if getattr(images, "ndim", 0) == 4 else (0, 0)


def _is_master(images: Any, kind: Format, quality: float, length: str) -> bool:
    """Whether the file would be what a video on demand is rendered into."""
    if not isinstance(images, LazyVideo):
        return False
    options, count = kind.options(quality), images.get_frame_count()
    fewest, most = frame_limits(images.sound(), images.get_frame_rate(), length)
    return (
        (kind.container, kind.video.codec, options.get("crf")) == ("mp4", "libx264", MASTER_CRF)
        and fewest <= count
        and (most is None or most >= count)
    )


def _frames(clip: Clip, kind: Format) -> Any:
    """The frames as they are written: listened to, and with alpha where the format can have it."""
    listened = FrameListener(clip.count).passing(clip.frames)
    return listened if clip.alpha is None or kind.alpha is None else transparent(listened, clip.alpha)


def _clip_value(images: Any, clip: Clip) -> Any:
    """What was given, as VIDEO: a folder of pictures is no file that other nodes could read."""
    if isinstance(images, host.Input.Video):
        return images
    parts = host.Types.VideoComponents(images=images, audio=audio_value(clip.audio), frame_rate=clip.fps)
    return host.InputImpl.VideoFromComponents(parts)


def _given(kind: Format, saved: SavedFile, clip: Any) -> Any:
    """The node's output, and what it shows. `saved` tells a host what lies in the output folder, where the
    files shown are others.
    """
    result = host.ui.SavedResult(saved.name, saved.subfolder, io.FolderType.output)
    if kind.is_folder:
        folder = "/".join(part for part in (saved.subfolder, saved.name) if part)
        names = sorted(file.name for file in saved.path.glob(f"*{kind.ending}"))
        names = names[:: -(-len(names) // SHOWN)]
        shown = [host.ui.SavedResult(name, folder, io.FolderType.output) for name in names]
        return io.NodeOutput(clip, ui={"images": shown, "animated": (False,), "saved": [result]})
    video = host.InputImpl.VideoFromFile(os.fspath(saved.path))
    if kind.preview == "itself":
        return io.NodeOutput(video, ui=host.ui.PreviewVideo([result]))
    return io.NodeOutput(
        video, ui=host.ui.PreviewVideo(_playable(saved.path)).as_dict() | {"saved": [result]}
    )


def _playable(path: Path) -> list[Any]:
    """A copy in the temp folder that browsers can play; none where it cannot be made. Cancel removes all."""
    from ..real3d_core.video.decoder import read_video
    from ..real3d_core.video.encoder import encode_mp4

    try:
        clip, copy = read_video(path), temp_file("preview", ".mp4")
        encode_mp4(copy, clip.frames(), clip.fps, clip.audio(), check=host.check)
    except Real3DError:  # a full temp folder, say: the file itself is there
        return []
    except BaseException:
        with suppress(OSError):
            os.remove(path)
        raise
    return [host.ui.SavedResult(copy.name, "", io.FolderType.temp)]
