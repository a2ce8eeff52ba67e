"""The stand-ins for core's picture nodes do what core's own do."""

import numpy as np
import pytest
import torch
from PIL import Image

from real3d_portrait.nodes.headless.core_pictures import (
    METHODS,
    GrowMask,
    ImageBatch,
    ImageFromBatch,
    ImageInvert,
    ImageScale,
    InvertMask,
    MaskToImage,
    PrimitiveInt,
)


def ramp(height=20, width=30, batch=2, channels=3):
    values = torch.linspace(0, 1, height * width * channels).reshape(1, height, width, channels)
    return values.expand(batch, -1, -1, -1).clone()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(60, 40, (40, 60)), (0, 10, (10, 15)), (15, 0, (10, 15)), (0, 0, (20, 30)), (7, 9, (9, 7))],
)
def test_sizes(method, width, height, shape):
    image = ramp()
    out = ImageScale.execute(image, method, width, height, "disabled").result[0]
    assert out.shape == (2, *shape, 3) and out.dtype == torch.float32
    assert abs(out.mean() - image.mean()) < 0.03
    if (width, height) == (0, 0):
        assert out is image


def test_nearest_and_area_by_hand():
    image = torch.tensor([[0.0, 0.2], [0.4, 0.8]])[None, ..., None].expand(1, 2, 2, 3)
    big = ImageScale.execute(image, "nearest-exact", 4, 4, "disabled").result[0]
    assert torch.equal(big[0, :, :, 0], image[0, :, :, 0].repeat_interleave(2, 0).repeat_interleave(2, 1))
    one = ImageScale.execute(image, "area", 1, 1, "disabled").result[0]
    assert one.flatten().tolist() == pytest.approx([0.35] * 3)


def test_center_cuts_what_does_not_fit():
    image = ramp(20, 30)
    cut = ImageScale.execute(image, "nearest-exact", 20, 20, "center").result[0]
    assert torch.equal(cut, image[:, :, 5:25])
    cut = ImageScale.execute(image, "nearest-exact", 30, 10, "center").result[0]
    assert torch.equal(cut, image[:, 5:15])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_lanczos_is_pillow_s(channels):
    image = ramp(channels=channels)
    out = ImageScale.execute(image, "lanczos", 45, 33, "disabled").result[0]
    pixels = (image[0].numpy() * 255).astype(np.uint8)
    picture = Image.fromarray(pixels.squeeze()).resize((45, 33), Image.Resampling.LANCZOS)
    assert np.array_equal((out[0] * 255).round().byte().numpy().squeeze(), np.array(picture))


def test_invert_and_batch():
    image = ramp()
    assert torch.equal(ImageInvert.execute(image).result[0], 1 - image)
    assert torch.equal(InvertMask.execute(image[..., 0]).result[0], 1 - image[..., 0])
    both = ImageBatch.execute(image, ramp(40, 60, 1, 4)).result[0]
    assert both.shape == (3, 20, 30, 4)
    assert torch.equal(both[:2, ..., :3], image) and (both[:2, ..., 3] == 1).all()


@pytest.mark.parametrize(
    ("start", "length", "kept"),
    [(0, 1, [0]), (1, 2, [1, 2]), (-1, 1, [3]), (3, 9, [3]), (99, 1, [3]), (-99, 1, [0])],
)
def test_pictures_out_of_a_batch(start, length, kept):
    batch = torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 2, 2, 3)
    out = ImageFromBatch.execute(batch, start, length).result[0]
    assert out[:, 0, 0, 0].tolist() == kept


def test_a_mask_grows_to_four_neighbours_or_eight_and_shrinks():
    mask = torch.zeros(1, 7, 7)
    mask[0, 3, 3] = 0.5
    tapered = GrowMask.execute(mask, 2, True).result[0]
    assert int((tapered == 0.5).sum()) == 13 and tapered[0, 1, 3] == 0.5 and tapered[0, 1, 2] == 0
    square = GrowMask.execute(mask[0], 2, False).result[0]
    assert int((square == 0.5).sum()) == 25 and square.shape == (1, 7, 7)
    assert torch.equal(GrowMask.execute(square, -2, False).result[0], mask)
    assert torch.equal(GrowMask.execute(mask, 0, True).result[0], mask)


def test_a_mask_becomes_grey_and_a_number_stays():
    mask = torch.rand(2, 3, 5)
    image = MaskToImage.execute(mask).result[0]
    assert image.shape == (2, 3, 5, 3) and torch.equal(image[..., 2], mask)
    assert PrimitiveInt.execute(7).result[0] == 7
