"""Templates that give the frames a place: back in the photo, and a finished head in a file."""

from __future__ import annotations

from .flow import Flow
from .parts import ON_DEMAND, OTHERS, RESULT, animated, lively_speech, plane


def paste_back() -> Flow:
    flow = Flow("paste_back")
    flow.column()
    flow.group("1  Wide photo")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.group("2  Voice")
    voice = flow.add("LoadAudio")["AUDIO"]
    flow.column()
    flow.group("3  Head and motion", OTHERS)
    planes = plane(flow, portrait)
    motion = lively_speech(flow, voice)
    flow.column(300)
    flow.group("4  Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], motion["motion"])
    flow.note()
    flow.column()
    flow.group("5  The square around the face", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR", {"head": head["head"], "portrait": portrait, "audio": voice, "deliver": ON_DEMAND}
    )
    flow.column()
    flow.group("6  Back in the whole photo", RESULT)
    whole = flow.add("R3DP_PasteBack", {"images": pictures["video"], "portrait": portrait})
    flow.column(400)
    flow.group("7  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": whole["video"], "filename_prefix": "Real3D/paste_back"})
    return flow


def avatar_save_load() -> Flow:
    flow = Flow("avatar_save_load")
    flow.column()
    flow.group("1  Portrait, the first time")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    planes = plane(flow, portrait)
    flow.group("2  Voice")
    voice = flow.add("LoadAudio")["AUDIO"]
    flow.column()
    flow.group("3  Keep the finished head", RESULT)
    saved = flow.add("R3DP_SaveAvatar", {"triplane": planes["triplane"], "portrait": portrait})
    flow.group("4  Every other time (bypassed)", OTHERS)
    flow.add("R3DP_LoadAvatar", bypassed=True)
    flow.note()
    flow.column()
    flow.group("5  Motion", OTHERS)
    motion = lively_speech(flow, voice)
    flow.column(300)
    flow.group("6  Animate and render", OTHERS)
    head = animated(flow, saved["portrait"], saved["triplane"], motion["motion"])
    flow.column()
    flow.group("7  Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR",
        {"head": head["head"], "portrait": saved["portrait"], "audio": voice, "deliver": ON_DEMAND},
    )
    flow.column(400)
    flow.group("8  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"], "filename_prefix": "Real3D/avatar"})
    return flow
