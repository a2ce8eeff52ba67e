"""Templates with a diffusion model: the look of the photo, and what the photo did not show."""

from __future__ import annotations

from .flow import Flow, Out
from .parts import DIFFUSION, ON_DEMAND, OTHERS, RESULT, animated, lively_speech, plane


def prompts(flow: Flow, clip: Out, wanted: str, unwanted: str) -> tuple[Out, Out]:
    return (
        flow.add("CLIPTextEncode", {"clip": clip, "text": wanted}, title="What you want")["CONDITIONING"],
        flow.add("CLIPTextEncode", {"clip": clip, "text": unwanted}, title="What you do not want")[
            "CONDITIONING"
        ],
    )


def diffusion_restyle_then_talk() -> Flow:
    flow = Flow("diffusion_restyle_then_talk")
    flow.column()
    flow.group("1  Photo")
    photo = flow.add("LoadImage", title="Photo")["IMAGE"]
    sized = flow.add(
        "ImageScale",
        {"image": photo, "upscale_method": "lanczos", "width": 0, "height": 768},
        title="768 high",
    )["IMAGE"]
    flow.group("2  Voice")
    voice = flow.add("LoadAudio")["AUDIO"]
    flow.column()
    flow.group("3  What it should look like", DIFFUSION)
    model = flow.add("CheckpointLoaderSimple", model="checkpoint")
    wanted, unwanted = prompts(
        flow,
        model["CLIP"],
        "oil painting of the same person, thick brush strokes, warm light, looking at the viewer",
        "photo, blurry, deformed face, text, watermark",
    )
    flow.note()
    flow.column()
    flow.group("4  Restyle", DIFFUSION)
    latent = flow.add("VAEEncode", {"pixels": sized, "vae": model["VAE"]})["LATENT"]
    sampled = flow.add(
        "KSampler",
        {
            "model": model["MODEL"],
            "positive": wanted,
            "negative": unwanted,
            "latent_image": latent,
            "seed": 7,
            "steps": 24,
            "cfg": 6.5,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 0.4,
        },
    )["LATENT"]
    styled = flow.add("VAEDecode", {"samples": sampled, "vae": model["VAE"]})["IMAGE"]
    flow.column()
    flow.group("5  Portrait and motion", OTHERS)
    portrait = flow.add("R3DP_PortraitFromImage", {"image": styled})["portrait"]
    planes = plane(flow, portrait)
    motion = lively_speech(flow, voice)
    flow.column()
    flow.group("6  Animate and render", OTHERS)
    head = animated(flow, portrait, planes["triplane"], motion["motion"])
    flow.group("7  Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR",
        {"head": head["head"], "portrait": portrait, "audio": voice, "deliver": ON_DEMAND},
    )
    flow.column(400)
    flow.group("8  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"], "filename_prefix": "Real3D/restyled"})
    return flow


def depth_normal_for_controlnet() -> Flow:
    flow = Flow("depth_normal_for_controlnet")
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
    passes = flow.add(
        "R3DP_RenderPasses",
        {"head": head, "portrait": portrait, "depth_mode": "normalised", "size": "512"},
    )
    flow.note()
    flow.column(400)
    flow.group("5  Depth and normals, all frames", RESULT)
    for name in ("depth", "normals"):
        flow.add(
            "R3DP_VideoCombine",
            {"images": passes[name], "audio": voice, "filename_prefix": f"Real3D/{name}", "quality": 100},
            title=f"{name.capitalize()} video",
        )
    flow.column()
    flow.group("6  What should be there instead", DIFFUSION)
    model = flow.add("CheckpointLoaderSimple", model="checkpoint")
    guide = prompts(
        flow,
        model["CLIP"],
        "marble statue of a woman, museum, soft light, highly detailed",
        "photo, skin, blurry, text, watermark",
    )
    flow.column()
    flow.group("7  One frame, along depth and normals", DIFFUSION)
    for name, strength in (("depth", 0.8), ("normals", 0.5)):
        guide = _guided(flow, guide, passes[name], name, strength, model["VAE"])
    flow.column()
    flow.group("8  Painting", DIFFUSION)
    empty = flow.add("EmptyLatentImage")["LATENT"]
    sampled = flow.add(
        "KSampler",
        {
            "model": model["MODEL"],
            "positive": guide[0],
            "negative": guide[1],
            "latent_image": empty,
            "seed": 3,
            "steps": 24,
            "cfg": 6.5,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
        },
    )["LATENT"]
    painted = flow.add("VAEDecode", {"samples": sampled, "vae": model["VAE"]})["IMAGE"]
    flow.add("PreviewImage", {"images": painted})
    return flow


def _guided(
    flow: Flow, guide: tuple[Out, Out], frames: Out, name: str, strength: float, vae: Out
) -> tuple[Out, Out]:
    """Both prompts, held to the first frame of a pass."""
    control = flow.add("ControlNetLoader", model=name, title=f"Load ControlNet: {name}")["CONTROL_NET"]
    frame = flow.add("ImageFromBatch", {"image": frames}, title=f"Which frame: {name}")["IMAGE"]
    positive, negative = guide
    applied = flow.add(
        "ControlNetApplyAdvanced",
        {
            "positive": positive,
            "negative": negative,
            "control_net": control,
            "image": frame,
            "strength": strength,
            "end_percent": 0.8,
            "vae": vae,
        },
        title=f"Along the {name}",
    )
    return applied["positive"], applied["negative"]


def diffusion_fix_unseen() -> Flow:
    flow = Flow("diffusion_fix_unseen")
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
    flow.group("4  Seen from the side", OTHERS)
    camera = flow.add("R3DP_CameraPath", {"preset": "static", "yaw": 18.0, "frames": 1})["camera"]
    head = animated(flow, portrait, planes["triplane"], motion, camera=camera)["head"]
    flow.column()
    flow.group("5  Which frames", RESULT)
    first = flow.add("PrimitiveInt", {"value": 0}, title="First frame")["INT"]
    count = flow.add("PrimitiveInt", {"value": 8}, title="How many frames")["INT"]
    flow.group("6  Their pictures", OTHERS)
    before = flow.add("R3DP_HTBSR", {"head": head, "portrait": portrait}, title="HTB-SR before")["images"]
    chosen = flow.add("ImageFromBatch", {"image": before, "batch_index": first, "length": count})["IMAGE"]
    flow.column()
    flow.group("7  What is painted", OTHERS)
    unseen = flow.add(
        "R3DP_RenderPasses",
        {"head": head, "portrait": portrait, "start": first, "count": count, "size": "512"},
    )["unseen"]
    mask = flow.add("GrowMask", {"mask": unseen, "expand": 3}, title="A little wider")["MASK"]
    shown = flow.add("MaskToImage", {"mask": mask})["IMAGE"]
    flow.add("PreviewImage", {"images": shown}, title="White is painted")
    flow.column()
    flow.group("8  What should be there", DIFFUSION)
    model = flow.add("CheckpointLoaderSimple", model="checkpoint")
    wanted, unwanted = prompts(
        flow,
        model["CLIP"],
        "portrait photo of a talking person, natural teeth, detailed hair, ear and cheek, soft light",
        "blurry, deformed teeth, second face, text, watermark",
    )
    flow.note()
    flow.column()
    flow.group("9  Painting", DIFFUSION)
    large = flow.add(
        "ImageScale",
        {"image": chosen, "upscale_method": "lanczos", "width": 1024, "height": 1024},
        title="Larger: a mouth is small",
    )["IMAGE"]
    latent = flow.add("VAEEncode", {"pixels": large, "vae": model["VAE"]})["LATENT"]
    masked = flow.add("SetLatentNoiseMask", {"samples": latent, "mask": mask})["LATENT"]
    sampled = flow.add(
        "KSampler",
        {
            "model": model["MODEL"],
            "positive": wanted,
            "negative": unwanted,
            "latent_image": masked,
            "seed": 5,
            "steps": 24,
            "cfg": 5.5,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 0.5,
        },
    )["LATENT"]
    painted = flow.add("VAEDecode", {"samples": sampled, "vae": model["VAE"]})["IMAGE"]
    flow.column()
    flow.group("10  Final pictures", RESULT)
    pictures = flow.add(
        "R3DP_HTBSR",
        {
            "head": head,
            "portrait": portrait,
            "audio": voice,
            "deliver": ON_DEMAND,
            "replacement_head": painted,
            "replacement_mask": mask,
            "replacement_start": first,
        },
    )
    flow.column(400)
    flow.group("11  Video", RESULT)
    flow.add("R3DP_VideoCombine", {"images": pictures["video"], "filename_prefix": "Real3D/fixed"})
    return flow
