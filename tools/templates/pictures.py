"""Makes the pictures of the template browser: `python -m tools.templates.pictures NAME ...` (or all).

Each is made of a real result: the template is run by run_workflow.py's nodes on the demo portrait and voice.
Where a diffusion model would paint, a filter of OpenCV's stands in: no checkpoint is needed to make them.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from run_workflow import PACK, ROOT, load_pack

from .driver import write_driver
from .without_diffusion import needs_diffusion, without_diffusion

WORKFLOWS = ROOT / "workflows"
SIZE = 512
LARGEST = 60_000  # bytes
PHOTO, PAINTED, MIRRORED, PLACE = "astronaut.png", "painted.png", "mirrored.png", "place.jpg"
WIDE = "wide.png"
DRIVER, DRIVER_FRAMES = "the_driver.mp4", 75
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Result:
    """What a run gave: the video's frames in order; `output(title, slot)`: a node's IMAGE."""

    frames: list[Pixels]
    photo: Pixels
    driver: Path
    output: Callable[[str, int], Any]

    def picture(self, title: str, slot: int) -> Pixels:
        """The first picture of a node's output."""
        return _pixels(self.output(title, slot)[0])

    def at(self, share: float) -> Pixels:
        """The frame at a share of the video's length."""
        return self.frames[round(share * (len(self.frames) - 1))]


def four(*shares: float) -> Callable[[Result], Pixels]:
    """Two rows of two frames."""
    return lambda result: _square([result.at(share) for share in shares])


def under_each_other(*shares: float) -> Callable[[Result], Pixels]:
    """Frames as wide as the picture, one below the other."""
    return lambda result: np.concatenate([_resized(result.at(share), SIZE) for share in shares])


def under_its_driver(result: Result) -> Pixels:
    """Two frames of the film of the demo portrait, and below what they made of another picture."""
    shares = (0.3, 0.75)
    film = [_of_film(result.driver, round(share * (len(result.frames) - 1))) for share in shares]
    return _square([*film, *(result.at(share) for share in shares)])


def _of_film(path: Path, at: int) -> Pixels:
    from real3d_core.video.decoder import read_video

    return next(iter(read_video(path).frames(at, at + 1)))


def from_photo(result: Result) -> Pixels:
    """The photo, and three frames of what became of it."""
    return _square([result.photo, *(result.at(share) for share in (0.3, 0.55, 0.85))])


def enlarged(result: Result) -> Pixels:
    """A part of a frame: left as HTB-SR gave it, right as it came out."""
    after = result.at(0)
    before = _resized(result.picture("HTB-SR", 0), after.shape[1], smooth=False)
    size, top, left = SIZE, after.shape[0] // 8, after.shape[1] // 2 - SIZE // 2
    before, after = (one[top : top + size, left : left + size] for one in (before, after))
    joined = np.concatenate([before[:, : size // 2], after[:, size // 2 :]], 1)
    joined[:, size // 2 - 1 : size // 2 + 1] = 255
    return joined


def depth_and_normals(result: Result) -> Pixels:
    """Both passes, of the first frame and of a later one."""
    last = [_pixels(result.output("Render Passes", slot)[-1]) for slot in (2, 3)]
    return _square([*(result.picture("Render Passes", slot) for slot in (2, 3)), *last])


def painted_parts(result: Result) -> Pixels:
    """Two frames, and below in colour what would be painted in them."""
    numbers = (13, 24)  # open mouths
    frames = [result.frames[i] for i in numbers]
    masks = [result.output("A little wider", 0)[i].clamp(0, 1).numpy()[..., None] for i in numbers]
    colour = np.float32([255, 70, 160])
    marked = [
        (one + (0.35 * one + 0.65 * colour - one) * mask).astype(np.uint8)
        for one, mask in zip(frames, masks, strict=True)
    ]
    return _square([*frames, *marked])


def _square(pictures: list[Pixels]) -> Pixels:
    tiles = [_resized(one, SIZE // 2) for one in pictures]
    return np.concatenate([np.concatenate(tiles[:2], 1), np.concatenate(tiles[2:], 1)])


def _resized(picture: Pixels, width: int, smooth: bool = True) -> Pixels:
    from PIL import Image

    height = round(picture.shape[0] * width / picture.shape[1])
    how = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(picture).resize((width, height), how))


@dataclass(frozen=True)
class Shot:
    """How a template is run for its picture: seconds of the voice; files by node title; other settings."""

    compose: Callable[[Result], Pixels]
    seconds: float = 3.0
    files: tuple[tuple[str, str], ...] = ()
    settings: tuple[str, ...] = ()


SHOTS: dict[str, Shot] = {
    "talking_portrait": Shot(four(0.0, 0.105, 0.316, 1.0), 5.0, settings=("Head Motion.sway=2",)),
    "video_driven": Shot(under_its_driver, 2.5, (("Load Portrait", PAINTED),)),
    "mouth_from_audio_brows_from_video": Shot(under_its_driver, 2.5, (("Load Portrait", PAINTED),)),
    "expression_presets": Shot(four(0.0, 0.2, 0.52, 0.83)),
    "background_swap": Shot(four(0.0, 0.35, 0.6, 0.9), files=(("Background", PLACE),)),
    "orbit_while_talking": Shot(four(0.0, 0.22, 0.45, 0.8), 5.0),
    "stereo_sbs": Shot(under_each_other(0.2, 0.6), 2.0),
    "dialogue_two_speakers": Shot(under_each_other(0.133, 0.733), 2.0, (("Load Portrait B", MIRRORED),)),
    "paste_back": Shot(under_each_other(0.3, 0.7), 2.0, (("Load Portrait", WIDE),)),
    "avatar_save_load": Shot(four(0.0, 0.26, 0.6, 0.79), 2.0),
    "turntable_mesh": Shot(four(0.93, 0.12, 0.25, 0.45)),
    "upscale_chain": Shot(enlarged, 0.2),
    "diffusion_restyle_then_talk": Shot(from_photo),
    "depth_normal_for_controlnet": Shot(depth_and_normals, 1.2),
    "diffusion_fix_unseen": Shot(
        painted_parts, 1.6, settings=("How many frames.value=30", "Audio-to-Motion.mouth_amplitude=1.3")
    ),
}


def make(name: str) -> None:
    """Runs a template and writes its picture."""
    shot = SHOTS[name]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write_inputs(root / "input")
        result = _run(name, shot, root)
        _save(shot.compose(result), WORKFLOWS / f"{name}.jpg")


def _write_inputs(folder: Path) -> None:
    from PIL import Image
    from skimage import data

    from real3d_core.portrait.nets import load_face_nets

    folder.mkdir()
    photo = data.astronaut()
    painting = painted(photo)
    Image.fromarray(photo).save(folder / PHOTO)
    Image.fromarray(painting).save(folder / PAINTED)
    Image.fromarray(painting[:, ::-1]).save(folder / MIRRORED)
    Image.fromarray(data.rocket()).save(folder / PLACE)
    Image.fromarray(_wide(photo, data.rocket())).save(folder / WIDE)
    shutil.copy(ROOT / "demo" / "speech.flac", folder / "speech.flac")
    nets = load_face_nets([ROOT / "models" / "real3d_portrait"])
    write_driver(photo, nets, folder / DRIVER, DRIVER_FRAMES)


def _wide(photo: Pixels, place: Pixels) -> Pixels:
    """The photo in the middle of another one that is twice as wide."""
    height, width = photo.shape[:2]
    wide = _resized(place, 2 * width)
    top = (wide.shape[0] - height) // 2
    wide = wide[top : top + height].copy()
    fade = np.clip(np.minimum(np.arange(width), np.arange(width)[::-1]) / 60, 0, 1)[None, :, None]
    middle = wide[:, width // 2 : width // 2 + width]
    middle[:] = (fade * photo + (1 - fade) * middle).astype(np.uint8)
    return wide


def painted(photo: Pixels, side: int = 1024, brush: int = 4) -> Pixels:
    """[side, side, 3] strokes: around each pixel the calmest of four squares gives its mean colour; then
    stronger colours.
    """
    import cv2

    large = cv2.resize(photo, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    size, corners = (brush + 1, brush + 1), ((0, 0), (0, brush), (brush, 0), (brush, brush))
    means = np.stack([cv2.boxFilter(large, -1, size, anchor=corner) for corner in corners])
    squares = np.stack([cv2.boxFilter(large**2, -1, size, anchor=corner) for corner in corners])
    calmest = (squares - means**2).sum(-1).argmin(0)
    strokes = np.take_along_axis(means, calmest[None, ..., None], 0)[0]
    grey = strokes.mean(-1, keepdims=True)
    return (grey + 1.35 * (strokes - grey) + np.float32([8, 2, -10])).clip(0, 255).astype(np.uint8)


def _run(name: str, shot: Shot, root: Path) -> Result:
    from real3d_portrait.nodes.headless.execute import run
    from real3d_portrait.nodes.headless.graph import Registry, read_workflow
    from real3d_portrait.nodes.headless.session import Session, using
    from real3d_portrait.nodes.headless.settings import apply_settings
    from real3d_portrait.nodes.headless.video import VideoFromFile

    workflow = json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
    if needs_diffusion(workflow):
        workflow = without_diffusion(workflow, PAINTED)
    file = root / "workflow.json"
    file.write_text(json.dumps(workflow), encoding="utf-8")
    registry = Registry.standard()
    folders = {kind: root / kind for kind in ("input", "output", "temp")}
    with using(Session(**folders, models=ROOT / "models", longest_sound=shot.seconds)):
        graph = read_workflow(file, registry)
        files = [f"{title}.image={path}" for title, path in _files(graph, shot)]
        graph = apply_settings(graph, [*files, *shot.settings], registry).graph
        done = run(graph, registry)
        video = [path for path in done.saved if path.suffix == ".mp4"][-1]
        frames = VideoFromFile(video).get_components().images
    keys = {node.title: key for key, node in graph.nodes.items()}
    return Result(
        [_pixels(one) for one in frames],
        _pixels_of(root / "input" / PHOTO),
        root / "input" / DRIVER,
        lambda title, slot: done.value(keys[title], slot),
    )


def _files(graph: Any, shot: Shot) -> list[tuple[str, str]]:
    """Every node that loads a picture, with the demo photo where nothing else is said."""
    given = dict(shot.files)
    return [
        (node.title, given.get(node.title, PHOTO))
        for node in graph.nodes.values()
        if node.kind in ("LoadImage", "R3DP_LoadPortrait") and "image" not in node.inputs
    ]


def _pixels(picture: Any) -> Pixels:
    return (picture[..., :3].clamp(0, 1) * 255).round().byte().numpy()


def _pixels_of(path: Path) -> Pixels:
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def _save(pixels: Pixels, path: Path) -> None:
    """As the best JPEG that is small enough."""
    from PIL import Image

    for quality in range(92, 30, -4):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= LARGEST:
            break
    path.write_bytes(file.getvalue())
    print(f"{path.name}: {pixels.shape[1]} x {pixels.shape[0]}, quality {quality}, {file.tell()} bytes")


def main(names: list[str]) -> None:
    """Makes the pictures of these templates, or of all that are described here."""
    if PACK not in sys.modules:
        load_pack()
    for name in names or SHOTS:
        make(name)


if __name__ == "__main__":
    main(sys.argv[1:])
