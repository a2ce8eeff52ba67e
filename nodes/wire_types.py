"""The types of this pack's links. What travels on them is defined in real3d_core/wires.py."""

from .host import io

Model = io.Custom("R3DP_MODEL")
Portrait = io.Custom("R3DP_PORTRAIT")
TriPlane = io.Custom("R3DP_TRIPLANE")
Motion = io.Custom("R3DP_MOTION")
Camera = io.Custom("R3DP_CAMERA")
Head = io.Custom("R3DP_HEAD")
Load3DCamera = io.Custom("LOAD3D_CAMERA")  # of ComfyUI's own 3D nodes
FaceLandmarks = io.Custom("FACE_LANDMARKS")  # of ComfyUI's own face landmark nodes
AudioEncoderOutput = io.Custom("AUDIO_ENCODER_OUTPUT")  # of ComfyUI's own Audio Encoder Encode

CATEGORY = "Real3D-Portrait"
ADVANCED = {"advanced": True}  # folded away by front ends that can
