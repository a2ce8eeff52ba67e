"""Core nodes that put sounds together, so that two voices can share a clip."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import io
from .core_node import CoreNode

Sound = dict[str, Any]


class AudioConcat(CoreNode):
    """Like core's, it makes both sounds stereo, and brings the one of the lower rate to the higher."""

    title = "Concatenate Audio"
    inputs = (
        io.Audio.Input("audio1"),
        io.Audio.Input("audio2"),
        io.Combo.Input("direction", options=["after", "before"], default="after"),
    )
    outputs = (io.Audio.Output("AUDIO"),)

    @classmethod
    def execute(cls, audio1: Sound | None, audio2: Sound | None, direction: str = "after") -> io.NodeOutput:
        if audio1 is None or audio2 is None:
            return io.NodeOutput(audio2 if audio1 is None else audio1)
        rate = max(audio1["sample_rate"], audio2["sample_rate"])
        parts = [_stereo(_at_rate(one, rate)) for one in (audio1, audio2)]
        waveform = torch.cat(parts if direction == "after" else parts[::-1], dim=2)
        return io.NodeOutput({"waveform": waveform, "sample_rate": rate})


class AudioAdjustVolume(CoreNode):
    """In decibels: 0 changes nothing, -100 leaves nothing that can be heard."""

    title = "Adjust Audio Volume"
    inputs = (io.Audio.Input("audio"), io.Int.Input("volume", default=1, min=-100, max=100))
    outputs = (io.Audio.Output("AUDIO"),)

    @classmethod
    def execute(cls, audio: Sound | None, volume: int) -> io.NodeOutput:
        if audio is None or volume == 0:
            return io.NodeOutput(audio)
        return io.NodeOutput(audio | {"waveform": audio["waveform"] * 10 ** (volume / 20)})


def _stereo(waveform: Tensor) -> Tensor:
    return waveform.expand(-1, 2, -1) if waveform.shape[1] == 1 else waveform


def _at_rate(sound: Sound, rate: int) -> Tensor:
    """[batch, channels, samples] at another rate."""
    from ...real3d_core.sound import to_mono
    from ...real3d_core.wires import Audio

    waveform, own = sound["waveform"], sound["sample_rate"]
    if own == rate:
        return waveform
    channels = [
        torch.from_numpy(to_mono(Audio(channel[None], own), rate)) for channel in waveform.flatten(0, 1)
    ]
    return torch.stack(channels).reshape(*waveform.shape[:2], -1)


SOUND_NODES: tuple[type[CoreNode], ...] = (AudioConcat, AudioAdjustVolume)
