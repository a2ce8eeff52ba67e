"""The z-buffer: coverage, depth, perspective, ties, and that memory has a bound."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from real3d_core.face_model import rasterizer
from real3d_core.face_model.rasterizer import rasterise
from tests.pretended_gpu import GPU, PretendedGpu

SIZE = 32


def random_mesh(triangles: int = 60) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(pixels, inverse depth, triangles, colours) of loose triangles of all sizes over the edges."""
    seeded = torch.Generator().manual_seed(1)
    corners = 3 * triangles
    spread = torch.rand(1, triangles, 1, 1, generator=seeded) ** 3 * 40
    centre = torch.rand(1, triangles, 1, 2, generator=seeded) * 44 - 6
    pixels = (centre + spread * (torch.rand(1, triangles, 3, 2, generator=seeded) - 0.5)).flatten(1, 2)
    inverse_depth = 1 / (5 + 5 * torch.rand(1, corners, generator=seeded))
    colours = torch.rand(corners, 3, generator=seeded)
    return pixels, inverse_depth, torch.arange(corners).view(-1, 3), colours


def slow(pixels: Tensor, inverse_depth: Tensor, triangles: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
    """(colours [3, SIZE, SIZE], triangle) of the first frame in float64, triangle by triangle."""
    i, j = torch.meshgrid(torch.arange(SIZE) + 0.5, torch.arange(SIZE) + 0.5, indexing="ij")
    at = torch.stack([j, i], -1).double()
    picture, shown = torch.zeros(3, SIZE, SIZE, dtype=torch.float64), torch.full((SIZE, SIZE), -1)
    nearest = torch.full((SIZE, SIZE), torch.inf, dtype=torch.float64)

    def cross(u: Tensor, v: Tensor) -> Tensor:
        return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]

    for k, corners in enumerate(triangles):
        a, b, c = pixels[0, corners].double()
        w = torch.stack([cross(c - b, at - b), cross(a - c, at - c), cross(b - a, at - a)]) / cross(
            b - a, c - a
        )
        w = w * inverse_depth[0, corners].double()[:, None, None]
        depth = 1 / w.sum(0)
        seen = (w > 0).all(0) & (depth < nearest)
        mixed = torch.einsum("kij,kc->cij", w * depth, colours[corners].double())
        picture, shown = torch.where(seen, mixed, picture), torch.where(seen, k, shown)
        nearest = torch.where(seen, depth, nearest)
    return picture, shown


def test_equals_the_definition() -> None:
    mesh = random_mesh()
    raster, (picture, shown) = rasterise(*mesh, SIZE), slow(*mesh)
    assert (shown >= 0).float().mean() > 0.4
    assert len(shown.unique()) > 20
    assert torch.equal(raster.triangle[0], shown)
    assert (raster.colours[0] - picture).abs().max() < 1e-4


def test_both_sides_are_seen() -> None:
    pixels, inverse_depth, triangles, colours = random_mesh()
    front = rasterise(pixels, inverse_depth, triangles, colours, SIZE)
    back = rasterise(pixels, inverse_depth, triangles.flip(1), colours, SIZE)
    assert torch.equal(front.triangle, back.triangle)
    assert (front.colours - back.colours).abs().max() < 1e-4


@pytest.mark.parametrize("most", [1, 100])
def test_the_list_of_candidates_can_be_cut_anywhere(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rasterise(*random_mesh(), SIZE)
    lengths = []
    compete = rasterizer._compete
    monkeypatch.setattr(rasterizer, "CANDIDATES", most)
    monkeypatch.setattr(rasterizer, "_compete", lambda *a: (lengths.append(a[3]), compete(*a)))
    parts = rasterise(*random_mesh(), SIZE)
    assert torch.equal(whole.triangle, parts.triangle)
    assert torch.equal(whole.colours, parts.colours)
    assert len(lengths) > 4
    assert max(lengths) <= max(most, SIZE * SIZE)


def test_frames_are_apart() -> None:
    pixels, inverse_depth, triangles, colours = random_mesh()
    moved = torch.cat([pixels, pixels + 3.3, pixels * 0.5])
    depths = torch.cat([inverse_depth, inverse_depth, inverse_depth.flip(1)])
    together = rasterise(moved, depths, triangles, colours, SIZE)
    for k in range(3):
        alone = rasterise(moved[k : k + 1], depths[k : k + 1], triangles, colours, SIZE)
        assert torch.equal(together.colours[k], alone.colours[0])
        assert torch.equal(together.triangle[k], alone.triangle[0])


def test_of_equally_near_triangles_the_first_wins() -> None:
    pixels = torch.tensor([[[0.0, 0.0], [20, 0], [0, 20]]])
    triangles = torch.tensor([[0, 1, 2], [0, 1, 2]])
    raster = rasterise(pixels, torch.full((1, 3), 0.1), triangles, torch.ones(3, 1), SIZE)
    assert set(raster.triangle.unique().tolist()) == {-1, 0}


def test_centres_on_an_edge_are_outside() -> None:
    square = torch.tensor([[[2.5, 2.5], [6.5, 2.5], [2.5, 6.5]]])
    raster = rasterise(square, torch.full((1, 3), 0.125), torch.tensor([[0, 1, 2]]), torch.ones(3, 1), SIZE)
    rows, columns = torch.nonzero(raster.triangle[0] == 0, as_tuple=True)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {(3, 3), (3, 4), (4, 3)}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_cannot_be_drawn_is_not(value: float) -> None:
    pixels, inverse_depth, triangles, colours = random_mesh(8)
    wanted = rasterise(pixels, inverse_depth, triangles[1:], colours, SIZE).colours
    broken = pixels.clone()
    broken[0, 1, 0] = value
    assert torch.equal(rasterise(broken, inverse_depth, triangles, colours, SIZE).colours, wanted)
    behind = inverse_depth.clone()
    behind[0, 1] = value
    assert torch.equal(rasterise(pixels, behind, triangles, colours, SIZE).colours, wanted)
    behind[0, 1] = -0.1
    assert torch.equal(rasterise(pixels, behind, triangles, colours, SIZE).colours, wanted)


def test_nothing_to_draw() -> None:
    pixels, inverse_depth, triangles, colours = random_mesh(4)
    for raster in (
        rasterise(pixels, inverse_depth, triangles[:0], colours, SIZE),
        rasterise(pixels + 100, inverse_depth, triangles, colours, SIZE),
    ):
        assert (raster.triangle == -1).all()
        assert (raster.colours == 0).all()


def test_on_a_gpu() -> None:
    mesh = random_mesh()
    with PretendedGpu():
        there = rasterise(*(tensor.to(GPU) for tensor in mesh), SIZE)
        assert there.colours.device == GPU
        assert torch.equal(there.colours.cpu(), rasterise(*mesh, SIZE).colours)
