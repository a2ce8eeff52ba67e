"""The packed field gives what the decoder gives, whatever was left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.preview_3d import PHOTO_FEATURES
from real3d_core.preview_3d.compact import FREE, CompactField, compacted
from real3d_core.render_triplane.decoder import decode
from real3d_core.render_triplane.sampling import sample_each
from real3d_core.wires import DecoderWeights, TriPlane

from .making import random_head

PLANES = 3


def softplus(value: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, value)


def evaluated(field: CompactField, features: np.ndarray) -> np.ndarray:
    """[O, P] from plane features [3, 32, P], of the layers alone that the field keeps."""
    f = np.zeros((4 * len(field.groups), features.shape[-1]))
    for plane, group in field.layers:
        for place, channel in enumerate(field.groups[group]):
            if channel != FREE:
                f[4 * group + place] += features[plane, channel]
    return field.linear @ f + field.w2 @ softplus(field.w1 @ f + field.b1[:, None]) + field.b2[:, None]


def split(field: CompactField, features: np.ndarray) -> np.ndarray:
    """The same in two parts, of which each reads its own groups and units, as the viewer does."""
    whole = {}
    for name in ("density", "colour"):
        groups, (first, last) = getattr(field, f"{name}_groups"), getattr(field, f"{name}_units")
        keep = np.repeat([number in groups for number in range(len(field.groups))], 4)
        units = slice(4 * first, 4 * last)
        part = CompactField(
            field.groups, field.layers, (field.w1 * keep)[units], field.b1[units], field.w2[:, units],
            field.b2, field.linear * keep, (), (), (0, 0), (0, 0),
        )  # fmt: skip
        whole[name] = evaluated(part, features)
    return np.concatenate([whole["density"][:1], whole["colour"][1:]])


def expected(triplane: TriPlane, points: torch.Tensor, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Plane features [3, 32, P] at points, and density and colours [1 + outputs, P]."""
    features = sample_each(triplane.planes, points[None])[0]
    told = decode(features.mean(0)[None], triplane.decoder)
    return features.numpy(), torch.cat([told.density, told.colour[0, :outputs]]).numpy()


def check(triplane: TriPlane, outputs: int) -> CompactField:
    field = compacted(triplane.planes[0], triplane.decoder, outputs)
    points = (torch.rand(400, 3, generator=torch.Generator().manual_seed(1)) - 0.5) * 0.98
    features, wanted = expected(triplane, points, outputs)
    for out in (evaluated(field, features), split(field, features)):
        np.testing.assert_allclose(
            out[0], wanted[0], rtol=1e-4, atol=2e-3 * max(1, abs(wanted[0]).max() / 100)
        )
        colours = 1.002 / (1 + np.exp(-out[1 : 1 + outputs])) - 0.001
        np.testing.assert_allclose(colours, wanted[1:], atol=2e-4)
    return field


@pytest.mark.parametrize("channels", [32, 7])
def test_a_network_s_head(channels):
    field = check(random_head(channels), 3)
    assert len(field.layers) == PLANES * -(-channels // 4) and len(field.b1) == 64 and len(field.b2) == 4


def test_the_built_in_head_is_small(portrait):
    field = check(image_to_plane(portrait, Model.built_in()), PHOTO_FEATURES)
    assert len(field.layers) <= 6 and len(field.b1) <= 28 and len(field.b2) == 12
    assert not set(field.density_groups) & set(field.colour_groups), "colours could not be left until seen"


def test_units_that_read_nothing_become_constants():
    triplane = random_head(6)
    weights = triplane.decoder
    w1 = weights.w1.clone()
    w1[::2] = 0
    w2 = weights.w2.clone()
    w2[:, 1] = 0
    changed = TriPlane(
        planes=triplane.planes,
        decoder=DecoderWeights(w1, weights.b1, w2, weights.b2),
        camera=triplane.camera,
        pivot=triplane.pivot,
        model=triplane.model,
    )
    assert len(check(changed, 3).b1) == 32  # 31 units, in fours


def test_texels_are_the_planes():
    triplane = random_head(5)
    field = compacted(triplane.planes[0], triplane.decoder, 3)
    texels = field.texels(triplane.planes[0])
    assert texels.shape == (6, 256, 256, 4)
    for texel, (plane, group) in zip(texels, field.layers, strict=True):
        for place, channel in enumerate(field.groups[group]):
            kept = 0 if channel == FREE else triplane.planes[0, plane, channel].numpy()
            assert np.array_equal(texel[..., place], np.broadcast_to(kept, (256, 256)))
