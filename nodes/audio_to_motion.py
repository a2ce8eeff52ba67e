"""Audio-to-Motion: AUDIO -> MOTION."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..real3d_core.errors import AudioError
from ..real3d_core.model import Model
from . import host, wire_types
from .host import io, schema
from .values import audio_from, encoded_audio_from


class AudioToMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="R3DP_AudioToMotion",
            display_name="Audio-to-Motion",
            category=wire_types.CATEGORY,
            description="Listens to speech and makes the motion of a face that says it: lips and jaw from"
            " the sound, a gentle sway and blinks from the seed.",
            search_aliases=["a2m", "lip sync", "speech", "talking", "audio driven"],
            inputs=[
                io.Audio.Input("audio", tooltip="Speech; the motion lasts as long as it does."),
                io.Float.Input(
                    "mouth_amplitude",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="How far the mouth opens: 0 keeps it still, 1 is natural, 2 is twice as far. The"
                    " networks were trained with it: 1 is their 0.45, and 0 is their smallest movement.",
                ),
                io.Float.Input(
                    "temperature",
                    default=0.2,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    extra_dict=wire_types.ADVANCED,
                    tooltip="How much the networks vary the expressions from seed to seed; 0 is the most"
                    " likely one. The built-in model does not use it.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**32 - 1,
                    control_after_generate=True,
                    tooltip="Chooses the sway of the head and the moments of the blinks; the same seed and"
                    " sound give the same motion.",
                ),
                io.Float.Input(
                    "head_motion",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="Size of the sway, nods, brows and gaze: 0 keeps the pose of the photo, 1 stays"
                    " inside 12 degrees. With the networks: of sway and nods.",
                ),
                io.Float.Input(
                    "blink",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="How often the eyes blink: 0 never, 1 every 2 to 6 seconds, 2 twice as often."
                    " With the networks, 1 is every 5 seconds.",
                ),
                io.Float.Input(
                    "fps",
                    default=25.0,
                    min=1.0,
                    max=120.0,
                    step=0.01,
                    tooltip="Frames per second of the motion, and of the video made from it.",
                ),
                wire_types.Model.Input(
                    "model",
                    optional=True,
                    tooltip="The backend that makes the motion; unconnected is built-in.",
                ),
                wire_types.AudioEncoderOutput.Input(
                    "audio_encoder_output",
                    optional=True,
                    tooltip="For the networks, in place of their own HuBERT: the same sound through ComfyUI's"
                    " Audio Encoder Encode, with HuBERT-large-ls960-ft.",
                ),
            ],
            outputs=[
                wire_types.Motion.Output(
                    "motion",
                    tooltip="Expressions (52 ARKit weights; 64 face model coefficients from the networks) and"
                    " head pose for each frame.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        audio: Any,
        mouth_amplitude: float,
        temperature: float,
        seed: int,
        head_motion: float,
        blink: float,
        fps: float,
        model: Model | None = None,
        audio_encoder_output: Mapping[str, Any] | None = None,
    ) -> Any:
        from ..real3d_core.audio_to_motion import AudioToMotionSettings, audio_to_motion

        sound = audio_from(audio)
        if sound is None:
            raise AudioError("There is no sound: the video it was taken from has no sound track; load one.")
        settings = AudioToMotionSettings(
            mouth_amplitude=mouth_amplitude,
            temperature=temperature,
            head_motion=head_motion,
            blink=blink,
            fps=fps,
            seed=seed,
        )
        heard = encoded_audio_from(audio_encoder_output)
        return io.NodeOutput(audio_to_motion(sound, model or Model.built_in(), settings, host.check, heard))
