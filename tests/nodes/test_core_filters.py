"""The stand-ins for core's filters, for joined pictures and for sounds do what core's own do."""

import pytest
import torch

from real3d_portrait.nodes.headless.core_filters import ImageBlur, ImageSharpen, ImageStitch
from real3d_portrait.nodes.headless.core_sounds import AudioAdjustVolume, AudioConcat


def grey(value, height=8, width=12, batch=1, channels=3):
    return torch.full((batch, height, width, channels), value)


def test_a_blur_spreads_a_point_and_keeps_its_light():
    image = grey(0.0, 21, 21)
    image[0, 10, 10] = 1.0
    out = ImageBlur.execute(image, 2, 0.5).result[0]
    assert out.shape == image.shape and out[0, :, :, 0].sum() == pytest.approx(1.0, abs=1e-5)
    near, far = out[0, 10, 10, 0], out[0, 10, 12, 0]
    # Weights by the distance in shares of the radius: exp(-1 / (2 * 0.5^2)) at the edge.
    assert far / near == pytest.approx(torch.exp(torch.tensor(-2.0)).item(), rel=1e-4)
    assert out[0, 10, 13, 0] == 0


def test_sharpening_is_the_opposite_and_leaves_flat_parts():
    flat = grey(0.4, 16, 16)
    assert torch.allclose(ImageSharpen.execute(flat, 1, 1.0, 1.0).result[0], flat, atol=1e-5)
    step = torch.cat([grey(0.3, 16, 8), grey(0.6, 16, 8)], dim=2)
    out = ImageSharpen.execute(step, 1, 1.0, 0.02).result[0]
    assert out[0, 8, 7, 0] < 0.3 and out[0, 8, 8, 0] > 0.6
    blurred = ImageBlur.execute(step, 1, 1.0).result[0]
    assert torch.allclose(out, step + 0.2 * (step - blurred), atol=1e-5)


@pytest.mark.parametrize("direction", ["right", "left", "down", "up"])
def test_stitching_in_each_direction(direction):
    out = ImageStitch.execute(grey(0.2), direction, False, 4, "red", grey(0.7)).result[0]
    across = direction in ("right", "left")
    assert out.shape[1:3] == ((8, 28) if across else (20, 12))
    line = out[0, 4, :] if across else out[0, :, 6]
    ends = (0.2, 0.7) if direction in ("right", "down") else (0.7, 0.2)
    assert (line[0, 0].item(), line[-1, 0].item()) == pytest.approx(ends)
    middle = line[len(line) // 2 - 1]
    assert middle.tolist() == [1.0, 0.0, 0.0]


def test_the_second_picture_is_brought_to_the_size_of_the_first():
    out = ImageStitch.execute(grey(0.2, 8, 12), "right", True, 0, "white", grey(0.7, 16, 20)).result[0]
    assert out.shape == (1, 8, 22, 3)
    out = ImageStitch.execute(grey(0.2, 8, 12), "down", True, 0, "white", grey(0.7, 16, 24)).result[0]
    assert out.shape == (1, 16, 12, 3)


def test_unequal_pictures_get_margins_and_shorter_clips_stay_at_their_end():
    first, second = grey(0.2, 8, 12, batch=2), grey(0.7, 4, 6, batch=1, channels=4)
    out = ImageStitch.execute(first, "right", False, 0, "white", second).result[0]
    assert out.shape == (2, 8, 18, 4) and (out[:, :, :12, 3] == 1).all()
    assert (out[:, 0, 12:, :3] == 1).all() and torch.allclose(out[:, 4, 12:, :3], torch.tensor(0.7))
    assert ImageStitch.execute(first).result[0] is first


def tone(rate, seconds, channels=1, value=0.5):
    return {"waveform": torch.full((1, channels, round(rate * seconds)), value), "sample_rate": rate}


def test_sounds_one_after_the_other():
    both = AudioConcat.execute(tone(16_000, 0.5), tone(48_000, 0.25, 2, -0.5), "after").result[0]
    assert both["sample_rate"] == 48_000 and both["waveform"].shape == (1, 2, 36_000)
    assert both["waveform"][0, 0, 12_000] == pytest.approx(0.5, abs=0.01)
    assert both["waveform"][0, 1, 30_000] == -0.5
    other = AudioConcat.execute(tone(16_000, 0.5), tone(16_000, 0.5, 1, -0.5), "before").result[0]
    assert other["waveform"][0, 0, 0] == -0.5
    alone = tone(16_000, 0.1)
    assert AudioConcat.execute(None, alone, "after").result[0] is alone
    assert AudioConcat.execute(alone, None, "after").result[0] is alone


def test_volume_in_decibels():
    sound = tone(16_000, 0.1)
    assert AudioAdjustVolume.execute(sound, -20).result[0]["waveform"].max() == pytest.approx(0.05)
    assert AudioAdjustVolume.execute(sound, 0).result[0] is sound
    assert sound["waveform"].max() == 0.5
