"""Parts that most templates share."""

from __future__ import annotations

from typing import Any

from .flow import Flow, Out, Placed

ON_DEMAND = "video on demand"
STILL = {"head_motion": 0.0, "blink": 0.0}  # of Audio-to-Motion: head and eyes are Head Motion's
OWN, OTHERS, RESULT, DIFFUSION = 0, 1, 2, 3  # colours of groups


def lively_speech(flow: Flow, audio: Out, seed: int = 0, suffix: str = "", **more: Out) -> Placed:
    """Audio-to-Motion and Head Motion: lips, and a head that goes with them."""
    speech = flow.add(
        "R3DP_AudioToMotion", {"audio": audio, **STILL, **more}, title=f"Audio-to-Motion{suffix}"
    )
    inputs = {"motion": speech["motion"], "audio": audio, "seed": seed}
    return flow.add("R3DP_HeadMotion", inputs, title=f"Head Motion{suffix}")


def animated(
    flow: Flow, portrait: Out, triplane: Out, motion: Out, suffix: str = "", **render: Any
) -> Placed:
    """Motion Adapter and Render Triplane; its output is the head."""
    adapted = flow.add(
        "R3DP_MotionAdapter",
        {"triplane": triplane, "portrait": portrait, "motion": motion},
        title=f"Motion Adapter{suffix}",
    )
    return flow.add(
        "R3DP_RenderTriplane", {"triplane": adapted["triplane"], **render}, title=f"Render Triplane{suffix}"
    )


def plane(flow: Flow, portrait: Out, suffix: str = "", **more: Out) -> Placed:
    """Image-to-Plane; its output is the 3D head."""
    return flow.add("R3DP_ImageToPlane", {"portrait": portrait, **more}, title=f"Image-to-Plane{suffix}")
