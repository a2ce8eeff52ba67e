"""What lies in an avatar file: safetensors entries with fixed shapes, and texts beside them.

The metadata are text: `format`, `backend`, `precision`, `photo` ("yes" or "no"), `model` (its name) and
`config` (JSON: numbers and names that are no tensors). See docs/model.md, "Avatar files".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..image_to_plane.layout import Channel
from ..wires import PLANE_CHANNELS, PLANE_SIZE, PORTRAIT_SIZE

FAMILY = "real3d-portrait-avatar/"
FORMAT = FAMILY + "1"
ENDING = ".safetensors"
THUMBNAIL = 256  # pixels a side
MOST_SHAPES = 128  # expression shapes of a portrait; there are about 60
ANY = -1

Backend = Literal["analytic", "network"]

XZ_CHANNELS = (Channel.U_UPPER, Channel.V_UPPER, Channel.Z, Channel.U_LOWER, Channel.V_LOWER)
"""What the analytic backend keeps on plane 1; plane 0 has all of `Channel`, the rest of the planes is 0."""


@dataclass(frozen=True)
class Entry:
    """One entry. `shape` may hold ANY; `stored` is the largest type, and "half" may be float16 as well."""

    shape: tuple[int, ...]
    stored: Literal["exact", "half", "bytes"] = "exact"

    @property
    def types(self) -> frozenset[str]:
        """The types of safetensors that it may have."""
        return {
            "exact": frozenset({"F32"}),
            "half": frozenset({"F32", "F16"}),
            "bytes": frozenset({"U8"}),
        }[self.stored]


_P, _S = PORTRAIT_SIZE, PLANE_SIZE

SHARED: dict[str, Entry] = {
    "thumbnail": Entry((THUMBNAIL, THUMBNAIL, 3), "bytes"),
    "decoder.w1": Entry((64, PLANE_CHANNELS)),
    "decoder.b1": Entry((64,)),
    "decoder.w2": Entry((33, 64)),
    "decoder.b2": Entry((33,)),
    "camera": Entry((25,)),
    "pivot": Entry((3,)),
    "portrait.image": Entry((_P, _P, 3), "half"),
    "portrait.photo": Entry((ANY, ANY, 3), "bytes"),
    "portrait.crop_to_photo": Entry((2, 3)),
    "portrait.landmarks": Entry((478, 3)),
    "portrait.person": Entry((_P, _P), "half"),
    "portrait.head_weight": Entry((_P, _P), "half"),
    "portrait.foreground": Entry((_P, _P, 3), "half"),
    "portrait.torso": Entry((_P, _P, 4), "half"),
    "portrait.background": Entry((_P, _P, 3), "half"),
    "portrait.segmentation": Entry((_P, _P), "bytes"),
    "portrait.camera": Entry((25,)),
}

ANALYTIC: dict[str, Entry] = SHARED | {
    "planes.xy": Entry((len(Channel), _S, _S)),
    "planes.xz": Entry((len(XZ_CHANNELS), _S, _S)),
    "avatar.surfaces": Entry((1, _S, _S, 3)),
    "avatar.points": Entry((468, 3)),
    "avatar.axes": Entry((3, 3)),
    "avatar.inner": Entry((1, _P, _P, 4), "half"),
    "avatar.lip": Entry((3,)),
    "avatar.iris": Entry((2, 3)),
    "mouth.s": Entry((_S, _S)),
    "mouth.below": Entry((_S, _S)),
    "mouth.near": Entry((_S, _S)),
    "mouth.across": Entry((2,)),
    "fields.displacements": Entry((ANY, 468, 3)),
    "fields.upper": Entry((ANY, ANY), "half"),
    "fields.lower": Entry((ANY, ANY), "half"),
}

NETWORK: dict[str, Entry] = SHARED | {
    "planes": Entry((1, 3, PLANE_CHANNELS, _S, _S), "half"),
    "coefficients.identity": Entry((80,)),
    "coefficients.expression": Entry((64,)),
    "coefficients.euler": Entry((3,)),
    "coefficients.translation": Entry((3,)),
    "seen.image": Entry((3, _P, _P), "half"),
    "seen.head": Entry((3, _P, _P), "half"),
    "seen.torso": Entry((3, _P, _P), "half"),
    "seen.background": Entry((3, _P, _P), "half"),
    "seen.segmentation": Entry((_P, _P), "bytes"),
    "seen.landmarks": Entry((478, 3)),
    "seen.crop_to_photo": Entry((2, 3)),
}

ENTRIES: dict[Backend, dict[str, Entry]] = {"analytic": ANALYTIC, "network": NETWORK}
