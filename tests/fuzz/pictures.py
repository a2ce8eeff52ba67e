"""Hostile pictures: files, tensors, masks and landmarks into the two portrait nodes and Load Image."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from PIL import Image

from real3d_portrait.nodes import LoadPortrait, PortraitFromImage
from real3d_portrait.nodes.headless.core_nodes import LoadImage

from .bench import Bench
from .chance import NAN, THINGS, Chance

MODES = ("RGB", "RGB", "L", "RGBA", "LA", "P", "1", "CMYK", "I;16", "I", "F", "YCbCr", "HSV", "LAB", "PA")
KINDS = ("png", "jpeg", "webp", "gif", "tiff", "bmp", "ppm", "ico", "tga", "jpeg2000")
ENDINGS = ("png", "jpg", "webp", "gif", "tif", "bmp")
SIDES = (1, 2, 15, 16, 17, 31, 64, 100, 333, 512)


def content(chance: Chance, bench: Bench) -> np.ndarray:
    """uint8 [h, w, 3] of some odd size: nothing, noise, a cat, a face, a part of a face."""
    height, width = chance.one_of(SIDES), chance.one_of(SIDES)
    if chance.often(0.05):
        height, width = chance.pick((16, 5000), (5000, 16), (1, 16384), (16, 16385))
    kind = chance.pick("flat", "noise", "cat", "face", "face", "part")
    if kind == "flat":
        return np.full((height, width, 3), chance.pick(0, 255, 128), np.uint8)
    if kind == "noise":
        return chance.numpy.integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture = bench.cat if kind == "cat" else bench.photo
    if kind == "part":
        top, left = chance.whole(0, 200), chance.whole(0, 300)
        picture = picture[top : top + chance.whole(16, 300), left : left + chance.whole(16, 300)]
    if chance.often(0.5):
        picture = np.rot90(picture, chance.whole(0, 3))[:: chance.pick(1, -1)]
    if chance.often(0.5):
        picture = np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((width, height)))
    return np.ascontiguousarray(picture)


def encoded(chance: Chance, picture: np.ndarray) -> tuple[str, bytes]:
    """The picture in some mode and kind of file, with odd extras; what it is called."""
    mode, kind = chance.one_of(MODES), chance.one_of(KINDS)
    if mode in ("I;16", "I", "F"):
        grey = picture[..., 0].astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode])
        made = Image.fromarray(grey * chance.pick(1, 257) / (255 if mode == "F" else 1)).convert(mode)
    else:
        made = Image.fromarray(picture).convert("L" if mode == "PA" else mode if mode != "LAB" else "RGB")
    extras: dict[str, Any] = {}
    if chance.often(0.3):
        exif = Image.Exif()
        exif[0x0112] = chance.whole(0, 12)
        extras["exif"] = exif
    if chance.often(0.2) and kind in ("gif", "png", "webp", "tiff"):
        extras |= {"save_all": True, "append_images": [made.copy(), made.copy()]}
    if chance.often(0.2) and mode in ("P", "L", "RGB"):
        extras["transparency"] = 0 if mode != "RGB" else (0, 0, 0)
    for options in (extras, {}):
        for one in (made, made.convert("RGB")):
            stream = io.BytesIO()
            try:
                one.save(stream, format=kind, **options)
            except Exception:  # not every kind holds every mode
                continue
            return (
                f"{one.mode} {kind} {picture.shape[1]}x{picture.shape[0]} {sorted(options)}",
                stream.getvalue(),
            )
    return "nothing", b""


def picture_file(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """A file, damaged or not, into Load Portrait or Load Image."""
    words, data = encoded(chance, content(chance, bench))
    if chance.often(0.5):
        words, data = f"damaged {words}", chance.damaged(data)
    if data[:4] == b"\x89PNG" and chance.often(0.15):  # a header that promises more than there is
        side = chance.pick(0, 1, 16_384, 16_385, 2**31 - 1, 2**32 - 1).to_bytes(4, "big")
        words, data = f"{words}, false size", data[:16] + side + data[20:]
    name = f"picture.{chance.one_of(ENDINGS)}"
    (bench.folder / "input" / name).write_bytes(data)
    if chance.often(0.25):
        return f"Load Image of {words}", lambda: LoadImage.execute(name)
    face = chance.pick(0, 0, 0, 1, 63, -1)
    return f"Load Portrait {face} of {words}", lambda: LoadPortrait.execute(name, face, False)


def image_value(chance: Chance, bench: Bench) -> Any:
    """An IMAGE, or what a careless node takes for one."""
    if chance.often(0.07):
        return chance.one_of(THINGS)
    if chance.often(0.5):
        picture = torch.from_numpy(content(chance, bench)).float()[None] / 255
        if chance.often(0.3):
            picture = picture * chance.pick(255, -1, 1e30) + chance.pick(0, NAN, 0.5)
        if chance.often(0.3):
            picture = torch.cat([picture, torch.rand(*picture.shape[:3], 1, generator=chance.torch)], -1)
        return chance.typed(picture)
    sides = chance.shape(chance.pick(1, 1, 2), chance.one_of(SIDES), chance.one_of(SIDES), 3)
    return chance.typed(chance.values(sides))


def mask_value(chance: Chance) -> Any:
    if chance.often(0.1):
        return chance.one_of(THINGS)
    sides = chance.shape(1, chance.pick(64, 512, 3), chance.pick(64, 512, 700))
    return chance.typed(chance.values(sides))


def landmarks_value(chance: Chance, bench: Bench) -> Any:
    """FACE_LANDMARKS of the photo's face, bent in some way."""
    points = bench.landmarks.copy()
    kind = chance.pick("good", "far", "point", "nan", "few", "flat", "huge", "mirrored", "thing")
    if kind == "far":
        points += chance.pick(400, -5000, 1e9)
    if kind == "point":
        points[:] = points[0]
    if kind == "nan":
        points[chance.whole(0, 477), chance.whole(0, 2)] = chance.pick(NAN, np.inf)
    if kind == "few":
        points = points[: chance.pick(0, 5, 468, 477)]
    if kind == "flat":
        points[:, chance.whole(0, 1)] = 100
    if kind == "huge":
        points = points * chance.pick(1e-9, 50, 1e30)
    if kind == "mirrored":
        points[:, 0] = 512 - points[:, 0]
    box = np.concatenate([points[:, :2].min(0), points[:, :2].max(0)]) if len(points) else np.zeros(4)
    face = {"landmarks_xy": points[:, :2], "landmarks_3d": points, "bbox_xyxy": box}
    if chance.often(0.2):
        face[chance.one_of(list(face))] = chance.one_of(THINGS)
    if chance.often(0.1):
        face.pop(chance.one_of(list(face)))
    value: Any = {"frames": [[face]], "image_size": (512, 512)}
    if chance.often(0.2):
        value["image_size"] = chance.pick((0, 0), (1, 1), (512,), None, (NAN, 512), "512x512")
    if chance.often(0.15):
        value["frames"] = chance.pick([], [[]], None, [None], [[None]], [[{}]], {}, "faces")
    if chance.often(0.1):
        value.pop(chance.pick("frames", "image_size"))
    return chance.one_of(THINGS) if kind == "thing" else value


def picture_tensor(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """An IMAGE into Portrait from Image."""
    image, face = image_value(chance, bench), chance.pick(0, 0, 0, 1, -1)
    words = f"{tuple(image.shape)} {image.dtype}" if isinstance(image, torch.Tensor) else repr(image)
    return f"Portrait from Image {face} of {words}", lambda: PortraitFromImage.execute(image, face, False)


def portrait_options(chance: Chance, bench: Bench) -> tuple[str, Any]:
    """The photo with a hostile mask, hostile landmarks or both."""
    mask = mask_value(chance) if chance.often(0.6) else None
    landmarks = landmarks_value(chance, bench) if mask is None or chance.often(0.6) else None
    image = torch.from_numpy(bench.photo).float()[None] / 255
    face = chance.integer(0, 0, 0, 1)
    words = f"mask {getattr(mask, 'shape', mask)}, landmarks {'given' if landmarks is not None else None}"
    return words, lambda: PortraitFromImage.execute(image, face, False, mask, landmarks)
