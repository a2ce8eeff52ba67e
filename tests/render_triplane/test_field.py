"""Prepared fields give what sampling and decoding give, from any planes and decoder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import torch
from torch import Tensor

from real3d_core.render_triplane.decoder import decode
from real3d_core.render_triplane.field import Field, FieldSource, opposite_pairs, prepare_field
from real3d_core.render_triplane.sampling import sample_planes
from real3d_core.wires import ARKIT_INDEX, DecoderWeights, Motion
from tests.deterministic import decoder_weights
from tests.render_triplane.heads import ellipsoid_head, soft_planes, solid_decoder


def random_points(count: int = 500) -> Tensor:
    return (torch.rand(count, 3, generator=torch.Generator().manual_seed(1)) - 0.5) * 1.1


def check(field: Field, planes: Tensor, weights: DecoderWeights, tolerance: float) -> None:
    """The field against sampling and decoding, the density's error relative to its size."""
    points = random_points()
    expected = decode(sample_planes(planes[None], points[None]), weights)
    grid = (points.T * 2)[[0, 1, 2, 0], :, None]
    density = field.density(grid)[:, 0]
    assert ((density - expected.density[0]).abs() / (1 + expected.density[0].abs())).max() < tolerance
    colour = field.complete(field.colour(grid), torch.ones(len(points)))
    torch.testing.assert_close(colour.T, expected.colour[0], atol=2e-6, rtol=0)


def test_solid_decoder_is_split_and_folded() -> None:
    head = ellipsoid_head()
    field = prepare_field(head.planes[0], head.decoder, frozenset())
    assert field.density_units.bias.numel() == 3
    assert {table.plane for table in field.density_units.tables} == {0, 1}
    assert field.colour_units is None and len(field.outputs) == 11
    assert field.colour_axes == [0, 1]
    check(field, head.planes[0], head.decoder, 1e-3)


def test_a_dense_decoder_is_kept_whole() -> None:
    weights = decoder_weights()
    field = prepare_field(soft_planes(), weights, frozenset())
    assert field.colour_linear is None and len(field.outputs) == 32 and field.colour_axes == [0, 1, 2]
    check(field, soft_planes(), weights, 1e-4)


def test_a_mixed_decoder() -> None:
    """Pairs beside whole units, units that read nothing, a pair whose outputs do not cancel."""
    dense, solid = decoder_weights(), solid_decoder()
    w1, b1, w2, b2 = (value.clone() for value in (solid.w1, solid.b1, solid.w2, dense.b2))
    w1[30:40], b1[30:40], w2[:20, 30:40] = dense.w1[30:40], dense.b1[30:40], dense.w2[:20, 30:40]
    b1[50], w2[5, 50], w2[0, 50] = 0.7, 0.3, -2.0
    b1[0], b1[1] = 0.2, -0.2
    w2[2, 2] = 0.5
    weights = DecoderWeights(w1, b1, w2, b2)
    field = prepare_field(soft_planes() / 5, weights, frozenset())
    assert field.colour_linear is not None and field.colour_units is not None
    check(field, soft_planes() / 5, weights, 1e-3)


def test_every_unit_is_in_one_pair_at_most() -> None:
    weights = solid_decoder()
    twice = replace(weights, w1=weights.w1.clone(), w2=weights.w2.clone())
    twice.w1[40], twice.w2[:, 40] = twice.w1[0], twice.w2[:, 0]
    pairs = opposite_pairs(twice, twice.w1.ne(0).any(1) & twice.w2[1:].ne(0).any(0))
    assert len(pairs) == 11 and len(pairs.unique()) == 22


def test_a_frame_changes_only_its_box_and_no_other_frame() -> None:
    motion = Motion.still(3)
    motion.blendshapes[:, ARKIT_INDEX["jawOpen"]] = torch.tensor([0.0, 0.5, 1.0])
    head = ellipsoid_head(motion=motion)
    source, residual = FieldSource(head), head.residual(0, 3)
    base = prepare_field(head.planes[0], head.decoder, frozenset())
    for frame in (2, 0, 1):
        field = source.frame(residual, frame)
        check(field, head.frames(frame, frame + 1)[0], head.decoder, 1e-3)
        tables = [f.tables for f in (field.density_units, base.density_units)]
        for changed, plain in zip(*tables, strict=True):
            outside = changed.values - plain.values
            outside[..., 80:140, 100:170] = 0
            assert outside.abs().max() == 0


def test_a_residual_may_fill_channels_that_were_zero() -> None:
    head = ellipsoid_head(motion=Motion.still())
    planes = head.planes.clone()
    planes[:, 0, 1] = 0  # raise_front changes channel 1
    motion = Motion.still()
    motion.blendshapes[:, ARKIT_INDEX["jawOpen"]] = 1
    head = replace(head, planes=planes, motion=motion)
    source = FieldSource(head)
    source.frame(None, 0)
    check(source.frame(head.residual(0, 1), 0), head.frames(0, 1)[0], head.decoder, 1e-3)


def test_threads_share_one_preparation() -> None:
    source = FieldSource(ellipsoid_head())
    with ThreadPoolExecutor(4) as pool:
        fields = list(pool.map(lambda _: source.frame(None, 0), range(8)))
    assert all(field is fields[0] for field in fields)
