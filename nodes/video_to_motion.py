"""Video-to-Motion: VIDEO or IMAGE -> MOTION."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..real3d_core.errors import FaceNotFoundError, ImageError
from ..real3d_core.model import Model
from ..real3d_core.video_to_motion import (
    TAKES,
    FrameOfFace,
    VideoToMotionSettings,
    Watcher,
    video_to_motion,
)
from ..real3d_core.wires import Audio
from . import host, wire_types
from .clip import Clip, clip_of
from .face_nets import face_nets
from .host import io, schema
from .portrait_node import MOST_FACES
from .values import face_points, face_weights
from .watch import FrameListener

MOTION_FPS = 25.0


class VideoToMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_VideoToMotion",
            display_name="Video-to-Motion",
            category=wire_types.CATEGORY,
            description="Watches a face in a video and makes its motion: expressions, blinks, gaze and the"
            " turns of the head, to move another portrait with.",
            search_aliases=["v2m", "video driven", "motion capture", "face tracking", "reenactment"],
            inputs=[
                io.Combo.Input(
                    "take",
                    options=list(TAKES),
                    default="both",
                    tooltip="What to take from the video: expressions, the pose of the head, or both. Blend"
                    " Motion puts the expressions of one video and the pose of another together.",
                ),
                io.Float.Input(
                    "smoothing",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How much jitter is taken out, without lag: 0 nothing; 1 looks at 0.44 seconds"
                    " around each frame, which also softens quick movements.",
                ),
                io.Boolean.Input(
                    "map_to_initial_pose",
                    default=True,
                    tooltip="On: the head turns from the photo's pose as the driver turns from their own"
                    " resting pose. Off: it turns as the driver does against the camera, for a photo that"
                    " looks straight ahead.",
                ),
                io.Float.Input(
                    "images_fps",
                    default=25.0,
                    min=1.0,
                    max=240.0,
                    step=0.01,
                    tooltip="Frames per second of images; a video has its own rate. The motion always has"
                    " 25.",
                ),
                io.Int.Input(
                    "face_index",
                    default=0,
                    min=0,
                    max=MOST_FACES - 1,
                    tooltip="Which face to follow where there are several: 0 is the largest in the first"
                    " picture, 1 the next.",
                ),
                io.Boolean.Input(
                    "fetch_nets",
                    default=True,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="Where no face nets are found in models/real3d_portrait or models/detection,"
                    " fetch face_landmarker.task (3.8 MB) once from Google's official address. Off: nothing"
                    " is downloaded, and missing nets are an error that says what to put where.",
                ),
                io.Video.Input(
                    "video", optional=True, tooltip="The driver's video; it is read picture by picture."
                ),
                io.Image.Input("images", optional=True, tooltip="The driver as a batch of images, instead."),
                wire_types.FaceLandmarks.Input(
                    "face_landmarks",
                    optional=True,
                    tooltip="Landmarks of Detect Face Landmarks for the same pictures; take the place of the"
                    " built-in face finder, and their blendshapes that of the built-in measure.",
                ),
                wire_types.Model.Input(
                    "model",
                    optional=True,
                    tooltip="With a trained model, its face model is fitted to the video, and the motion has"
                    " the 3DMM expression that the networks move the mouth by. The built-in one needs none.",
                ),
            ],
            outputs=[
                wire_types.Motion.Output(
                    "motion",
                    tooltip="Expressions (52 ARKit weights; 64 face model coefficients with a trained model)"
                    " and head pose for each frame, 25 per second.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        take: str,
        smoothing: float,
        map_to_initial_pose: bool,
        images_fps: float,
        face_index: int,
        fetch_nets: bool,
        video: Any = None,
        images: Tensor | None = None,
        face_landmarks: Mapping[str, Any] | None = None,
        model: Model | None = None,
    ) -> Any:
        from ..real3d_core.motion.curves_picture import curves_picture
        from ..real3d_core.video.encoder import picture_array

        clip = _clip(video, images, images_fps)
        face_model = model.networks.face_model if model and model.networks and take != "pose" else None
        watch = _given(face_landmarks, face_index) if face_landmarks else _nets(face_index, fetch_nets)
        listener = FrameListener(clip.count)
        made = video_to_motion(
            (picture_array(picture) for picture in listener.passing(clip.frames)),
            float(clip.fps),
            watch,
            VideoToMotionSettings(take, smoothing, map_to_initial_pose, MOTION_FPS),
            host.check,
            face_model=face_model,
        )
        curves = torch.tensor(curves_picture(made.motion)).float()[None] / 255
        shown = host.ui.PreviewImage(curves, cls=cls).as_dict() | {"text": (made.summary,)}
        return io.NodeOutput(made.motion, ui=shown)


def _clip(video: Any, images: Tensor | None, fps: float) -> Clip:
    if (video is None) == (images is None):
        raise ImageError(
            "Video-to-Motion needs either a video or images; connect one of them"
            + (", not both." if video is not None else ".")
        )
    silence = Audio(torch.zeros(1, 1), 1)  # given, so that the sound of a video is not read
    return clip_of(images if video is None else video, fps, silence)


def _nets(face_index: int, fetch: bool) -> Watcher:
    """Finds the face with the nets; blendshapes by the one of face_landmarker.task, where it is."""
    from ..real3d_core.video_to_motion.judged import judge_of, judged
    from ..real3d_core.video_to_motion.tracking import FaceTracker

    tracker, judge = FaceTracker(face_nets(fetch), face_index), judge_of(host.model_folders())

    def watch(index: int, picture: np.ndarray) -> FrameOfFace:
        landmarks = tracker(picture)
        known = judge is not None and landmarks is not None
        return FrameOfFace(landmarks, judged(landmarks, judge) if known else None)

    return watch


def _given(value: Mapping[str, Any], face: int) -> Watcher:
    """Reads the face from FACE_LANDMARKS."""

    def watch(index: int, picture: np.ndarray) -> FrameOfFace:
        frames = value.get("frames") if isinstance(value, Mapping) else None
        if isinstance(frames, list) and 0 < len(frames) <= index:
            raise ImageError(
                f"face_landmarks holds {len(frames)} pictures and the video has more; find the landmarks on"
                " all pictures of the same video."
            )
        try:
            points = face_points(value, index, face, *picture.shape[:2])
        except FaceNotFoundError:
            return FrameOfFace(None)
        return FrameOfFace(points, face_weights(value, index, face))

    return watch
