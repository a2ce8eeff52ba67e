"""Templates in which a film of a face moves the portrait."""

from __future__ import annotations

from .flow import Flow
from .parts import ON_DEMAND, OTHERS, RESULT, STILL, animated, plane


def video_driven() -> Flow:
    flow = Flow("video_driven")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.column()
    flow.group("2  Driver")
    film = flow.add("LoadVideo", title="Load Video: the driver")["VIDEO"]
    sound = flow.add("LoadAudio", title="Load Audio: its sound")["AUDIO"]
    flow.note()
    flow.column(300)
    flow.group("3  Head and motion", OTHERS)
    planes = plane(flow, portrait)
    motion = flow.add("R3DP_VideoToMotion", {"video": film})["motion"]
    flow.column(300)
    flow.group("4  Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], motion)
    flow.column()
    flow.group("5  Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR", {"head": head["head"], "portrait": portrait, "audio": sound, "deliver": ON_DEMAND}
    )
    flow.column(400)
    flow.group("6  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"], "filename_prefix": "Real3D/video_driven"})
    return flow


def mouth_from_audio_brows_from_video() -> Flow:
    flow = Flow("mouth_from_audio_brows_from_video")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.column()
    flow.group("2  Voice and driver")
    voice = flow.add("LoadAudio")["AUDIO"]
    film = flow.add("LoadVideo", title="Load Video: the driver")["VIDEO"]
    flow.note()
    flow.column(300)
    flow.group("3  Two motions", OTHERS)
    speech = flow.add("R3DP_AudioToMotion", {"audio": voice, **STILL})["motion"]
    driver = flow.add("R3DP_VideoToMotion", {"video": film})["motion"]
    flow.column(300)
    flow.group("4  One motion of both", OTHERS)
    both = flow.add(
        "R3DP_BlendMotion",
        {"first": speech, "second": driver, "mode": "mix", "mouth": 0.0, "length": "first"},
        title="Mouth of the first, rest of the second",
    )["motion"]
    planes = plane(flow, portrait)
    flow.column(300)
    flow.group("5  Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], both)
    flow.column()
    flow.group("6  Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR", {"head": head["head"], "portrait": portrait, "audio": voice, "deliver": ON_DEMAND}
    )
    flow.column(400)
    flow.group("7  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"], "filename_prefix": "Real3D/voice_and_driver"})
    return flow
