"""The nodes: one file per stage, each a schema and a call into real3d_core."""

from __future__ import annotations

from . import host
from .audio_to_motion import AudioToMotion
from .blend_avatars import BlendAvatars
from .blend_motion import BlendMotion
from .camera_from_load3d import CameraFromLoad3D
from .camera_path import CameraPath
from .convert_model import ConvertModel
from .edit_motion import EditMotion
from .expression_preset import ExpressionPreset
from .head_mesh import HeadMesh
from .head_motion import HeadMotion
from .htb_sr import HTBSR
from .image_to_plane import ImageToPlane
from .load_avatar import LoadAvatar
from .load_model import LoadModel
from .load_motion import LoadMotion
from .load_portrait import LoadPortrait
from .motion_adapter import MotionAdapter
from .paste_back import PasteBack
from .portrait_from_image import PortraitFromImage
from .preview_3d import Preview3D
from .render_passes import RenderPasses
from .render_triplane import RenderTriplane
from .save_avatar import SaveAvatar
from .save_mesh import SaveMesh
from .save_motion import SaveMotion
from .stereo import Stereo
from .video_combine import VideoCombine
from .video_to_motion import VideoToMotion

NODES: tuple[type[host.io.ComfyNode], ...] = (
    LoadModel,
    LoadPortrait,
    PortraitFromImage,
    ImageToPlane,
    AudioToMotion,
    MotionAdapter,
    RenderTriplane,
    RenderPasses,
    HTBSR,
    VideoCombine,
    ConvertModel,
    VideoToMotion,
    HeadMotion,
    EditMotion,
    BlendMotion,
    ExpressionPreset,
    SaveMotion,
    LoadMotion,
    CameraPath,
    CameraFromLoad3D,
    Stereo,
    SaveAvatar,
    LoadAvatar,
    PasteBack,
    HeadMesh,
    SaveMesh,
    BlendAvatars,
    Preview3D,
)


class Real3DExtension(host.ComfyExtension):
    """What a ComfyUI server asks for the nodes."""

    async def get_node_list(self) -> list[type[host.io.ComfyNode]]:
        return list(NODES)


async def comfy_entrypoint() -> Real3DExtension:
    """Called by ComfyUI once the pack is imported."""
    host.register_models()  # here, because the oldest supported servers never call an extension's on_load
    return Real3DExtension()
