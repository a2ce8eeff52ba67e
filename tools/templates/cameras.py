"""Templates about the camera: around the head while it talks, and for two eyes."""

from __future__ import annotations

from .flow import Flow
from .parts import ON_DEMAND, OTHERS, RESULT, animated, lively_speech, plane


def orbit_while_talking() -> Flow:
    flow = Flow("orbit_while_talking")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.group("2  Voice")
    voice = flow.add("LoadAudio")["AUDIO"]
    flow.column()
    flow.group("3  Head and motion", OTHERS)
    planes = plane(flow, portrait)
    motion = lively_speech(flow, voice)["motion"]
    flow.column()
    flow.group("4  Camera", RESULT)
    camera = flow.add(
        "R3DP_CameraPath", {"preset": "orbit", "period": 5.0, "handheld": 0.1, "motion": motion}
    )
    flow.column()
    flow.group("5  Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], motion, camera=camera["camera"])
    flow.note()
    flow.column()
    flow.group("6  Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR", {"head": head["head"], "portrait": portrait, "audio": voice, "deliver": ON_DEMAND}
    )
    flow.column(400)
    flow.group("7  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"], "filename_prefix": "Real3D/orbit"})
    return flow


def stereo_sbs() -> Flow:
    flow = Flow("stereo_sbs")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.group("2  Voice")
    voice = flow.add("LoadAudio")["AUDIO"]
    flow.column()
    flow.group("3  Head and motion", OTHERS)
    planes = plane(flow, portrait)
    motion = lively_speech(flow, voice)["motion"]
    flow.column()
    flow.group("4  Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], motion)["head"]
    flow.note()
    flow.column()
    flow.group("5  Two eyes", RESULT)
    stereo = flow.add(
        "R3DP_Stereo",
        {"head": head, "portrait": portrait, "audio": voice, "layout": "side by side", "deliver": ON_DEMAND},
    )
    flow.column(420)
    flow.group("6  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": stereo["video"], "filename_prefix": "Real3D/stereo"})
    return flow
