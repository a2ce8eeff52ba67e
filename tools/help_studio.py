"""What the help pages' pictures are taken of: the demo portrait and voice, and the nodes to try on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from run_workflow import ROOT

from .help_tiles import ACCENT, DARK, Pixels

SECONDS = 3.0  # of the voice


class Studio:
    """The demo portrait and voice, and the nodes to try on them."""

    def run(self, node_id: str, **given: Any) -> tuple[Any, ...]:
        """What a node gives with these inputs, all others as they are at first."""
        from real3d_portrait.nodes import NODES

        (node,) = [one for one in NODES if one.define_schema().node_id == node_id]
        inputs = {one.id: getattr(one, "default", None) for one in node.define_schema().inputs}
        return node.execute(**(inputs | given)).result

    @cached_property
    def photo(self) -> Pixels:
        from skimage import data

        return data.astronaut()

    @cached_property
    def sound(self) -> dict[str, Any]:
        import librosa
        import torch

        samples, rate = librosa.load(ROOT / "demo" / "speech.flac", sr=None, duration=SECONDS)
        return {"waveform": torch.from_numpy(samples)[None, None], "sample_rate": int(rate)}

    def portrait_of(self, photo: Pixels) -> Any:
        return self.run("R3DP_PortraitFromImage", image=image_of(photo))[0][0]

    @cached_property
    def portrait(self) -> Any:
        return self.portrait_of(self.photo)

    @cached_property
    def speech(self) -> Any:
        return self.run("R3DP_AudioToMotion", audio=self.sound)[0]

    def expression(self, name: str, amount: float = 1.0, **given: Any) -> Any:
        """A preset's motion; the middle of it is the expression in full."""
        return self.run("R3DP_ExpressionPreset", expression=name, amount=amount, **given)[0]

    def head(self, motion: Any = None, camera: Any = None, portrait: Any = None, **render: Any) -> Any:
        portrait = portrait or self.portrait
        triplane = self.run("R3DP_ImageToPlane", portrait=portrait)[0]
        if motion is not None:
            triplane = self.run("R3DP_MotionAdapter", triplane=triplane, portrait=portrait, motion=motion)[0]
        return self.run("R3DP_RenderTriplane", triplane=triplane, camera=camera, **render)[0]

    def frames(
        self, at: Sequence[float], head: Any = None, portrait: Any = None, **given: Any
    ) -> list[Pixels]:
        """Finished pictures at shares 0..1 of a clip; `given` as for `head`."""
        from real3d_portrait.real3d_core.htb_sr import htb_sr

        source = htb_sr(head or self.head(portrait=portrait, **given), portrait or self.portrait)
        numbers = [round(share * (len(source) - 1)) for share in at]
        return [pixels(source.frames(i, i + 1)[0]) for i in numbers]

    def face(self, motion: Any = None, at: float = 0.5, **given: Any) -> Pixels:
        """One of `frames`, the head alone."""
        return close(self.frames([at], motion=motion, **given)[0])

    def camera(self, **given: float) -> Any:
        """A camera that stands still."""
        return self.run("R3DP_CameraPath", preset="static", frames=1, **given)[0]


def pixels(picture: Any) -> Pixels:
    """[h, w, 1 or more] 0..1 -> [h, w, 3]."""
    shown = picture[..., :3].clamp(0, 1).mul(255).round().byte().cpu().numpy()
    return np.repeat(shown, 3, -1) if shown.shape[-1] == 1 else shown


def image_of(*photos: Pixels) -> Any:
    import torch

    return torch.from_numpy(np.stack(photos).copy()).float() / 255


def close(picture: Pixels) -> Pixels:
    """The face in a frame of the demo portrait."""
    size = picture.shape[0]
    return picture[round(0.1 * size) : round(0.72 * size), round(0.17 * size) : round(0.79 * size)]


def wave(sound: dict[str, Any], width: int, height: int = 70) -> Pixels:
    """The sound as bars from left to right."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), DARK)
    parts = np.array_split(np.abs(sound["waveform"][0, 0].numpy()), width // 4)
    loud = np.array([part.max() for part in parts])
    for number, half in enumerate(loud / loud.max() * (height / 2 - 4)):
        box = (4 * number, height / 2 - half - 1, 4 * number + 2, height / 2 + half + 1)
        ImageDraw.Draw(image).rectangle(box, ACCENT)
    return np.asarray(image)


def curves(motion: Any) -> Pixels:
    """What the node itself shows of a motion."""
    from real3d_portrait.real3d_core.motion.curves_picture import curves_picture

    return curves_picture(motion)[..., :3]
