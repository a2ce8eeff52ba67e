"""Graphs in API format, and the sounds they load."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np

from real3d_portrait.nodes.headless.graph import Registry, read_workflow

from .server import ROOT

TEMPLATE = ROOT / "workflows" / "talking_portrait.json"
SPEECH = "real3d_speech.flac"

RENDER = {"resolution": 64, "coarse_samples": 16, "fine_samples": 16, "sampler": "fast"}  # quick to render

Graph = dict[str, dict[str, Any]]


def template(audio: str = "short.wav") -> Graph:
    """The template, in API format as this pack converts it, with the files that it leaves to the user."""
    graph = read_workflow(TEMPLATE, Registry.standard()).prompt()
    graph[node_of(graph, "LoadAudio")]["inputs"]["audio"] = audio
    graph[node_of(graph, "R3DP_LoadPortrait")]["inputs"] = {
        "image": "astronaut.png",
        "face_index": 0,
        "fetch_nets": False,
    }
    return graph


def node_of(graph: Graph, kind: str) -> str:
    """The id of the one node of this kind."""
    (key,) = (key for key, node in graph.items() if node["class_type"] == kind)
    return key


def graph(**nodes: tuple[str, dict[str, Any]]) -> Graph:
    """A graph of nodes given as name=(kind, inputs); a link is [name, slot]."""
    return {key: {"class_type": kind, "inputs": inputs} for key, (kind, inputs) in nodes.items()}


def head(name: str = "", photo: str = "astronaut.png", audio: str | None = "short.wav") -> Graph:
    """Nodes portrait, plane, sound, motion, clip, head, each followed by `name`; no audio: a still head."""

    def own(node: str) -> str:
        return node + name

    made = {
        own("portrait"): ("R3DP_LoadPortrait", {"image": photo, "face_index": 0, "fetch_nets": False}),
        own("plane"): ("R3DP_ImageToPlane", {"portrait": [own("portrait"), 0]}),
    }
    seen = own("plane")
    if audio is not None:
        seen = own("clip")
        made |= motion(name, audio) | {
            own("clip"): (
                "R3DP_MotionAdapter",
                {
                    "triplane": [own("plane"), 0],
                    "portrait": [own("portrait"), 0],
                    "motion": [own("motion"), 0],
                },
            )
        }
    made[own("head")] = ("R3DP_RenderTriplane", {"triplane": [seen, 0], **RENDER})
    return graph(**made)


def motion(name: str = "", audio: str = "short.wav") -> dict[str, tuple[str, dict[str, Any]]]:
    """Nodes sound and motion."""
    return {
        f"sound{name}": ("LoadAudio", {"audio": audio}),
        f"motion{name}": (
            "R3DP_AudioToMotion",
            {
                "audio": [f"sound{name}", 0],
                "mouth_amplitude": 1.0,
                "temperature": 0.2,
                "seed": 0,
                "head_motion": 1.0,
                "blink": 1.0,
                "fps": 25.0,
            },
        ),
    }


def pictures(name: str = "", deliver: str = "images", **links: list[Any]) -> Graph:
    """Node pictures: HTB-SR of head and portrait; links to background, replacement_head, audio."""
    inputs = {"head": [f"head{name}", 0], "portrait": [f"portrait{name}", 0], "deliver": deliver} | links
    return graph(**{f"pictures{name}": ("R3DP_HTBSR", inputs)})


def combine(images: list[Any], name: str = "combine", **changes: Any) -> Graph:
    """Node `combine`: Video Combine."""
    inputs = {
        "images": images,
        "fps": 25.0,
        "filename_prefix": f"Real3D/{name}",
        "format": "mp4",
        "quality": 80,
        "save_metadata": True,
    }
    return graph(**{name: ("R3DP_VideoCombine", inputs | changes)})


def save_video(video: list[Any], name: str, **changes: Any) -> Graph:
    """Node `name`: core's Save Video."""
    inputs = {"video": video, "filename_prefix": f"video/{name}", "format": "auto", "codec": "auto"}
    return graph(**{name: ("SaveVideo", inputs | changes)})


def write_speech(path: Path, start: float, seconds: float) -> None:
    """The demo speech from `start` on, repeated to fill `seconds`, as a wav file."""
    from real3d_core.video.decoder import read_audio

    sound = read_audio(ROOT / "demo" / "speech.flac")
    rate = sound.sample_rate
    samples = np.roll(sound.waveform[0].numpy(), -round(start * rate))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.resize(samples, round(seconds * rate)) * 32767).astype("<i2").tobytes())
