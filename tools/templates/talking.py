"""Templates about talking pictures: background, two speakers, larger pictures."""

from __future__ import annotations

from .flow import Flow
from .parts import DIFFUSION, ON_DEMAND, OTHERS, RESULT, animated, lively_speech, plane

AFTER = "one after the other"  # of Blend Motion


def talking_portrait() -> Flow:
    flow = Flow("talking_portrait")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.group("2  Voice")
    voice = flow.add("LoadAudio")["AUDIO"]
    flow.column(300)
    flow.group("3  Head and motion", OTHERS)
    model = flow.add("R3DP_LoadModel")["model"]
    planes = plane(flow, portrait, model=model)
    motion = lively_speech(flow, voice, model=model)
    flow.column(300)
    flow.group("4  Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], motion["motion"])
    flow.column()
    flow.group("5  Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR", {"head": head["head"], "portrait": portrait, "audio": voice, "deliver": ON_DEMAND}
    )
    flow.note()
    flow.column(400)
    flow.group("6  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"]})
    return flow


def expression_presets() -> Flow:
    flow = Flow("expression_presets")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.note()
    flow.column()
    flow.group("2  Expressions", OTHERS)
    smile, surprise, wink = (
        flow.add("R3DP_ExpressionPreset", {"expression": name, "seconds": seconds}, title=title)["motion"]
        for name, seconds, title in (
            ("smile", 2.5, "Smile"),
            ("surprise", 2.0, "Surprise"),
            ("wink", 2.0, "Wink"),
        )
    )
    flow.column()
    flow.group("3  One after the other", OTHERS)
    both = flow.add(
        "R3DP_BlendMotion", {"first": smile, "second": surprise, "mode": AFTER}, title="Smile, surprise"
    )
    every = flow.add(
        "R3DP_BlendMotion", {"first": both["motion"], "second": wink, "mode": AFTER}, title="... and wink"
    )
    flow.column()
    flow.group("4  Animate and render", OTHERS)
    planes = plane(flow, portrait)
    head = animated(flow, portrait, planes["triplane"], every["motion"])
    flow.column()
    flow.group("5  Final pictures", RESULT)
    pictures = flow.add("R3DP_HTBSR", {"head": head["head"], "portrait": portrait, "deliver": ON_DEMAND})
    flow.column(400)
    flow.group("6  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"], "filename_prefix": "Real3D/expressions"})
    return flow


def background_swap() -> Flow:
    flow = Flow("background_swap")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.group("2  Voice")
    voice = flow.add("LoadAudio")["AUDIO"]
    flow.column()
    flow.group("3  Head and motion", OTHERS)
    planes = plane(flow, portrait)
    motion = lively_speech(flow, voice)
    flow.column()
    flow.group("4  New background", RESULT)
    picture = flow.add("LoadImage", title="Background")["IMAGE"]
    fitted = flow.add(
        "ImageScale",
        {"image": picture, "upscale_method": "lanczos", "width": 512, "height": 512, "crop": "center"},
        title="Cut to a square",
    )
    blurred = flow.add(
        "ImageBlur", {"image": fitted["IMAGE"], "blur_radius": 6, "sigma": 0.6}, title="Out of focus"
    )
    flow.column()
    flow.group("5  Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], motion["motion"])
    flow.note()
    flow.column()
    flow.group("6  Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR",
        {
            "head": head["head"],
            "portrait": portrait,
            "background": blurred["IMAGE"],
            "audio": voice,
            "deliver": ON_DEMAND,
        },
    )
    flow.column(400)
    flow.group("7  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"], "filename_prefix": "Real3D/background_swap"})
    return flow


def dialogue_two_speakers() -> Flow:
    flow = Flow("dialogue_two_speakers")
    flow.column()
    flow.group("1  First speaker, left")
    left = flow.add("R3DP_LoadPortrait", title="Load Portrait A")["portrait"]
    first = flow.add("LoadAudio", title="Load Audio A: speaks first")["AUDIO"]
    flow.group("2  Second speaker, right")
    right = flow.add("R3DP_LoadPortrait", title="Load Portrait B")["portrait"]
    second = flow.add("LoadAudio", title="Load Audio B: answers")["AUDIO"]
    flow.column(300)
    flow.group("3  Who speaks when", OTHERS)
    quiet_second = flow.add("AudioAdjustVolume", {"audio": second, "volume": -100}, title="B in silence")
    quiet_first = flow.add("AudioAdjustVolume", {"audio": first, "volume": -100}, title="A in silence")
    tracks = [
        flow.add("AudioConcat", {"audio1": audio, "audio2": other}, title=title)["AUDIO"]
        for audio, other, title in (
            (first, quiet_second["AUDIO"], "What A says"),
            (quiet_first["AUDIO"], second, "What B says"),
            (first, second, "What is heard"),
        )
    ]
    flow.note()
    flow.column()
    flow.group("4  Heads and motion", OTHERS)
    motions, planes = [], []
    for portrait, track, suffix, seed in ((left, tracks[0], " A", 1), (right, tracks[1], " B", 2)):
        planes.append(plane(flow, portrait, suffix)["triplane"])
        motions.append(lively_speech(flow, track, seed, suffix)["motion"])
    flow.column(300)
    flow.group("5  Animate and render", OTHERS)
    heads = [
        animated(flow, portrait, triplane, motion, suffix)["head"]
        for portrait, triplane, motion, suffix in zip(
            (left, right), planes, motions, (" A", " B"), strict=True
        )
    ]
    flow.column()
    flow.group("6  Final pictures", RESULT)
    clips = [
        flow.add("R3DP_HTBSR", {"head": head, "portrait": portrait}, title=f"HTB-SR{suffix}")["images"]
        for head, portrait, suffix in zip(heads, (left, right), (" A", " B"), strict=True)
    ]
    flow.column(420)
    flow.group("7  Side by side", RESULT)
    both = flow.add("ImageStitch", {"image1": clips[0], "image2": clips[1]}, title="Side by side")
    flow.add(
        "R3DP_VideoCombine",
        {"images": both["IMAGE"], "audio": tracks[2], "filename_prefix": "Real3D/dialogue"},
    )
    return flow


def upscale_chain() -> Flow:
    flow = Flow("upscale_chain")
    flow.column()
    flow.group("1  Portrait")
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
    flow.group("5  Pictures, 512 x 512", RESULT)
    pictures = flow.add("R3DP_HTBSR", {"head": head["head"], "portrait": portrait})["images"]
    flow.column()
    flow.group("6  With an upscale model (bypassed)", DIFFUSION)
    model = flow.add("UpscaleModelLoader", bypassed=True, model="upscaler")
    large = flow.add(
        "ImageUpscaleWithModel", {"upscale_model": model["UPSCALE_MODEL"], "image": pictures}, bypassed=True
    )
    flow.group("7  To size", RESULT)
    sized = flow.add(
        "ImageScale",
        {"image": large["IMAGE"], "upscale_method": "lanczos", "width": 1024, "height": 1024},
        title="To 1024 x 1024",
    )
    crisp = flow.add(
        "ImageSharpen", {"image": sized["IMAGE"], "sharpen_radius": 2, "sigma": 0.6, "alpha": 0.08}
    )
    flow.column(420)
    flow.group("8  Video", RESULT)
    flow.add(
        "R3DP_VideoCombine",
        {"images": crisp["IMAGE"], "audio": voice, "filename_prefix": "Real3D/upscaled", "quality": 90},
    )
    return flow
