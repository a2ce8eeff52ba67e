"""The OpenCV path and the torch path of every picture operation give the same picture."""

import pytest
import torch

from real3d_core import ops


@pytest.fixture
def picture() -> torch.Tensor:
    """[2, 24, 31, 3] smooth pictures with some detail."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(2, 3, 8, 10, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(24, 31), mode="bilinear", align_corners=False)
    return smooth.permute(0, 2, 3, 1).contiguous()


@pytest.mark.parametrize("cubic", [False, True])
def test_remap_paths_agree(picture, cubic):
    y, x = torch.meshgrid(torch.linspace(-3, 27, 40), torch.linspace(-3, 34, 50), indexing="ij")
    x, y = (a.expand(2, -1, -1).contiguous() for a in (x + 0.3 * torch.sin(y), y))
    ours = ops.remap(picture, x, y, cubic)
    # OpenCV rounds positions to 1/32 of a pixel: the difference is bounded by the slope over that distance.
    assert (ours - ops.remap_torch(picture, x, y, cubic)).abs().max() < 0.012


def test_remap_of_own_positions_is_the_picture(picture):
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(31.0), indexing="ij")
    x, y = (a.expand(2, -1, -1).contiguous() for a in (x, y))
    for path in (ops.remap, ops.remap_torch):
        assert (path(picture, x, y, True) - picture).abs().max() < 1e-5


def test_remap_reads_one_picture_for_many_frames(picture):
    y, x = torch.meshgrid(torch.arange(5.0), torch.arange(6.0), indexing="ij")
    x = torch.stack([x, x + 2, x + 4])
    y = y.expand(3, -1, -1).contiguous()
    for path in (ops.remap, ops.remap_torch):
        out = path(picture[:1], x, y)
        assert out.shape == (3, 5, 6, 3)
        assert torch.allclose(out[2], picture[0, :5, 4:10], atol=1e-5)


@pytest.mark.parametrize("cubic", [False, True])
def test_enlarge_paths_agree(picture, cubic):
    assert (ops.enlarge(picture, 4, cubic) - ops.enlarge_torch(picture, 4, cubic)).abs().max() < 1e-5


def test_blur_paths_agree_and_keep_a_constant(picture):
    assert (ops.blur(picture, 1.3) - ops.blur_torch(picture, 1.3)).abs().max() < 1e-5
    flat = torch.full((1, 9, 9, 2), 0.4)
    assert (ops.blur(flat, 2.0) - 0.4).abs().max() < 1e-6


def test_neighbourhood_paths_agree(picture):
    assert torch.equal(ops.dilate(picture, 1), ops.dilate_torch(picture, 1))
    assert (ops.box_sum(picture) - ops.box_sum_torch(picture)).abs().max() < 1e-5
    assert torch.all(ops.erode(picture, 2) <= picture)


def test_smoothstep_runs_both_ways():
    x = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0])
    assert ops.smoothstep(0, 1, x).tolist() == [0, 0, 0.5, 1, 1]
    assert ops.smoothstep(1, 0, x).tolist() == [1, 1, 0.5, 0, 0]


def test_mirrored_folds_back_at_both_ends():
    index = torch.tensor([-2.5, -1.0, 0.0, 3.25, 9.0, 10.0, 12.5, 18.0, 20.0])
    expected = torch.tensor([2.5, 1.0, 0.0, 3.25, 9.0, 8.0, 5.5, 0.0, 2.0])
    torch.testing.assert_close(ops.mirrored(index, 10), expected)
