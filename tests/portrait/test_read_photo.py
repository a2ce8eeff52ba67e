from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from real3d_core.errors import ImageError
from real3d_core.portrait.read_photo import photo_from_tensor, read_photo

ROOT = Path(__file__).resolve().parents[2]
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture
def picture(astronaut: np.ndarray) -> Image.Image:
    return Image.fromarray(astronaut[:300, :400])


def grey(picture: Image.Image) -> np.ndarray:
    return np.repeat(np.asarray(picture.convert("L"))[..., None], 3, 2)


@pytest.mark.parametrize("suffix", ["jpg", "tif", "png", "webp"])
@pytest.mark.parametrize("orientation", sorted(UNDO))
def test_orientation(tmp_path: Path, picture: Image.Image, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    picture.transpose(UNDO[orientation]).save(path, exif=exif, quality=95)
    read = read_photo(path)
    assert read.pixels.shape == (300, 400, 3)
    assert np.abs(read.pixels.astype(int) - np.asarray(picture)).mean() < 4


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey(tmp_path: Path, picture: Image.Image, suffix: str) -> None:
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(grey(picture)[..., 0].astype(np.uint16) * 257).save(path)
    np.testing.assert_array_equal(read_photo(path).pixels, grey(picture))


def test_float_grey(tmp_path: Path, picture: Image.Image) -> None:
    path = tmp_path / "float.tif"
    Image.fromarray(grey(picture)[..., 0].astype(np.float32) / 255).save(path)
    np.testing.assert_array_equal(read_photo(path).pixels, grey(picture))


@pytest.mark.parametrize(
    ("mode", "suffix"), [("L", "png"), ("P", "png"), ("CMYK", "tif"), ("LA", "png"), ("1", "png")]
)
def test_modes(tmp_path: Path, picture: Image.Image, mode: str, suffix: str) -> None:
    path = tmp_path / f"mode.{suffix}"
    picture.convert(mode).save(path)
    read = read_photo(path)
    wanted = np.asarray(picture.convert(mode).convert("RGB")).astype(int)
    assert read.pixels.dtype == np.uint8
    assert read.alpha is None
    assert np.abs(read.pixels - wanted).mean() < 1


def test_transparency_is_kept_and_laid_over_white(tmp_path: Path, picture: Image.Image) -> None:
    alpha = np.zeros((300, 400), np.uint8)
    alpha[50:250, 100:300] = 255
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / "cut.png")
    read = read_photo(tmp_path / "cut.png")
    np.testing.assert_array_equal(read.alpha, alpha / np.float32(255))
    assert read.pixels[0, 0].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(read.pixels[60:240, 110:290], np.asarray(picture)[60:240, 110:290, :3])


def test_opaque_alpha_says_nothing(tmp_path: Path, picture: Image.Image) -> None:
    picture.convert("RGBA").save(tmp_path / "opaque.png")
    assert read_photo(tmp_path / "opaque.png").alpha is None


def test_animation_gives_its_first_frame(tmp_path: Path, picture: Image.Image) -> None:
    black = Image.new("RGB", picture.size)
    picture.save(tmp_path / "moving.gif", save_all=True, append_images=[black, black])
    assert read_photo(tmp_path / "moving.gif").pixels.mean() > 50


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_huge_pictures_are_reduced(tmp_path: Path, picture: Image.Image, suffix: str) -> None:
    path = tmp_path / f"huge.{suffix}"
    picture.resize((3000, 2250)).save(path)
    read = read_photo(path, longest=1000)
    assert read.pixels.shape == (750, 1000, 3)
    assert read.scale == pytest.approx(1 / 3, rel=0.01)


def damaged_files(folder: Path, picture: Image.Image) -> dict[str, Path]:
    picture.save(folder / "whole.png")
    picture.save(folder / "whole.jpg")
    names = ("cut.png", "cut.jpg", "text.png", "empty.png", "none.png", "tiny.png", "long.png")
    files = {name: folder / name for name in names}
    files["cut.png"].write_bytes((folder / "whole.png").read_bytes()[:20_000])
    files["cut.jpg"].write_bytes((folder / "whole.jpg").read_bytes()[:4_000])
    files["text.png"].write_text("I am not a picture")
    files["empty.png"].write_bytes(b"")
    Image.new("RGB", (1, 1)).save(files["tiny.png"])
    Image.new("L", (20_000, 20)).save(files["long.png"])
    return files


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.png", "damaged or cut short"),
        ("cut.jpg", "damaged or cut short"),
        ("text.png", "not a picture"),
        ("empty.png", "not a picture"),
        ("none.png", "does not exist"),
        ("tiny.png", "too small"),
        ("long.png", "16384"),
    ],
)
def test_unusable_files(tmp_path: Path, picture: Image.Image, name: str, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read_photo(damaged_files(tmp_path, picture)[name])


def test_decompression_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (16_000, 16_000)).save(path)  # small in the file, allowed by its sides
    assert path.stat().st_size < 100_000
    Image.new("1", (16_500, 16_500)).save(path)
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageError, match="at most 16384"):
        read_photo(path)
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.skipif(sys.platform == "win32", reason="there the memory of a process is not told")
@pytest.mark.parametrize(
    ("mode", "suffix", "width", "decoded"),
    # A JPEG is decoded at a quarter of its size.
    [("RGB", "jpg", 8_192, 0), ("L", "png", 8_192, 1), ("I;16", "png", 2_048, 2)],
)
def test_the_largest_picture_is_read_in_bounded_memory(
    tmp_path: Path, mode: str, suffix: str, width: int, decoded: int
) -> None:
    """16,384 pixels a side, in a process of its own, whose memory can be measured."""
    path = tmp_path / f"largest.{suffix}"
    Image.new(mode, (width, 16_384)).save(path, compress_level=1)
    script = """
import resource, sys, time
import torch, numpy, PIL.Image
from real3d_core.portrait.read_photo import read_photo
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
print(*read_photo(sys.argv[1]).pixels.shape, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before,
      time.perf_counter() - start)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    height, read, channels, memory, seconds = map(float, done.stdout.split())
    assert (height, read, channels) == (4096, width / 4, 3)
    unit = 1 if sys.platform == "darwin" else 1024
    assert memory * unit < 2.6 * decoded * width * 16_384 + 400e6
    assert seconds < 30


def test_tensors() -> None:
    image = torch.rand(40, 60, 3)
    read = photo_from_tensor(image)
    np.testing.assert_array_equal(read.pixels, (image * 255).round().byte().numpy())
    assert photo_from_tensor(torch.full((40, 60, 1), 0.5)).pixels.shape == (40, 60, 3)
    assert photo_from_tensor(torch.full((40, 60, 4), 0.5)).alpha is not None
    assert photo_from_tensor(torch.full((40, 60, 3), torch.nan)).pixels.max() == 0
    assert photo_from_tensor(image, longest=30).pixels.shape == (20, 30, 3)
    for wrong in (torch.rand(1, 40, 60, 3), torch.rand(40, 60), torch.rand(40, 60, 2), torch.rand(2, 2, 3)):
        with pytest.raises(ImageError):
            photo_from_tensor(wrong)
